"""Expectation values and distributions without samples, against Qiskit's states and matrices.

A circuit with measurements on the way is followed as Qiskit's density matrices, one for each value
of the classical bits, through projections written out here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import ControlFlowOp
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import DensityMatrix, Operator, SparsePauliOp, Statevector

from simquay.circuits.lowering.circuit import lower
from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.observables.values import Estimates
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, RunContext
from simquay.program import Observable, Precision
from tests.support.observables import observable, random_observable
from tests.support.random_circuits import random_unitary_circuit

ENGINES: list[Engine] = [ReferenceEngine(), DenseEngine()]
NAMES = ["reference", "numpy"]
PROJECTORS = [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]
NOT = np.array([[0.0, 1.0], [1.0, 0.0]])
PAULIS = {
    "0": [("I", 0.5), ("Z", 0.5)],
    "1": [("I", 0.5), ("Z", -0.5)],
    "+": [("I", 0.5), ("X", 0.5)],
    "-": [("I", 0.5), ("X", -0.5)],
    "r": [("I", 0.5), ("Y", 0.5)],
    "l": [("I", 0.5), ("Y", -0.5)],
}


def run_exactly(
    circuit: QuantumCircuit, engine: Engine, some: list[Observable], **fields: Any
) -> Outcome:
    estimates = Estimates(tuple(some), (tuple(range(len(some))),))
    context = RunContext(
        shots=0, wanted={"expectation": estimates, "probabilities": True}, **fields
    )
    return run_program(lower(circuit), engine, context, Control())


def random_labels(num_qubits: int, count: int, generator: np.random.Generator) -> dict[str, float]:
    letters = generator.choice(list("IIXYZ01+-rl"), (count, num_qubits))
    return {"".join(row): float(generator.normal()) for row in letters}


def operator_of(labels: dict[str, float]) -> SparsePauliOp:
    """Labels with projectors as Qiskit's Pauli strings."""
    terms = []
    for label, coefficient in labels.items():
        parts = [("", coefficient)]
        for letter in label:
            options = PAULIS.get(letter, [(letter, 1.0)])
            parts = [(text + one, weight * by) for text, weight in parts for one, by in options]
        terms += parts
    return SparsePauliOp.from_list(terms)


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
@pytest.mark.parametrize("seed", range(12))
def test_values_are_those_of_statevector_and_matrix(engine: Engine, seed: int) -> None:
    generator = np.random.default_rng(seed)
    num_qubits = 1 + seed % 6
    circuit = random_unitary_circuit(generator, num_qubits, 20)
    labels = random_labels(num_qubits, 15, generator)
    vector = Statevector(circuit).data
    expected = np.vdot(vector, operator_of(labels).to_matrix() @ vector).real
    found = run_exactly(circuit, engine, [observable(num_qubits, labels)])["expectation"]
    np.testing.assert_allclose(found, [[expected], [0]], atol=1e-12)
    found = run_exactly(
        circuit, engine, [observable(num_qubits, labels)], precision=Precision.SINGLE
    )["expectation"]
    np.testing.assert_allclose(found, [[expected], [0]], atol=2e-5)


