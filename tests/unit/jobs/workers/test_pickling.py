"""Circuits on their way to a worker process: nothing is lost."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from qiskit import QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import ClassicalRegister, Clbit, Gate, Measure, Parameter, Qubit
from qiskit.circuit.controlflow import CASE_DEFAULT
from qiskit.circuit.library import (
    C3XGate,
    C4XGate,
    CXGate,
    RXGate,
    UnitaryGate,
    XGate,
    get_standard_gate_name_mapping,
)
from qiskit.transpiler import CouplingMap

from simquay.circuits.lowering.circuit import lower
from simquay.jobs.workers.pickling import pickled
from tests.support.random_circuits import random_dynamic_circuit, random_unitary_circuit


def journey(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit as it arrives."""
    arrived = pickle.loads(pickled(circuit))
    assert isinstance(arrived, QuantumCircuit)
    return arrived


def assert_same(circuit: QuantumCircuit) -> None:
    """What arrives is what Qiskit's own pickle would have brought: instruction by instruction."""
    arrived, plain = journey(circuit), pickle.loads(pickle.dumps(circuit))
    assert arrived == circuit
    assert arrived.qubits == plain.qubits
    assert arrived.clbits == plain.clbits
    assert arrived.qregs == plain.qregs
    assert arrived.cregs == plain.cregs
    assert arrived.name == plain.name
    assert arrived.metadata == plain.metadata
    assert arrived.global_phase == plain.global_phase
    assert len(arrived.data) == len(plain.data)
    for one, other in zip(arrived.data, plain.data, strict=True):
        assert type(one.operation) is type(other.operation)
        assert (one.name, one.label) == (other.name, other.label)
        assert one.is_standard_gate() is other.is_standard_gate()
        assert one.qubits == other.qubits
        assert one.clbits == other.clbits
        assert [type(value) for value in one.params] == [type(value) for value in other.params]


@pytest.mark.parametrize("seed", range(8))
def test_random_circuits_arrive_as_they_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for circuit in random_unitary_circuit(rng, 5, 40), random_dynamic_circuit(rng, 4, 3, 12):
        # Not circuit == arrived: some of Qiskit's operations are not even equal to their copies.
        assert lower(journey(circuit)) == lower(circuit)


def test_every_standard_gate_arrives() -> None:
    circuit = QuantumCircuit(5)
    for gate in get_standard_gate_name_mapping().values():
        if isinstance(gate, Gate):
            values = np.linspace(0.1, 1.3, len(gate.params))
            circuit.append(type(gate)(*values), range(gate.num_qubits))
    # Of one name, and of different widths.
    circuit.append(C3XGate(), [3, 1, 0, 2])
    circuit.append(C4XGate(), [3, 1, 0, 2, 4])
    circuit.mcx([4, 2, 1], 0)
    assert_same(circuit)


def test_labels_controls_and_what_has_a_standard_gates_name_are_kept() -> None:
    circuit = QuantumCircuit(3, 3)
    circuit.append(XGate(label="flip"), [0])
    circuit.append(CXGate(ctrl_state=0), [0, 1])
    circuit.append(RXGate(0.5, label="turn"), [2])
    circuit.append(UnitaryGate(np.eye(2), label="x"), [1])
    mine = Gate("h", 1, [])
    mine.definition = QuantumCircuit(1)
    circuit.append(mine, [2])
    circuit.append(Measure(label="look"), [0], [2])
    circuit.measure([0, 1], [1, 0])
    circuit.barrier()
    assert_same(circuit)
    arrived = journey(circuit)
    assert [one.label for one in arrived.data[:3]] == ["flip", None, "turn"]
    assert arrived.data[1].operation.ctrl_state == 0
    assert not arrived.data[4].is_standard_gate()
    assert arrived.data[5].label == "look"


def test_registers_loose_bits_parameters_and_metadata_are_kept() -> None:
    angle = Parameter("angle")
    circuit = QuantumCircuit(
        QuantumRegister(2, "a"),
        [Qubit(), Clbit()],
        QuantumRegister(1, "b"),
        ClassicalRegister(2, "c"),
        name="all sorts",
        metadata={"of": [1, 2]},
        global_phase=0.25,
    )
    circuit.rz(2 * angle, 2)
    circuit.ry(angle, 3)
    with circuit.if_test((circuit.cregs[0], 1)):
        circuit.rx(angle, 0)
        circuit.measure(1, 0)
    assert_same(circuit)
    arrived = journey(circuit)
    assert arrived.parameters == circuit.parameters
    assert arrived.assign_parameters({angle: 1.0}) == circuit.assign_parameters({angle: 1.0})


def test_a_switchs_default_case_arrives() -> None:
    """Qiskit's own pickle of it cannot be read."""
    circuit = QuantumCircuit(1, 1)
    with circuit.switch(circuit.clbits[0]) as case:
        with case(0):
            circuit.x(0)
        with case(CASE_DEFAULT):
            circuit.h(0)
    assert journey(circuit) == circuit


@pytest.mark.parametrize("circuit", [QuantumCircuit(), QuantumCircuit(2), QuantumCircuit(0, 2)])
def test_circuits_without_instructions_arrive(circuit: QuantumCircuit) -> None:
    assert_same(circuit)


def test_what_arrives_can_be_changed_and_changes_nothing_else() -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.h([0, 1])
    circuit.measure([0, 1], [0, 1])
    arrived = journey(circuit)
    arrived.cx(0, 1)
    arrived.measure(0, 0)
    assert len(arrived.data) == 6
    assert len(circuit.data) == 4


def test_a_transpiled_circuit_keeps_its_layout() -> None:
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 2)
    circuit.measure_all()
    line = transpile(circuit, coupling_map=CouplingMap.from_line(5), seed_transpiler=1)
    assert_same(line)
    assert journey(line).layout == line.layout


def test_what_the_user_has_set_on_a_circuit_arrives() -> None:
    circuit = QuantumCircuit(1, metadata={1: (2, 3)})
    circuit.h(0)
    circuit.remark = "mine"
    assert journey(circuit).metadata == {1: (2, 3)}
    assert journey(circuit).remark == "mine"


def test_classes_and_functions_without_a_name_go_by_value_if_asked_to() -> None:
    class Local:
        value = 3

    things = (lambda: Local.value, Local())
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickled(things)
    function, instance = pickle.loads(pickled(things, unnamed=True))
    assert function() == instance.value == 3
