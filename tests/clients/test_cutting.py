"""qiskit-addon-cutting: a circuit in two halves, whose results are put together again."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives import BackendSamplerV2
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_addon_cutting import (
    cut_wires,
    expand_observables,
    generate_cutting_experiments,
    partition_problem,
    reconstruct_expectation_values,
)
from qiskit_addon_cutting.instructions import CutWire


def test_a_cut_circuit_gives_the_value_of_the_whole(backend):
    circuit = QuantumCircuit(2)
    circuit.ry(0.6, 0)
    circuit.ry(0.9, 1)
    circuit.cx(0, 1)
    observable = SparsePauliOp(["ZZ"])
    expected = Statevector(circuit).expectation_value(observable).real
    problem = partition_problem(circuit, partition_labels="AB", observables=observable.paulis)
    experiments, coefficients = generate_cutting_experiments(
        problem.subcircuits, problem.subobservables, num_samples=np.inf
    )
    sampler = BackendSamplerV2(backend=backend)
    results = {label: sampler.run(some, shots=4096).result() for label, some in experiments.items()}
    found = reconstruct_expectation_values(results, coefficients, problem.subobservables)
    assert np.dot(found, observable.coeffs).real == pytest.approx(expected, abs=0.1)


def test_a_cut_wire_gives_the_value_of_the_whole(backend):
    whole, cut = QuantumCircuit(3), QuantumCircuit(3)
    for circuit in (whole, cut):
        circuit.ry(0.6, 0)
        circuit.cx(0, 1)
        if circuit is cut:
            circuit.append(CutWire(), [1])
        circuit.cx(1, 2)
    observable = SparsePauliOp(["ZIZ"])
    expected = Statevector(whole).expectation_value(observable).real
    wires = cut_wires(cut)
    observables = expand_observables(observable.paulis, cut, wires)
    problem = partition_problem(circuit=wires, observables=observables)
    experiments, coefficients = generate_cutting_experiments(
        problem.subcircuits, problem.subobservables, num_samples=np.inf
    )
    sampler = BackendSamplerV2(backend=backend)
    results = {label: sampler.run(some, shots=4096).result() for label, some in experiments.items()}
    (found,) = reconstruct_expectation_values(results, coefficients, problem.subobservables)
    assert found == pytest.approx(expected, abs=0.15)
