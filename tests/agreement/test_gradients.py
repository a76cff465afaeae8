"""Gradients on every engine against those of the reference engine."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import (
    RVGate,
    UGate,
    XXPlusYYGate,
    efficient_su2,
    real_amplitudes,
)
from qiskit.quantum_info import SparsePauliOp, random_pauli_list

from simquay.gradients import value_and_gradient

ENGINES = ["numpy", "numba"]


def an_observable(qubits: int) -> SparsePauliOp:
    paulis = random_pauli_list(qubits, 12, seed=qubits, phase=False)
    return SparsePauliOp(paulis, np.random.default_rng(qubits).uniform(-1, 1, 12))


@pytest.mark.parametrize("engine", ENGINES)
def test_gates_that_do_not_commute_with_their_generators(engine: str) -> None:
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(3)
    circuit.u(a, b, a * b, 0)
    circuit.append(RVGate(a, 0.3, b), [1])
    circuit.append(UGate(b, a, 0.2).power(0.3, annotated=True), [2])
    circuit.cu(a, b, 0.1, a, 0, 2)
    circuit.r(a, b, 1)
    circuit.append(XXPlusYYGate(b, a), [1, 2])
    observable = an_observable(3)
    found = value_and_gradient(engine, circuit, observable, [0.4, -0.8])
    known = value_and_gradient("reference", circuit, observable, [0.4, -0.8])
    np.testing.assert_allclose(found.gradients, known.gradients, atol=1e-11)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_circuit_without_gates(engine: str) -> None:
    circuit = QuantumCircuit(2, global_phase=Parameter("a"))
    found = value_and_gradient(engine, circuit, ["ZZ", "XI"], [0.3])
    assert found.values.tolist() == [1, 0]
    assert found.gradients.tolist() == [[0], [0]]


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("qubits", "points"), [(3, 1), (5, 20), (9, 1), (11, 3), (13, 1), (15, 1)])
def test_gradients_are_the_reference_s(
    engine: str, qubits: int, points: int, precision: str
) -> None:
    make = real_amplitudes if qubits > 10 else efficient_su2
    circuit = make(qubits, reps=1)
    values = np.random.default_rng(1).uniform(-2, 2, (points, circuit.num_parameters))
    observable = an_observable(qubits)
    found = value_and_gradient(engine, circuit, observable, values, precision=precision)
    known = value_and_gradient("reference", circuit, observable, values)
    tolerance = 1e-11 if precision == "double" else 1e-4
    np.testing.assert_allclose(found.values, known.values, atol=tolerance)
    np.testing.assert_allclose(found.gradients, known.gradients, atol=tolerance)
