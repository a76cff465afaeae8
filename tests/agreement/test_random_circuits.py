"""Random circuits over the whole gate set, lowered and run, against Qiskit and an oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from qiskit import QuantumCircuit
from qiskit.circuit.library import efficient_su2, quantum_volume
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator, Statevector

from simquay.circuits.lowering.circuit import lower
from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.program import Precision
from tests.support.dense import TooManyPaths, final_distribution
from tests.support.random_circuits import (
    dynamic_circuits,
    random_dynamic_circuit,
    random_unitary_circuit,
    unitary_circuits,
)
from tests.support.unitaries import lowered_unitary


def final_state(circuit: QuantumCircuit, precision: Precision = Precision.DOUBLE):
    """The state at the end, by the reference engine."""
    settings_ = RunContext(shots=1, wanted={"statevector": True}, precision=precision)
    return run_program(lower(circuit), ReferenceEngine(), settings_, Control())["statevector"]


def frequencies(circuit: QuantumCircuit, shots: int, seed: int) -> dict[int, float]:
    """How often the reference engine finds each value of the classical bits."""
    outcome = run_program(
        lower(circuit), ReferenceEngine(), RunContext(shots=shots, seed=seed), Control()
    )
    values, counts = np.unique(outcome["samples"][:, 0], return_counts=True)
    return dict(zip(values.tolist(), (counts / shots).tolist(), strict=True))


@given(unitary_circuits(max_qubits=5, max_gates=6))
@settings(max_examples=60)
def test_unitary_of_random_circuits(circuit):
    np.testing.assert_allclose(lowered_unitary(circuit), Operator(circuit).data, atol=1e-9)


@given(unitary_circuits(max_qubits=8, max_gates=10))
@settings(max_examples=60)
def test_reference_engine_agrees_with_statevector(circuit):
    np.testing.assert_allclose(final_state(circuit), Statevector(circuit).data, atol=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_seeded_circuits_of_up_to_eight_qubits(seed):
    circuit = random_unitary_circuit(np.random.default_rng(seed), 1 + seed % 8, 25)
    expected = Statevector(circuit).data
    np.testing.assert_allclose(final_state(circuit), expected, atol=1e-8)
    single = final_state(circuit, Precision.SINGLE)
    np.testing.assert_allclose(single, expected, atol=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_circuits_of_qiskits_own_generator(seed):
    circuit = random_circuit(2 + seed % 6, 8, max_operands=4, seed=seed)
    np.testing.assert_allclose(final_state(circuit), Statevector(circuit).data, atol=1e-12)


def test_circuits_of_qiskits_library():
    ansatz = efficient_su2(5, reps=3)
    values = np.random.default_rng(3).uniform(-3, 3, ansatz.num_parameters)
    for circuit in (ansatz.assign_parameters(values), quantum_volume(6, 6, seed=4)):
        np.testing.assert_allclose(final_state(circuit), Statevector(circuit).data, atol=1e-12)


@given(dynamic_circuits(max_qubits=3, max_clbits=4, max_size=6))
@settings(max_examples=40)
def test_dynamic_circuits_follow_their_exact_distribution(circuit):
    """Each example raises a false alarm with 1e-9 at most (Bretagnolle-Huber-Carol inequality)."""
    try:
        expected = final_distribution(lower(circuit), max_paths=300)
    except TooManyPaths:
        assume(False)
    assert sum(expected.values()) == pytest.approx(1)
    shots = 2000
    found = frequencies(circuit, shots, seed=6)
    possible = {value for value, probability in expected.items() if probability > 1e-12}
    assert set(found) <= possible
    distance = sum(abs(found.get(value, 0) - expected[value]) for value in possible)
    limit = np.sqrt(2 * (len(possible) * np.log(2) + np.log(1e9)) / shots)
    assert distance < limit


@given(dynamic_circuits(max_qubits=8, max_clbits=6, max_size=10))
@settings(max_examples=60)
def test_numpy_and_reference_draw_the_same_samples(circuit):
    program = lower(circuit)
    settings_ = RunContext(shots=60, seed=11)
    by_reference = run_program(program, ReferenceEngine(), settings_, Control())
    by_numpy = run_program(program, DenseEngine(), settings_, Control())
    np.testing.assert_array_equal(by_numpy["samples"], by_reference["samples"])


@given(unitary_circuits(max_qubits=8, max_gates=14))
@settings(max_examples=60)
def test_numpy_and_reference_reach_the_same_state(circuit):
    for precision, tolerance in ((Precision.DOUBLE, 1e-12), (Precision.SINGLE, 1e-5)):
        settings_ = RunContext(shots=1, wanted={"statevector": True}, precision=precision)
        found = run_program(lower(circuit), DenseEngine(), settings_, Control())["statevector"]
        assert found is not None
        np.testing.assert_allclose(found, final_state(circuit), atol=tolerance)


@pytest.mark.parametrize("seed", range(10))
def test_lowering_the_same_circuit_twice_gives_equal_programs(seed):
    rng = np.random.default_rng(seed)
    circuit = random_dynamic_circuit(rng, 3, 4, 8)
    program = lower(circuit)
    assert lower(circuit.copy()) == program
    before = lower(circuit)
    circuit.x(0)
    circuit.data[0] = circuit.data[-1]
    assert program == before
