"""Loops: a lowered circuit run by an interpreter of the tests, and by Aer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import (
    BreakLoopOp,
    ContinueLoopOp,
    ForLoopOp,
    Parameter,
    WhileLoopOp,
)
from qiskit.circuit.classical import expr, types

from simquay.circuits.lowering.circuit import lower
from simquay.errors import ProgramError, UnsupportedInstructionError
from simquay.program import Diagonal, ForLoop, IfElse, WhileLoop
from tests.support.control_flow import body, final_bits
from tests.support.operations import cast_to, only


def test_for_loop_binds_its_parameter_each_time():
    angles = [0, 3, 3, 5]
    circuit = QuantumCircuit(1)
    with circuit.for_loop(angles) as index:
        circuit.rz(index * 0.25, 0)
    loop = only(ForLoop, lower(circuit).operations)
    found = [cast_to(Diagonal, block[0]).diagonal[1] for block in loop.bodies]
    np.testing.assert_allclose(found, np.exp(0.125j * np.array(angles)))
    assert loop.bodies[1] is loop.bodies[2]


def test_for_loop_binds_through_nested_bodies_and_phases():
    circuit = QuantumCircuit(2, 2)
    theta = Parameter("theta")
    inner = QuantumCircuit(1, 1, global_phase=theta)
    inner.rx(math.pi * theta, 0)
    with circuit.for_loop(range(4)) as index, circuit.for_loop(range(3)) as other:
        circuit.rx(math.pi * index * other, 0)
        circuit.if_else(
            (circuit.clbits[0], 0), inner.assign_parameters({theta: index}), None, [1], [0]
        )
    circuit.measure([0, 1], [0, 1])
    # X on qubit 0 for (1 + 2 + 3) * (0 + 1 + 2) times, on qubit 1 for 3 * (0 + 1 + 2 + 3).
    assert final_bits(circuit) == 0


def test_for_loop_binds_gates_with_definitions_in_nested_bodies():
    theta = Parameter("theta")
    inner = QuantumCircuit(1)
    inner.rz(theta, 0)
    circuit = QuantumCircuit(1, 1)
    with circuit.for_loop(range(3), theta), circuit.if_test((0, 0)):
        circuit.append(inner.to_gate(), [0])
    for _ in range(2):  # lowering leaves the circuit as it was
        loop = only(ForLoop, lower(circuit).operations)
        branches = [cast_to(IfElse, block[0]) for block in loop.bodies]
        found = [cast_to(Diagonal, branch.then[0]).diagonal[1] for branch in branches]
        np.testing.assert_allclose(found, np.exp(0.5j * np.arange(3)))


@pytest.mark.parametrize("parameter", [None, Parameter("unused")])
def test_for_loop_shares_a_body_that_does_not_change(parameter):
    circuit = QuantumCircuit(1, 1)
    circuit.append(ForLoopOp(range(1, 100_001, 2), parameter, body()), [0], [])
    circuit.measure(0, 0)
    loop = cast_to(ForLoop, lower(circuit).operations[0])
    assert len(loop.bodies) == 50_000
    assert len(set(map(id, loop.bodies))) == 1


def test_for_loop_over_nothing():
    circuit = QuantumCircuit(1, 1)
    circuit.append(ForLoopOp(range(0), None, body()), [0], [])
    circuit.append(ForLoopOp((), Parameter("p"), body()), [0], [])
    circuit.measure(0, 0)
    assert final_bits(circuit) == 0


def test_for_loop_of_absurd_length_is_refused():
    circuit = QuantumCircuit(1)
    circuit.append(ForLoopOp(range(10**12), None, body()), [0], [])
    with pytest.raises(ProgramError, match="1000000000000 iterations"):
        lower(circuit)


@pytest.mark.skipif(
    "expr.Var" not in str(ForLoopOp.__init__.__annotations__),
    reason="this version of Qiskit has no loop variables",
)
def test_for_loop_over_a_variable():
    variable = expr.Var.new("i", types.Uint(4))
    inner = QuantumCircuit(1, inputs=[variable])
    with inner.if_test(expr.greater(variable, 4)):
        inner.x(0)
    circuit = QuantumCircuit(1, 1)
    circuit.append(ForLoopOp((3, 5, 7, 9), variable, inner), [0], [])
    circuit.measure(0, 0)
    program = lower(circuit)
    loop = cast_to(ForLoop, program.operations[0])
    assert loop.values == (3, 5, 7, 9)
    assert loop.variable is not None
    assert program.variables[loop.variable].name == "i"
    assert final_bits(circuit) == 1
    for wrong in (16, -1):
        circuit = QuantumCircuit(1)
        circuit.append(ForLoopOp((1, wrong), variable, inner), [0], [])
        with pytest.raises(ProgramError, match=f"'i'.*takes the value {wrong}"):
            lower(circuit)


def test_while_loop_counts_with_a_variable():
    circuit = QuantumCircuit(3, 3)
    count = circuit.add_var("count", expr.lift(0, types.Uint(3)))
    with circuit.while_loop(expr.less(count, 5)):
        circuit.store(count, expr.add(count, 1))
        circuit.x(0)
    circuit.measure(0, 0)
    for bit in range(2):
        circuit.store(circuit.clbits[1 + bit], expr.index(count, bit))
    assert final_bits(circuit) == 1 | (5 & 3) << 1


def test_while_loop_until_a_measurement_says_so():
    circuit = QuantumCircuit(1, 1)
    circuit.append(WhileLoopOp((circuit.clbits[0], 0), QuantumCircuit(1, 1)), [0], [0])
    loop = lower(circuit).operations[0]
    assert isinstance(loop, WhileLoop)
    assert loop.body == ()
    again = QuantumCircuit(1, 1)
    again.x(0)
    again.measure(0, 0)
    circuit = QuantumCircuit(1, 1)
    circuit.append(WhileLoopOp((circuit.clbits[0], 0), again), [0], [0])
    assert final_bits(circuit) == 1


def test_break_leaves_the_innermost_loop():
    circuit = QuantumCircuit(2, 2)
    with circuit.for_loop(range(3)):
        circuit.x(0)
        with circuit.for_loop(range(5)):
            circuit.x(1)
            circuit.measure(1, 1)
            with circuit.if_test((circuit.clbits[1], 1)):
                circuit.break_loop()
            circuit.x(0)
    circuit.measure([0, 1], [0, 1])
    # Inner X on 1: 1 (break); 2 then 1 twice: turns 0, X on qubit 0, turns 1, break; the same.
    assert final_bits(circuit) == 0b11


def test_continue_skips_the_rest_of_an_iteration():
    circuit = QuantumCircuit(2, 2)
    with circuit.for_loop(range(4)):
        circuit.x(1)
        circuit.measure(1, 1)
        with circuit.if_test((circuit.clbits[1], 1)):
            circuit.continue_loop()
        circuit.x(0)
        circuit.measure(0, 0)
    assert final_bits(circuit) == 0b00
    with circuit.for_loop(range(3)):
        circuit.x(1)
        circuit.measure(1, 1)
        with circuit.if_test((circuit.clbits[1], 1)):
            circuit.continue_loop()
        circuit.x(0)
        circuit.measure(0, 0)
    assert final_bits(circuit) == 0b11


@pytest.mark.parametrize("name", ["break_loop", "continue_loop"])
def test_a_jump_outside_a_loop_is_refused(name):
    circuit = QuantumCircuit(1, name="jumps")
    circuit.append(BreakLoopOp(1, 0) if name == "break_loop" else ContinueLoopOp(1, 0), [0], [])
    with pytest.raises(UnsupportedInstructionError, match=f"'{name}'.*index 0.*no loop"):
        lower(circuit)
