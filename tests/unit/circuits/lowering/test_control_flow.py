"""Branches, boxes and stores: a lowered circuit run by an interpreter of the tests, and by Aer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import (
    CASE_DEFAULT,
    BreakLoopOp,
    Clbit,
    ForLoopOp,
    IfElseOp,
    Instruction,
    Qubit,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.classical import expr
from qiskit.circuit.library import XGate
from qiskit_aer import AerError, AerSimulator

from simquay.circuits.lowering.circuit import lower
from simquay.program import Diagonal, ForLoop, IfElse, Switch, WhileLoop
from tests.support.control_flow import body, final_bits
from tests.support.dense import final_distribution
from tests.support.operations import cast_to, only
from tests.support.random_circuits import random_dynamic_circuit

# --- if ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("wanted", [False, True, 0, 1])
def test_if_on_a_bit(value, wanted):
    circuit = QuantumCircuit(2, 2)
    if value:
        circuit.x(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], wanted)) as otherwise:
        circuit.x(1)
    with otherwise:
        pass
    circuit.measure(1, 1)
    assert final_bits(circuit) == value | (value == wanted) << 1


@pytest.mark.parametrize("value", range(4))
@pytest.mark.parametrize("wanted", [0, 1, 2, 3])
def test_if_on_a_register_with_else(value, wanted):
    register, other = ClassicalRegister(2, "c"), ClassicalRegister(2, "d")
    circuit = QuantumCircuit(QuantumRegister(4), other, register)
    circuit.initialize(value, [0, 1])
    circuit.measure([0, 1], register)
    with circuit.if_test((register, wanted)) as otherwise:
        circuit.x(2)
    with otherwise:
        circuit.x(3)
    circuit.measure([2, 3], other)
    assert final_bits(circuit) == value << 2 | (1 if value == wanted else 2)


def test_a_body_written_apart_is_matched_by_position():
    qubits, clbits = [Qubit() for _ in range(3)], [Clbit() for _ in range(3)]
    circuit = QuantumCircuit(qubits, clbits)
    inner = QuantumCircuit(2, 2)
    inner.x(1)
    inner.measure(1, 0)
    nested = QuantumCircuit(1, 1)
    nested.x(0)
    nested.measure(0, 0)
    # The condition inside speaks of the body's bit 0: the circuit's bit 2.
    inner.if_else((inner.clbits[0], 1), nested, None, [0], [1])
    circuit.append(IfElseOp((clbits[0], 0), inner), [qubits[2], qubits[0]], [clbits[2], clbits[1]])
    circuit.measure(qubits[2], clbits[0])
    assert final_bits(circuit) == 0b111


def test_a_condition_may_exceed_its_register():
    circuit = QuantumCircuit(1, 1)
    register = circuit.cregs[0]
    circuit.append(IfElseOp((register, 0), body()), [0], [])
    circuit.measure(0, 0)
    circuit.append(WhileLoopOp((register, 5), body()), [0], [])
    assert final_bits(circuit) == 1


@pytest.mark.parametrize("value", range(4))
def test_overlapping_registers_and_loose_bits(value):
    loose = Clbit()
    first = ClassicalRegister(2, "first")
    second = ClassicalRegister(name="second", bits=[first[1], loose, first[0]])
    circuit = QuantumCircuit(QuantumRegister(3), [loose], first, second)
    circuit.initialize(value, [0, 1])
    circuit.measure([0, 1], first)
    # Bit 0 of second is bit 1 of first, and bit 2 is its bit 0.
    with circuit.if_test((second, value >> 1 | (value & 1) << 2)):
        circuit.x(2)
    circuit.measure(2, loose)
    assert final_bits(circuit) == 1 | value << 1


# --- switch -----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", range(8))
def test_switch_with_several_labels_and_default(value):
    register, out = ClassicalRegister(3, "c"), ClassicalRegister(2, "out")
    circuit = QuantumCircuit(QuantumRegister(5), register, out)
    circuit.initialize(value, [0, 1, 2])
    circuit.measure([0, 1, 2], register)
    with circuit.switch(register) as case:
        with case(0, 3):
            circuit.x(3)
        with case(5):
            circuit.x(4)
        with case(CASE_DEFAULT):
            circuit.x([3, 4])
    circuit.measure([3, 4], out)
    assert final_bits(circuit) >> 3 == {0: 1, 3: 1, 5: 2}.get(value, 3)


@pytest.mark.parametrize("value", [0, 1])
def test_switch_on_a_bit_and_without_a_match(value):
    circuit = QuantumCircuit(2, 2)
    circuit.initialize(value, 0)
    circuit.measure(0, 0)
    cases = [(True, body(2)), ((False, CASE_DEFAULT), QuantumCircuit(2))]
    circuit.append(SwitchCaseOp(circuit.clbits[0], cases), [1, 0], [])
    circuit.append(SwitchCaseOp(circuit.clbits[1], [(1, body(2))]), [1, 0], [])
    circuit.measure(1, 1)
    assert final_bits(circuit) == 3 * value


@pytest.mark.parametrize("value", range(4))
def test_switch_on_an_expression(value):
    circuit = QuantumCircuit(3, 3)
    register = ClassicalRegister(name="low", bits=circuit.clbits[:2])
    circuit.add_register(register)
    circuit.initialize(value, [0, 1])
    circuit.measure([0, 1], [0, 1])
    with circuit.switch(expr.bit_xor(register, 3)) as case, case(2):
        circuit.x(2)
    circuit.measure(2, 2)
    assert final_bits(circuit) == value | (value == 1) << 2


# --- box, definitions, phases -----------------------------------------------------------------


def test_a_box_runs_in_place():
    circuit = QuantumCircuit(2, 1)
    with circuit.for_loop(range(3)), circuit.box(duration=3):
        circuit.x(1)
        circuit.x(0)
    circuit.measure(1, 0)
    assert final_bits(circuit) == 1


def test_control_flow_inside_an_instruction():
    inner = QuantumCircuit(2, 2, name="inner")
    inner.x(0)
    inner.measure(0, 1)
    with inner.if_test((inner.clbits[1], 1)):
        inner.x(1)
    inner.measure(1, 0)
    instruction = Instruction("mine", 2, 2, [])
    instruction.definition = inner
    circuit = QuantumCircuit(3, 3)
    circuit.append(instruction, [2, 1], [2, 0])
    assert final_bits(circuit) == 0b101


def test_global_phase_of_a_body_is_its_own():
    circuit = QuantumCircuit(1, 1, global_phase=0.25)
    inner = QuantumCircuit(1, global_phase=0.5)
    inner.h(0)
    circuit.h(0)
    circuit.append(IfElseOp((circuit.clbits[0], 0), inner), [0], [])
    operations = lower(circuit).operations
    assert [type(o).__name__ for o in operations] == ["Matrix", "Diagonal", "IfElse"]
    np.testing.assert_allclose(cast_to(Diagonal, operations[1]).diagonal, [np.exp(0.25j)])
    assert isinstance(operations[2], IfElse)
    phase = operations[2].then[-1]
    assert isinstance(phase, Diagonal)
    assert phase.qubits == ()
    np.testing.assert_allclose(phase.diagonal, [np.exp(0.5j)])
    assert operations[2].otherwise == ()


def test_a_phase_before_a_break_is_not_moved_behind_it():
    inner = QuantumCircuit(1, global_phase=0.5)
    inner.h(0)
    inner.append(BreakLoopOp(1, 0), [0], [])
    circuit = QuantumCircuit(1)
    circuit.append(ForLoopOp(range(2), None, inner), [0], [])
    names = [type(o).__name__ for o in only(ForLoop, lower(circuit).operations).bodies[0]]
    assert names == ["Matrix", "Diagonal", "Break"]


def test_the_same_body_twice():
    inner = body()
    circuit = QuantumCircuit(2, 2)
    for qubit in range(2):
        circuit.append(IfElseOp((circuit.clbits[0], 0), inner), [qubit], [])
    circuit.measure([0, 1], [0, 1])
    assert final_bits(circuit) == 3
    assert sum(isinstance(o, Switch) for o in lower(circuit).operations) == 0


# --- against Aer ------------------------------------------------------------------------------

SHOTS = 4000


@pytest.fixture(scope="module")
def aer():
    return AerSimulator()


def aer_counts(simulator, circuit, seed):
    """Aer's counts as fractions; None for a circuit that Aer cannot load.

    It loses the end of some branches that a jump leaves ("Invalid jump destination"), and in
    Qiskit 2.0 and 2.1 transpiling for it leaves gates in bodies that it does not know.
    """
    compiled = transpile(circuit, simulator, optimization_level=0)
    try:
        result = simulator.run(compiled, shots=SHOTS, seed_simulator=seed).result()
    except AerError as error:
        if "unknown instruction" not in str(error):
            raise
        return None
    if not result.success and "Invalid jump destination" in result.status:
        return None
    assert result.success, result.status
    return {int(key, 16): count / SHOTS for key, count in result.data()["counts"].items()}


def assert_sampled_from(fractions, distribution, num_clbits):
    """The fractions may be those of ``SHOTS`` draws from ``distribution``.

    By the Bretagnolle-Huber-Carol inequality, P(sum |f - p| >= e) <= 2^K exp(-n e^2 / 2) for K
    outcomes; e is chosen for a false alarm in 1e8 tests.
    """
    outcomes = 1 << num_clbits
    limit = math.sqrt(2 * (outcomes * math.log(2) + math.log(1e8)) / SHOTS)
    keys = set(fractions) | set(distribution)
    distance = sum(abs(fractions.get(key, 0) - distribution.get(key, 0)) for key in keys)
    assert distance < limit


@pytest.mark.parametrize("seed", range(16))
def test_random_dynamic_circuits_agree_with_aer(aer, seed):
    num_clbits = 1 + seed % 3
    for attempt in range(5):
        rng = np.random.default_rng([seed, attempt])
        circuit = random_dynamic_circuit(rng, 1 + seed % 3, num_clbits, 7, plain=True)
        counts = aer_counts(aer, circuit, seed)
        if counts is not None:
            break
    assert counts is not None, "Aer loads none of these circuits"
    expected = final_distribution(lower(circuit), max_paths=4000)
    assert_sampled_from(counts, expected, num_clbits)


def test_a_while_loop_agrees_with_aer(aer):
    """Repeat until success: the number of tries is random, the outcome is not."""
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.ry(0.8, 1)
    with circuit.while_loop((circuit.clbits[0], 1)):
        circuit.reset(0)
        circuit.h(0)
        circuit.measure(0, 0)
        circuit.append(XGate(), [1])
    circuit.measure(1, 1)
    p = math.sin(0.4) ** 2
    # An even number of flips has probability 1/2 + 1/8 + ... = 2/3.
    expected = {0: 2 / 3 * (1 - p) + p / 3, 2: 2 / 3 * p + (1 - p) / 3}
    assert_sampled_from(aer_counts(aer, circuit, 1), expected, 2)
    loop = lower(circuit).operations[3]
    assert isinstance(loop, WhileLoop)
    assert len(loop.body) == 4
