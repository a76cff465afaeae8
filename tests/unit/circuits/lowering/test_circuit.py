"""Circuits that cannot be lowered: the error names the instruction and its place."""

from __future__ import annotations

import re

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    Gate,
    Instruction,
    InverseModifier,
)
from qiskit.circuit.library import SGate, StatePreparation, WeightedSumGate
from qiskit.exceptions import QiskitError

from simquay.circuits.lowering.circuit import lower
from simquay.errors import (
    NotACircuitError,
    ProgramError,
    SimquayError,
    UnsupportedInstructionError,
)
from tests.support.unitaries import lowered_unitary


@pytest.mark.parametrize("thing", [None, "h 0", 3, [QuantumCircuit(1)], Gate("h", 1, [])])
def test_not_a_circuit(thing):
    with pytest.raises(NotACircuitError, match="is not a QuantumCircuit") as caught:
        lower(thing)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ProgramError)
    assert type(thing).__name__ in str(caught.value)


def test_a_long_thing_is_shown_short():
    with pytest.raises(NotACircuitError) as caught:
        lower("x" * 10_000)
    assert len(str(caught.value)) < 200


def refused(circuit: QuantumCircuit) -> str:
    with pytest.raises(UnsupportedInstructionError) as caught:
        lower(circuit)
    assert isinstance(caught.value, SimquayError)
    return str(caught.value)


def test_a_gate_that_a_transpiler_alone_opens_is_refused_with_that_advice():
    gate = WeightedSumGate(2)
    circuit = QuantumCircuit(gate.num_qubits + 1)
    circuit.x([0, 1])
    circuit.append(gate, range(gate.num_qubits))
    message = refused(circuit)
    assert "; transpile the circuit, with idle qubits for the gate to work with" in message
    opened = transpile(circuit, basis_gates=["u", "cx"])
    # Two qubits of weight 1 in |1> put the sum 2 beside themselves.
    state = lowered_unitary(opened)[:, 0]
    assert abs(state[0b01011]) == pytest.approx(1)


@pytest.mark.parametrize(
    "instruction",
    [Gate("opaque", 1, []), Instruction("opaque", 1, 0, []), Instruction("kraus", 1, 0, [])],
    ids=lambda instruction: f"{type(instruction).__name__} {instruction.name}",
)
def test_unsupported_instruction(instruction):
    circuit = QuantumCircuit(3, name="main")
    circuit.h(0)
    circuit.append(instruction, [2])
    message = refused(circuit)
    assert re.search(r"index 1 of circuit 'main'", message)
    assert "neither a matrix nor a definition" in message
    assert f"'{instruction.name}' on qubits [2]" in message


def test_the_place_names_every_body_and_definition():
    deep = QuantumCircuit(1, name="deep")
    deep.x(0)
    deep.append(Gate("opaque", 1, []), [0])
    middle = QuantumCircuit(2, name="middle")
    middle.append(deep.to_gate(), [1])
    circuit = QuantumCircuit(3, 1, name="main")
    circuit.h(0)
    with circuit.while_loop((circuit.clbits[0], 1)), circuit.if_test((circuit.clbits[0], 0)):
        circuit.y(0)
        circuit.append(middle.to_gate(), [0, 2])
    message = refused(circuit)
    assert "instruction 'opaque' on qubits [2]" in message
    order = [
        "index 1 of circuit 'deep'",
        "definition of 'deep' at index 0",
        "definition of 'middle' at index 1",
        "body of 'if_else' at index 0",
        "body of 'while_loop' at index 1 of circuit 'main'",
    ]
    places = [message.index(words) for words in order]
    assert places == sorted(places)


@pytest.mark.parametrize("modifier", [ControlModifier(1), InverseModifier()])
def test_only_gates_can_be_modified(modifier):
    inner = QuantumCircuit(1, 0, name="resets")
    inner.reset(0)
    base = Instruction("resets", 1, 0, [])
    base.definition = inner
    circuit = QuantumCircuit(2)
    operation = AnnotatedOperation(base, modifier)
    circuit.append(operation, range(operation.num_qubits))
    message = refused(circuit)
    assert "'reset'" in message
    assert "no gate" in message


class Broken(Gate):
    """A gate whose definition raises."""

    def __init__(self, error):
        self.error = error
        super().__init__("broken", 1, [])

    def _define(self):
        raise self.error


def test_a_definition_that_cannot_be_made():
    circuit = QuantumCircuit(1, name="main")
    circuit.append(Broken(QiskitError("no such basis")), [0])
    message = refused(circuit)
    assert "'broken' (index 0 of circuit 'main')" in message
    assert "no usable definition: no such basis" in message
    circuit = QuantumCircuit(1)
    circuit.append(StatePreparation(7, num_qubits=1), [0])
    assert "exceeds the number of qubits" in refused(circuit)


def test_a_mistake_in_a_users_definition_is_shown_as_it_is():
    circuit = QuantumCircuit(1, name="main")
    circuit.append(Broken(AttributeError("a slip")), [0])
    with pytest.raises(AttributeError, match="a slip"):
        lower(circuit)


def test_no_aer_is_imported():
    import subprocess
    import sys

    code = (
        "import sys, simquay.circuits.lowering.circuit, simquay.circuits.files;"
        "print([m for m in sys.modules if m.split('.')[0] in ('qiskit_aer', 'rich', 'numba')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("annotated", [False, True])
def test_a_number_that_is_not_finite_is_named_with_its_gate_in_a_long_circuit(annotated):
    # The numbers of long circuits are computed together, at the end or before a power.
    circuit = QuantumCircuit(2, name="long")
    for _ in range(100):
        circuit.rx(0.3, 0)
    circuit.rz(float("inf"), 1)
    if annotated:
        circuit.append(AnnotatedOperation(SGate(), [InverseModifier()]), [0])
    for _ in range(100):
        circuit.ry(0.3, 0)
    with pytest.raises(ProgramError, match=r"'rz' \(index 100 of circuit 'long'\).*\[inf\]"):
        lower(circuit)


@pytest.mark.parametrize("gates", [1, 100])
def test_an_angle_beyond_all_floats_is_named_with_its_gate(gates):
    circuit = QuantumCircuit(1, name="large")
    for _ in range(gates):
        circuit.rx(10**400, 0)
    with pytest.raises(ProgramError, match=r"'rx' \(index 0 of circuit 'large'\).*too large"):
        lower(circuit)
