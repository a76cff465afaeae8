"""What cannot be run is refused: with the instruction, its place, and what to do."""

from __future__ import annotations

import re

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    Gate,
    Instruction,
    InverseModifier,
    Parameter,
)
from qiskit.circuit.library import PauliEvolutionGate, StatePreparation
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Kraus, SparsePauliOp, SuperOp
from qiskit_aer import library as aer
from qiskit_aer.noise import depolarizing_error

from simquay.circuits.lowering.circuit import lower, lower_circuit
from simquay.circuits.parameters import unbound_parameters
from simquay.errors import (
    NotACircuitError,
    ProgramError,
    SimquayError,
    UnsupportedInstructionError,
)
from simquay.program import Diagonal, Save


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


# --- parameters -------------------------------------------------------------------------------


def test_unbound_parameters_are_listed():
    circuit = QuantumCircuit(2, name="ansatz", global_phase=Parameter("phase"))
    circuit.rx(Parameter("theta") + Parameter("alpha"), 0)
    for function in (lower, lower_circuit):
        with pytest.raises(
            ProgramError, match=r"'ansatz' has unbound parameters: alpha, phase, theta;.*assign"
        ):
            function(circuit)


def test_unbound_parameters_inside_bodies_and_definitions():
    theta = Parameter("theta")
    circuit = QuantumCircuit(1, 1)
    with circuit.for_loop(range(2)) as index, circuit.if_test((0, 1)):
        circuit.rx(theta * index, 0)
    with pytest.raises(ProgramError, match="unbound parameters: theta"):
        lower(circuit)
    inner = QuantumCircuit(1, name="inner")
    inner.rx(theta, 0)
    hidden = Instruction("hidden", 1, 0, [])
    hidden.definition = inner
    circuit = QuantumCircuit(1, name="outer")
    circuit.append(hidden, [0])
    with pytest.raises(
        ProgramError, match=r"'inner' has unbound.*'hidden'.*index 0 of circuit 'outer'.*: theta"
    ):
        lower(circuit)


def test_a_loops_own_parameter_is_not_unbound_but_only_inside_it():
    index = Parameter("index")
    body = QuantumCircuit(1, global_phase=index)
    body.rx(index, 0)
    circuit = QuantumCircuit(1, name="main")
    circuit.for_loop(range(3), index, body, [0], [])
    assert unbound_parameters(circuit) == []
    lower(circuit)
    circuit.ry(index, 0)
    assert unbound_parameters(circuit) == [index]
    with pytest.raises(ProgramError, match="unbound parameters: index"):
        lower(circuit)


def test_bound_parameters_run():
    theta = Parameter("theta")
    circuit = QuantumCircuit(1, global_phase=theta)
    circuit.p(2 * theta, 0)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["Z"]), theta), [0])
    gate, _, phase = lower(circuit.assign_parameters([0.25])).operations
    assert isinstance(gate, Diagonal)
    np.testing.assert_allclose(gate.diagonal, [1, np.exp(0.5j)])
    np.testing.assert_allclose(phase.diagonal, [np.exp(0.25j)])


# --- instructions -----------------------------------------------------------------------------


def refused(circuit: QuantumCircuit) -> str:
    with pytest.raises(UnsupportedInstructionError) as caught:
        lower(circuit)
    assert isinstance(caught.value, SimquayError)
    return str(caught.value)


@pytest.mark.parametrize(
    "instruction",
    [
        Gate("opaque", 1, []),
        Instruction("opaque", 1, 0, []),
        Kraus([np.diag([1, 0]), np.diag([0, 1])]).to_instruction(),
        SuperOp(np.diag([1, 0, 0, 1])).to_instruction(),
        depolarizing_error(0.1, 1).to_instruction(),
        aer.SaveExpectationValue(SparsePauliOp(["Z"])),
        aer.SaveDensityMatrix(1),
        aer.SaveProbabilities(1),
        aer.SaveUnitary(1),
        aer.SetStatevector([1, 0]),
        aer.SaveStatevectorDict(1),
    ],
    ids=lambda instruction: instruction.name,
)
def test_unsupported_instruction(instruction):
    circuit = QuantumCircuit(3, name="main")
    circuit.h(0)
    circuit.append(instruction, [2])
    message = refused(circuit)
    assert re.search(r"index 1 of circuit 'main'", message)
    assert "neither a matrix nor a definition" in message
    if instruction.name != "quantum_channel":
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


# --- saves, as Aer's instructions ask for them ------------------------------------------------


def test_save_statevector():
    circuit = QuantumCircuit(2, 1, global_phase=0.5)
    circuit.h(0)
    circuit.append(aer.SaveStatevector(2), [0, 1])
    circuit.append(aer.SaveStatevector(2, label="later"), [0, 1])
    circuit.append(aer.SaveState(2, label="mine"), [0, 1])
    operations = lower(circuit).operations
    # The phase is in the state that is saved.
    assert [type(o).__name__ for o in operations[:2]] == ["Matrix", "Diagonal"]
    assert [o.key for o in operations[2:]] == ["statevector", "later", "mine"]
    assert all(isinstance(o, Save) for o in operations[2:])


def test_save_state_without_a_label():
    circuit = QuantumCircuit(1)
    circuit.append(aer.SaveState(1), [0])
    (saved,) = lower(circuit).operations
    assert isinstance(saved, Save)
    assert saved.key == "statevector"


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
    (loop,) = lower(circuit).operations
    assert [block[-1].key for block in loop.bodies] == ["statevector"] * 2


def test_save_of_some_qubits_is_refused():
    circuit = QuantumCircuit(2)
    circuit.append(aer.SaveStatevector(1), [0])
    assert "saves 1 qubits; the state is that of all 2" in refused(circuit)


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


def test_no_aer_is_imported():
    import subprocess
    import sys

    code = (
        "import sys, simquay.circuits.lowering.circuit, simquay.circuits.files;"
        "print([m for m in sys.modules if m.split('.')[0] in ('qiskit_aer', 'rich', 'numba')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
