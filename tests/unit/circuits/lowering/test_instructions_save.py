"""Saves, as Aer's instructions ask for them."""

from __future__ import annotations

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import (
    Parameter,
)
from qiskit_aer import library as aer

from simquay.circuits.lowering.circuit import lower
from simquay.errors import (
    UnsupportedInstructionError,
)
from simquay.program import ForLoop, Permutation, Save
from tests.support.operations import cast_to, only


def refused(circuit: QuantumCircuit) -> str:
    """The message of the error for a circuit that is not supported."""
    with pytest.raises(UnsupportedInstructionError) as caught:
        lower(circuit)
    return str(caught.value)


def test_save_statevector():
    circuit = QuantumCircuit(2, 1, global_phase=0.5)
    circuit.h(0)
    circuit.append(aer.SaveStatevector(2), [0, 1])
    circuit.append(aer.SaveStatevector(2, label="later"), [0, 1])
    circuit.append(aer.SaveState(2, label="mine"), [0, 1])
    operations = lower(circuit).operations
    # The phase is in the state that is saved.
    assert [type(o).__name__ for o in operations[:2]] == ["Matrix", "Diagonal"]
    saves = [cast_to(Save, one) for one in operations[2:]]
    assert [save.key for save in saves] == ["statevector", "later", "mine"]


def test_save_state_without_a_label():
    circuit = QuantumCircuit(1)
    circuit.append(aer.SaveState(1), [0])
    assert only(Save, lower(circuit).operations).key == "statevector"


@pytest.mark.parametrize("second", [aer.SaveStatevector(1, label="a"), aer.SaveState(1, label="a")])
def test_two_saves_with_one_label_are_refused(second):
    circuit = QuantumCircuit(1, name="main")
    circuit.append(aer.SaveStatevector(1, label="a"), [0])
    circuit.x(0)
    circuit.append(second, [0])
    message = refused(circuit)
    assert "index 2 of circuit 'main'" in message
    assert "the label 'a', which is another save's already" in message


@pytest.mark.parametrize("label", ["counts", "memory"])
def test_a_save_cannot_take_the_place_of_counts(label):
    circuit = QuantumCircuit(1)
    circuit.append(aer.SaveStatevector(1, label=label), [0])
    assert f"the label {label!r}, which is the result's own already" in refused(circuit)


def test_a_save_in_a_loop_is_one_save():
    body = QuantumCircuit(1)
    turn = Parameter("turn")
    body.rx(turn, 0)
    body.append(aer.SaveStatevector(1), [0])
    circuit = QuantumCircuit(1)
    circuit.for_loop((1, 2), turn, body, [0], [])
    loop = only(ForLoop, lower(circuit).operations)
    assert [cast_to(Save, block[-1]).key for block in loop.bodies] == ["statevector"] * 2


def test_save_of_some_qubits_is_refused():
    circuit = QuantumCircuit(3)
    circuit.h(2)
    circuit.append(aer.SaveStatevector(1), [0])
    message = refused(circuit)
    assert "saves 1 qubits; the state is that of all 2 that the circuit uses" in message


def test_idle_qubits_need_not_be_saved():
    circuit = QuantumCircuit(4)
    circuit.cx(3, 1)
    circuit.barrier()
    circuit.append(aer.SaveStatevector(2), [1, 3])
    program = lower(circuit)
    assert program.num_qubits == 2
    gate = cast_to(Permutation, program.operations[0])
    assert (gate.qubits, gate.controls) == ((0,), (1,))


@pytest.mark.parametrize("option", ["pershot", "conditional"])
def test_save_of_many_states_is_refused(option):
    circuit = QuantumCircuit(1)
    circuit.append(aer.SaveStatevector(1, **{option: True}), [0])
    assert "one state" in refused(circuit)


def test_a_gate_named_like_a_save_is_a_gate():
    inner = QuantumCircuit(1, name="save_state")
    inner.x(0)
    circuit = QuantumCircuit(1)
    circuit.append(inner.to_gate(), [0])
    assert [type(o).__name__ for o in lower(circuit).operations] == ["Permutation"]