@given(st.integers(1, 8), st.integers(0, 12), st.integers(0, 30), st.integers(0, 2**16))
@settings(max_examples=40, deadline=None)
def test_values_of_any_circuit_and_paulis(size: int, depth: int, terms: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    circuit = random_circuit(size, depth, max_operands=min(size, 3), seed=seed)
    labels = {
        "".join(row): float(generator.normal())
        for row in generator.choice(list("IXYZ"), (terms, size))
    }
    expected = 0.0
    if labels:
        operator = SparsePauliOp.from_list([*labels.items()])
        expected = float(Statevector(circuit).expectation_value(operator).real)
    found = run_exactly(circuit, DenseEngine(), [observable(size, labels)])["expectation"]
    assert found[0, 0] == pytest.approx(expected, abs=1e-12 * max(1, terms))
    assert found[1, 0] == 0


def random_dynamic(generator: np.random.Generator, num_qubits: int, length: int) -> QuantumCircuit:
    """Gates, measurements and resets, some of them under conditions on bits and registers."""
    circuit = QuantumCircuit(num_qubits, 3)

    def add(count: int, depth: int) -> None:
        for _ in range(count):
            qubit, clbit = int(generator.integers(num_qubits)), int(generator.integers(3))
            kind = generator.integers(8 if depth < 2 else 6)
            if kind < 3:
                circuit.u(*generator.uniform(0, 6, 3), qubit)
            elif kind == 3 and num_qubits > 1:
                others = [one for one in range(num_qubits) if one != qubit]
                circuit.cx(qubit, int(generator.choice(others)))
            elif kind == 4:
                circuit.measure(qubit, clbit)
            elif kind == 5:
                circuit.reset(qubit)
            elif kind == 6:
                with circuit.if_test((circuit.clbits[clbit], int(generator.integers(2)))) as no:
                    add(2, depth + 1)
                with no:
                    add(1, depth + 1)
            elif kind == 7:
                with circuit.if_test((circuit.cregs[0], int(generator.integers(8)))):
                    add(2, depth + 1)

    add(length, 0)
    return circuit


def followed(
    circuit: QuantumCircuit, states: dict[int, DensityMatrix], whole: QuantumCircuit
) -> dict[int, DensityMatrix]:
    """For each value of the classical bits, the density matrix at the end, times its probability.

    ``circuit`` is a block of ``whole``, whose qubits and bits it has.
    """
    for instruction in circuit.data:
        qubits = [whole.find_bit(qubit).index for qubit in instruction.qubits]
        clbits = [whole.find_bit(clbit).index for clbit in instruction.clbits]
        operation, after = instruction.operation, dict[int, DensityMatrix]()

        def add(bits: int, state: DensityMatrix, after: dict[int, DensityMatrix] = after) -> None:
            after[bits] = after[bits] + state if bits in after else state

        for bits, state in states.items():
            if isinstance(operation, ControlFlowOp):
                target, value = operation.condition
                found = (
                    bits if hasattr(target, "size") else bits >> whole.find_bit(target).index & 1
                )
                block = operation.params[0 if found == value else 1]
                if block is None:
                    add(bits, state)
                    continue
                inside = QuantumCircuit(whole.qubits, whole.clbits)
                inside.compose(block, instruction.qubits, instruction.clbits, inplace=True)
                for one, other in followed(inside, {bits: state}, whole).items():
                    add(one, other)
            elif operation.name == "measure":
                for value, projector in enumerate(PROJECTORS):
                    found = bits & ~(1 << clbits[0]) | value << clbits[0]
                    add(found, state.evolve(Operator(projector), qubits))
            elif operation.name == "reset":
                for kraus in (PROJECTORS[0], NOT @ PROJECTORS[1]):
                    add(bits, state.evolve(Operator(kraus), qubits))
            else:
                add(bits, state.evolve(operation, qubits))
        states = after
    return states


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
@pytest.mark.parametrize("seed", range(25))
def test_dynamic_circuits_have_the_means_of_density_matrices(engine: Engine, seed: int) -> None:
    generator = np.random.default_rng(1000 + seed)
    num_qubits = 1 + seed % 4
    circuit = random_dynamic(generator, num_qubits, 14)
    each = [random_labels(num_qubits, count, generator) for count in (1, 8)]
    outcome = run_exactly(circuit, engine, [observable(num_qubits, one) for one in each])
    start = DensityMatrix.from_int(0, 2**num_qubits)
    states = followed(circuit, {0: start}, circuit)
    total = sum(state.data for state in states.values())
    assert np.trace(total).real == pytest.approx(1)
    expected = [np.trace(operator_of(one).to_matrix() @ total).real for one in each]
    assert "trajectories" not in outcome.metadata
    np.testing.assert_allclose(outcome["expectation"], [expected, [0, 0]], atol=1e-12)
    words, weights = outcome["probabilities"]
    found = dict(zip(words[:, 0].tolist(), weights.tolist(), strict=True))
    for bits in range(8):
        weight = np.trace(states[bits].data).real if bits in states else 0
        assert found.get(bits, 0) == pytest.approx(weight, abs=1e-12)


def test_trajectories_agree_with_density_matrices() -> None:
    generator = np.random.default_rng(7)
    circuit = QuantumCircuit(3, 3)
    for _ in range(12):
        for qubit in range(3):
            circuit.u(*generator.uniform(0, 6, 3), qubit)
        circuit.cx(0, 1)
        circuit.cx(1, 2)
        circuit.measure([0, 2], [0, 1])
        with circuit.if_test((circuit.clbits[0], 1)):
            circuit.u(0.3, 0.4, 0.5, 1)
    circuit.u(0.9, 0.4, 0.5, 0)
    some = random_observable(3, 5, generator)
    labels = {"ZII": 1.0, "IXI": -2.0, "IIZ": 0.5}
    outcome = run_exactly(circuit, DenseEngine(), [observable(3, labels), some], seed=11)
    states = followed(circuit, {0: DensityMatrix.from_int(0, 8)}, circuit)
    total = sum(state.data for state in states.values())
    mean, error = outcome["expectation"][:, 0]
    assert outcome.metadata["trajectories"] == 10_000
    assert 0 < error < 0.035
    assert abs(mean - np.trace(operator_of(labels).to_matrix() @ total).real) < 5 * error
