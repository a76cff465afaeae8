"""Instructions that are channels: the density matrix is that of Qiskit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit, quantum_info
from qiskit.circuit import AnnotatedOperation, ControlModifier, Instruction
from qiskit.circuit.library import XGate
from qiskit.quantum_info import (
    PTM,
    Chi,
    Choi,
    DensityMatrix,
    Kraus,
    Operator,
    Stinespring,
    SuperOp,
    random_quantum_channel,
)

from simquay.circuits.lowering.circuit import lower, lower_points
from simquay.errors import NoiseModelError, UnsupportedInstructionError
from simquay.program import Channel, IfElse, Matrix
from simquay.program.program import walk
from tests.support.channels import density_matrix
from tests.support.operations import cast_to

ONE = Kraus(random_quantum_channel(2, 2, rank=2, seed=1))
TWO = Kraus(random_quantum_channel(4, 4, rank=3, seed=2))
FLIP = SimpleNamespace(num_qubits=2, probabilities=[0.7, 0.3], circuits=[])
"""Aer's ``QuantumError``, as far as it is read: X on the first qubit, then Z on the second."""
FLIP.circuits = [QuantumCircuit(2), QuantumCircuit(2)]
FLIP.circuits[1].x(0)
FLIP.circuits[1].z(1)
FLIPPED = Kraus(
    [np.sqrt(0.7) * np.eye(4), np.sqrt(0.3) * np.kron(np.diag([1, -1]), XGate().to_matrix())]
)


def quantum_channel(error: Any) -> Instruction:
    """As Aer makes it."""
    made = Instruction("quantum_channel", error.num_qubits, 0, [])
    made._quantum_error = error
    return made


def prepared() -> QuantumCircuit:
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 2)
    circuit.ry(0.7, 1)
    return circuit


@pytest.mark.parametrize("kind", [Kraus, SuperOp, Chi, Choi, PTM, Stinespring])
@pytest.mark.parametrize(("known", "qubits"), [(ONE, [2]), (TWO, [2, 0])])
def test_a_channel_of_qiskit(kind, known, qubits):
    circuit = prepared()
    circuit.append(kind(known).to_instruction(), qubits)
    circuit.rx(0.4, 2)
    found = density_matrix(lower(circuit))
    np.testing.assert_allclose(found, DensityMatrix(circuit), atol=1e-12)


@pytest.mark.parametrize(
    ("instruction", "known"),
    [
        (Instruction("superop", 2, 0, [SuperOp(TWO).data]), TWO),
        (quantum_channel(FLIP), FLIPPED),
    ],
    ids=["superop", "quantum_channel"],
)
def test_a_channel_as_an_instruction(instruction, known):
    circuit = prepared()
    circuit.append(instruction, [2, 1])
    expected = DensityMatrix(prepared()).evolve(known, [2, 1])
    np.testing.assert_allclose(density_matrix(lower(circuit)), expected, atol=1e-12)


def flips(label: str, rate: float) -> Kraus:
    weight = (1 - np.exp(-2 * rate)) / 2
    return Kraus(
        [np.sqrt(1 - weight) * np.eye(4), np.sqrt(weight) * Operator.from_label(label).data]
    )


@pytest.mark.skipif(not hasattr(quantum_info, "PauliLindbladMap"), reason="not in Qiskit 2.0")
def test_a_pauli_lindblad_map_is_the_parameter_of_an_instruction():
    kind = quantum_info.PauliLindbladMap
    circuit = prepared()
    known = kind.from_list([("ZX", 0.3), ("IY", 0.1)])
    circuit.append(Instruction("pauli_lindblad_map", 2, 0, [known]), [2, 1])
    expected = DensityMatrix(prepared())
    for one in (flips("ZX", 0.3), flips("IY", 0.1)):
        expected = expected.evolve(one, [2, 1])
    np.testing.assert_allclose(density_matrix(lower(circuit)), expected, atol=1e-12)
    negative = kind.from_list([("ZX", -0.3)])
    circuit.append(Instruction("pauli_lindblad_map", 2, 0, [negative]), [2, 1])
    with pytest.raises(NoiseModelError, match=r"index 4 of circuit .* 0 or more"):
        lower(circuit)


def test_a_channel_of_one_operator_is_a_gate():
    circuit = prepared()
    matrix = np.array([[0.6, 0.8j], [0.8j, 0.6]])
    circuit.append(Kraus(matrix).to_instruction(), [1])
    program = lower(circuit)
    assert type(program.operations[-1]) is Matrix
    np.testing.assert_allclose(density_matrix(program), DensityMatrix(circuit), atol=1e-12)


def test_equal_channels_share_their_mixture_in_all_circuits():
    circuit = prepared()
    for qubit in range(3):
        circuit.append(Kraus(ONE).to_instruction(), [qubit])
        circuit.append(quantum_channel(FLIP), [qubit, (qubit + 1) % 3])
    found = [
        one.mixture
        for program in (lower(circuit), lower(circuit))
        for one in program.operations
        if isinstance(one, Channel)
    ]
    assert len(set(found)) == 2


def test_channels_stand_in_definitions_bodies_and_circuits_of_many_points():
    inner = QuantumCircuit(2)
    inner.append(ONE.to_instruction(), [1])
    circuit = QuantumCircuit(3, 1)
    circuit.append(inner.to_instruction(), [2, 0])
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.append(TWO.to_instruction(), [1, 2])
    for program in (lower(circuit), lower_points(circuit, [[]])[0]):
        found = [one.qubits for one in walk(program.operations) if isinstance(one, Channel)]
        assert found == [(0,), (1, 2)]
        assert cast_to(IfElse, program.operations[1]).otherwise == ()


def test_a_channel_under_a_modifier_is_refused():
    inner = QuantumCircuit(1, name="noisy")
    inner.append(ONE.to_instruction(), [0])
    circuit = QuantumCircuit(2)
    circuit.append(AnnotatedOperation(inner.to_instruction(), [ControlModifier(1)]), [0, 1])
    with pytest.raises(UnsupportedInstructionError, match=r"'kraus' .* is no gate"):
        lower(circuit)


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        (Instruction("kraus", 1, 0, [np.eye(2) * 0.9]), "not trace-preserving"),
        (Instruction("superop", 1, 0, [np.diag([1, 2, 2, 1])]), "completely positive"),
        (
            quantum_channel(SimpleNamespace(**{**vars(FLIP), "probabilities": [1.5, -0.5]})),
            "within 0 and 1",
        ),
    ],
)
def test_what_is_no_channel_is_refused_with_its_place(instruction, message):
    circuit = QuantumCircuit(2, name="c")
    circuit.h(0)
    circuit.append(instruction, range(instruction.num_qubits))
    with pytest.raises(NoiseModelError, match=rf"index 1 of circuit 'c'.*{message}"):
        lower(circuit)


def test_an_instruction_that_only_has_the_name_of_one_is_lowered_by_its_definition():
    inner = QuantumCircuit(1, name="kraus")
    inner.x(0)
    circuit = QuantumCircuit(1)
    circuit.append(inner.to_instruction(), [0])
    plain = QuantumCircuit(1)
    plain.x(0)
    assert lower(circuit).operations == lower(plain).operations
