"""Gradients in the form of qiskit-algorithms and qiskit-machine-learning."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import efficient_su2
from qiskit.providers import JobStatus
from qiskit.quantum_info import SparsePauliOp

from simquay.gradients import AdjointEstimatorGradient, value_and_gradient

GRADIENT = AdjointEstimatorGradient("numpy")


def test_several_circuits_and_points():
    one, other = efficient_su2(2, reps=1), efficient_su2(3, reps=1)
    first, second = SparsePauliOp(["ZZ", "XI"]), SparsePauliOp("XYZ")
    rng = np.random.default_rng(0)
    rows = [rng.uniform(-1, 1, circuit.num_parameters) for circuit in (one, one, other, one)]
    chosen = [None, [one.parameters[3], one.parameters[0]], None, None]
    job = GRADIENT.run([one, one, other, one], [first, first, second, first], rows, chosen)
    result = job.result()
    assert job.status() is JobStatus.DONE
    for number, (circuit, observable) in enumerate(
        [(one, first), (one, first), (other, second), (one, first)]
    ):
        wanted = value_and_gradient("numpy", circuit, observable, rows[number]).gradients
        if number == 1:
            wanted = wanted[[3, 0]]
        np.testing.assert_allclose(result.gradients[number], wanted, atol=1e-13)
    assert result.metadata[1] == {"parameters": chosen[1]}
    assert result.metadata[2] == {"parameters": [*other.parameters]}
    assert result.precision == 0


def test_one_circuit_alone():
    angle = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.ry(angle, 0)
    result = GRADIENT.run(circuit, SparsePauliOp("Z"), [[0.4]], precision=0.1).result()
    assert result.gradients[0] == pytest.approx([-np.sin(0.4)])


def test_a_list_of_observables_at_one_point():
    circuit = efficient_su2(2, reps=1)
    first, second = SparsePauliOp("ZZ"), SparsePauliOp("XI")
    chosen = [circuit.parameters[3], circuit.parameters[0]]
    (rows,) = GRADIENT.run([circuit], [[first, second]], [np.ones(8)], [chosen]).result().gradients
    for row, observable in zip(rows, (first, second), strict=True):
        wanted = value_and_gradient("numpy", circuit, observable, np.ones(8)).gradients[[3, 0]]
        np.testing.assert_allclose(row, wanted, atol=1e-13)


@pytest.mark.parametrize("row", [np.zeros((1, 8)), np.zeros((2, 8)), np.zeros(7), 0.3])
def test_values_are_one_row_for_each_circuit(row):
    with pytest.raises(ValueError, match=r"have the shape .*: expected \(8,\)"):
        GRADIENT.run([efficient_su2(2, reps=1)], [SparsePauliOp("ZZ")], [row])


def test_options_of_the_class_and_of_the_run():
    circuit = efficient_su2(2, reps=1)
    gradient = AdjointEstimatorGradient("numpy", precision="single")
    job = gradient.run([circuit], [SparsePauliOp("ZZ")], [np.zeros(8)])
    assert job.metadata["precision"] == "single"
    job = gradient.run([circuit], [SparsePauliOp("ZZ")], [np.zeros(8)], max_memory_mb=100)
    assert job.metadata["precision"] == "single"


def test_wrong_arguments():
    circuit, observable = efficient_su2(2, reps=1), SparsePauliOp("ZZ")
    with pytest.raises(ValueError, match="2 circuits, 1 observables, 1 rows"):
        GRADIENT.run([circuit] * 2, [observable], [np.zeros(8)])
    with pytest.raises(ValueError, match="has no parameter other"):
        GRADIENT.run([circuit], [observable], [np.zeros(8)], [[Parameter("other")]])
