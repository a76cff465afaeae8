"""The program of a circuit that is lowered again is kept, and never that of another circuit."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Gate, Parameter, ParameterVector
from qiskit.circuit.classical import expr, types
from qiskit.circuit.library import RXGate

from simquay.circuits.lowering.circuit import lower, lower_points
from simquay.circuits.parameters import assigned
from simquay.errors import ProgramError
from simquay.execution.points import Points
from simquay.program import Program

A, B = Parameter("a"), Parameter("b")
VALUES = np.array([[0.3, -0.7], [1.1, 2.2]])


def ansatz() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, name="ansatz")
    circuit.rx(A, 0)
    circuit.ry(0.25, 1)
    circuit.rzz(2 * A + B, 0, 1)
    circuit.cx(0, 1)
    circuit.delay(3, 0)
    circuit.barrier()
    circuit.measure(0, 1)
    return circuit


def program_of(circuit: QuantumCircuit) -> Program:
    points = lower_points(circuit, VALUES[:, : circuit.num_parameters])
    assert isinstance(points, Points)
    return points.groups[0][0]


def test_the_program_of_an_unchanged_circuit_is_kept_and_takes_new_values():
    circuit = ansatz()
    program = program_of(circuit)
    assert program_of(circuit) is program
    for shift in (0.0, 1.0):
        for found, row in zip(lower_points(circuit, VALUES + shift), VALUES + shift, strict=True):
            (bound,) = assigned(circuit, [dict(zip((A, B), row, strict=True))])
            assert found == lower(bound)


def replaced(index: int, angle: object) -> Callable[[QuantumCircuit], None]:
    def change(circuit: QuantumCircuit) -> None:
        item = circuit.data[index]
        gate = item.operation.copy()
        gate.params = [angle]
        circuit.data[index] = item.replace(operation=gate)

    return change


def renamed(circuit: QuantumCircuit) -> None:
    circuit.name = "other"


def turned(circuit: QuantumCircuit) -> None:
    circuit.global_phase = 0.5


def turned_more(circuit: QuantumCircuit) -> None:
    circuit.global_phase = circuit.global_phase + 1e-3


def turned_by_a_parameter(circuit: QuantumCircuit) -> None:
    circuit.global_phase = A


def of_the_other_qubit(circuit: QuantumCircuit) -> None:
    circuit.data[0] = circuit.data[0].replace(qubits=[circuit.qubits[1]])


def into_the_other_bit(circuit: QuantumCircuit) -> None:
    circuit.data[-1] = circuit.data[-1].replace(clbits=[circuit.clbits[0]])


def with_another_qubit(circuit: QuantumCircuit) -> None:
    circuit.add_register(QuantumRegister(1, "more"))


def with_another_bit(circuit: QuantumCircuit) -> None:
    circuit.add_register(ClassicalRegister(1, "more"))


CHANGES = {
    "an angle": replaced(1, np.nextafter(0.25, 1)),
    "a parameter": replaced(0, B),
    "another parameter of the same name": replaced(0, Parameter("a")),
    "a coefficient": replaced(2, 2.5 * A + B),
    "a parameter for a number": replaced(1, A),
    "a gate more": lambda circuit: circuit.h(0),
    "a gate less": lambda circuit: circuit.data.pop(3),
    "the name": renamed,
    "the phase": turned,
    "a parameter as the phase": turned_by_a_parameter,
    "a constant in the phase": turned_more,
    "the qubit of a gate": of_the_other_qubit,
    "the bit of a measurement": into_the_other_bit,
    "a qubit more": with_another_qubit,
    "a bit more": with_another_bit,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_circuit_is_lowered_again(change):
    circuit = ansatz()
    if change == "a constant in the phase":
        circuit.global_phase = A * B + A
    before = program_of(circuit)
    if change == "another parameter of the same name":
        circuit.data.pop(2)
        before = program_of(circuit)
    CHANGES[change](circuit)
    after = program_of(circuit)
    assert after is not before
    assert program_of(circuit) is after
    values = VALUES[:, : circuit.num_parameters]
    anew = lower_points(circuit.copy(circuit.name), values)
    assert list(lower_points(circuit, values)) == list(anew)


def test_a_variable_without_a_value_is_seen():
    circuit = ansatz()
    program_of(circuit)
    circuit.add_input("late", types.Bool())
    with pytest.raises(ProgramError, match="late"):
        program_of(circuit)


def test_gates_that_may_change_inside_are_lowered_each_time():
    inner = QuantumCircuit(1)
    inner.rx(A, 0)
    own = Gate("own", 1, [])
    own.definition = inner
    circuit = QuantumCircuit(1)
    circuit.append(own, [0])
    circuit.rz(A, 0)
    before = lower_points(circuit, [[0.5]])[0]
    circuit.data[0].operation.definition.x(0)
    after = lower_points(circuit, [[0.5]])[0]
    assert len(after.operations) == len(before.operations) + 1


@pytest.mark.parametrize("kind", ["open control", "control flow", "variable"])
def test_other_circuits_are_lowered_each_time(kind):
    circuit = ansatz()
    if kind == "open control":
        circuit.append(RXGate(A).control(1, ctrl_state=0, annotated=True), [0, 1])
    elif kind == "control flow":
        with circuit.if_test((0, 1)):
            circuit.rx(A, 0)
    else:
        circuit.add_var("v", expr.lift(False))
    assert program_of(circuit) is not program_of(circuit)


def test_long_expressions_are_compared_fast():
    vector = ParameterVector("x", 61)
    circuit = QuantumCircuit(1)
    angle = sum((math.pi - one) * (math.pi - other) for one, other in itertools.pairwise(vector))
    circuit.rz(angle, 0)
    circuit.rz(angle, 0)
    circuit.global_phase = angle
    program = lower_points(circuit, np.ones((1, 61)))
    start = time.perf_counter()
    again = lower_points(circuit, np.ones((1, 61)))
    assert again[0] == program[0]
    assert time.perf_counter() - start < 0.5  # `==` takes 2 s in Qiskit 2.6


def test_few_programs_are_kept():
    circuits = [ansatz() for _ in range(20)]
    programs = [program_of(circuit) for circuit in circuits]
    again = [program_of(circuit) for circuit in reversed(circuits)]
    kept = sum(one is other for one, other in zip(programs, reversed(again), strict=True))
    assert 1 <= kept <= 16
