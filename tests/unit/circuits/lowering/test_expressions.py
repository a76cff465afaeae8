"""Qiskit's classical expressions and variables: lowered, then evaluated."""

from __future__ import annotations

import pytest
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Clbit, Duration, Store
from qiskit.circuit.classical import expr, types

from simquay.circuits.lowering.circuit import lower
from simquay.errors import ProgramError, UnsupportedInstructionError
from simquay.program import IfElse
from simquay.program import Store as StoreOperation
from simquay.program.expressions import ClassicalMemory, Kind, assign, evaluate
from tests.support.operations import cast_to, only

U4, U8 = types.Uint(4), types.Uint(8)


def run_stores(circuit: QuantumCircuit, bits: int = 0) -> ClassicalMemory:
    """The memory after a circuit that only stores."""
    program = lower(circuit)
    memory = ClassicalMemory(bits, [None] * len(program.variables))
    for operation in program.operations:
        assert isinstance(operation, StoreOperation)
        assign(operation.target, evaluate(operation.value, memory), memory)
    return memory


def value_of(node, bits: int = 0, clbits: int = 0):
    """The value of an expression over the bits of a circuit."""
    circuit = QuantumCircuit(0, clbits)
    circuit.add_var("v", node)
    return run_stores(circuit, bits).variables[-1]


def u8(value):
    return expr.lift(value, U8)


# Qiskit 2.0 has none.
NEGATIONS = (
    [
        (expr.negate(expr.lift(1.5)), -1.5),
        (expr.less(expr.negate(Duration.ns(5)), Duration.ns(-4)), True),
    ]
    if hasattr(expr, "negate")
    else []
)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (expr.lift(5), 5),
        (expr.lift(True), True),
        (expr.lift(2.5), 2.5),
        (expr.bit_and(u8(12), u8(10)), 8),
        (expr.bit_or(u8(12), u8(10)), 14),
        (expr.bit_xor(u8(12), u8(10)), 6),
        (expr.bit_not(u8(1)), 254),
        (expr.bit_not(expr.lift(True)), False),
        (expr.logic_not(u8(0)), True),
        (expr.logic_and(u8(1), u8(0)), False),
        (expr.logic_or(u8(1), u8(0)), True),
        (expr.equal(u8(3), 3), True),
        (expr.not_equal(u8(3), 3), False),
        (expr.less(u8(3), 4), True),
        (expr.less_equal(u8(5), 4), False),
        (expr.greater(u8(3), 4), False),
        (expr.greater_equal(u8(4), 4), True),
        (expr.equal(expr.lift(3, U4), u8(3)), True),
        (expr.shift_left(u8(129), 1), 2),
        (expr.shift_right(u8(129), 7), 1),
        (expr.add(u8(255), 2), 1),
        (expr.sub(u8(1), 2), 255),
        (expr.mul(u8(100), 3), 44),
        (expr.div(u8(100), 3), 33),
        (expr.add(expr.lift(1.5), 2.5), 4.0),
        (expr.div(expr.lift(1.0), 4.0), 0.25),
        (expr.less(expr.lift(0.5), 0.75), True),
        (expr.index(u8(4), 2), True),
        (expr.index(u8(4), 1), False),
        (expr.cast(u8(255), U4), 15),
        (expr.cast(u8(3), types.Bool()), True),
        (expr.cast(expr.lift(True), U8), 1),
        (expr.cast(expr.lift(3.9), U8), 3),
        (expr.cast(u8(3), types.Float()), 3.0),
        (expr.less(Duration.ns(900), Duration.us(1)), True),
        (expr.equal(Duration.ms(1), Duration.us(1000)), True),
        (expr.div(Duration.s(3), Duration.s(2)), 1.5),
        (expr.div(Duration.dt(7), Duration.dt(2)), 3.5),
        (expr.less(expr.mul(Duration.ns(10), u8(3)), Duration.ns(31)), True),
        (expr.less(expr.sub(Duration.ns(5), Duration.ns(2)), Duration.ns(2)), False),
        *NEGATIONS,
    ],
)
def test_value(node, expected):
    found = value_of(node)
    assert found == pytest.approx(expected)
    assert type(found) is type(expected)


def operand(name: str) -> expr.Expr:
    """A value that the operator takes."""
    return expr.lift(True) if name.startswith("LOGIC") else u8(6)


OPERATORS = [
    *[(expr.Unary, op) for op in expr.Unary.Op],
    *[(expr.Binary, op) for op in expr.Binary.Op],
]


@pytest.mark.parametrize(("node", "op"), OPERATORS, ids=lambda one: getattr(one, "name", ""))
def test_every_operator_of_qiskit_is_lowered(node, op):
    build = getattr(expr, op.name.lower())
    operands = [operand(op.name)] * (1 if node is expr.Unary else 2)
    if op.name == "NEGATE":
        operands = [expr.lift(1.5)]
    lowered = value_of(build(*operands))
    assert isinstance(lowered, (bool, int, float))


def test_bits_and_registers():
    loose = Clbit()
    register = ClassicalRegister(3, "c")
    crossed = ClassicalRegister(name="crossed", bits=[register[2], loose])
    circuit = QuantumCircuit([loose], register, crossed)
    a = circuit.add_var("a", expr.lift(register))
    b = circuit.add_var("b", expr.lift(crossed))
    circuit.add_var("c", expr.lift(loose))
    circuit.add_var("d", expr.index(register, expr.lift(1)))
    circuit.store(register[0], expr.logic_not(loose))
    circuit.store(crossed, 2)
    circuit.store(expr.index(register, 1), expr.equal(a, 5))
    memory = run_stores(circuit, bits=0b1010)
    assert memory.variables == [0b101, 0b01, False, False]
    # register[0] = 1; crossed = 2: loose 1, register[2] 0; register[1] = 1.
    assert memory.bits == 0b0111
    assert b.name == "b"


def test_variables_are_declared_with_their_types():
    circuit = QuantumCircuit()
    circuit.add_var("a", expr.lift(1, U4))
    circuit.add_var("b", expr.lift(False))
    circuit.add_var("c", expr.lift(0.5))
    circuit.add_var("d", expr.lift(Duration.ns(1)))
    found = [(v.name, v.type.kind, v.type.width) for v in lower(circuit).variables]
    assert found == [
        ("a", Kind.UINT, 4),
        ("b", Kind.BOOL, 0),
        ("c", Kind.FLOAT, 0),
        ("d", Kind.FLOAT, 0),
    ]


def test_a_variable_that_is_captured_is_the_same_one():
    circuit = QuantumCircuit(1, 1)
    a = circuit.add_var("a", expr.lift(1, U4))
    with circuit.if_test(expr.equal(a, 1)):
        circuit.store(a, 7)
        with circuit.if_test(expr.equal(a, 7)):
            inner = circuit.add_var("inner", a)
            circuit.store(a, expr.add(inner, 1))
    program = lower(circuit)
    assert [v.name for v in program.variables] == ["a", "inner"]
    first, branch = program.operations
    inner_store = cast_to(StoreOperation, cast_to(IfElse, branch).then[0])
    assert inner_store.target == cast_to(StoreOperation, first).target


def test_variables_of_one_name_in_two_scopes_stay_apart():
    circuit = QuantumCircuit(1, 1)
    for value in (1, 2):
        with circuit.if_test((circuit.clbits[0], 0)):
            circuit.add_var("same", expr.lift(value, U4))
    program = lower(circuit)
    assert [v.name for v in program.variables] == ["same", "same"]


def test_an_uninitialized_variable_is_known_only_where_it_is_used():
    circuit = QuantumCircuit(1, 1)
    a = expr.Var.new("a", U4)
    circuit.add_uninitialized_var(a)
    circuit.add_var("b", expr.add(a, 1))
    program = lower(circuit)
    memory = ClassicalMemory(0, [None, None])
    with pytest.raises(ProgramError, match="read before it is stored"):
        evaluate(only(StoreOperation, program.operations).value, memory)


@pytest.mark.parametrize("kind", ["inputs", "captures"])
def test_variables_from_outside_are_refused(kind):
    circuit = QuantumCircuit(1, **{kind: [expr.Var.new("given", U4)]}, name="needs")
    with pytest.raises(ProgramError, match="'needs' takes variables from outside: given"):
        lower(circuit)


def test_durations_in_two_systems_of_units_are_refused():
    circuit = QuantumCircuit(1)
    circuit.add_var("a", expr.lift(Duration.dt(3)))
    circuit.add_var("b", expr.lift(Duration.ns(3)))
    with pytest.raises(UnsupportedInstructionError, match="length of a dt"):
        lower(circuit)


def test_a_stretch_in_an_expression_is_refused():
    circuit = QuantumCircuit(1)
    stretch = circuit.add_stretch("s")
    circuit.add_var("a", expr.less(stretch, Duration.ns(3)))
    with pytest.raises(UnsupportedInstructionError, match=r"stretch.*no value.*|.*index 0"):
        lower(circuit)


def test_a_delay_takes_no_time():
    circuit = QuantumCircuit(1)
    circuit.delay(circuit.add_stretch("s"), 0)
    circuit.delay(100, 0, unit="ns")
    assert lower(circuit).operations == ()


def test_a_legacy_condition_is_that_of_an_expression():
    circuit = QuantumCircuit(1, 3)
    with circuit.if_test((circuit.cregs[0], 5)):
        circuit.x(0)
    with circuit.if_test(expr.equal(circuit.cregs[0], 5)):
        circuit.x(0)
    legacy, modern = lower(circuit).operations
    for bits in range(8):
        memory = ClassicalMemory(bits, [])
        assert evaluate(cast_to(IfElse, legacy).condition, memory) is (bits == 5)
        assert evaluate(cast_to(IfElse, modern).condition, memory) is (bits == 5)


def test_store_as_an_instruction():
    circuit = QuantumCircuit(0, 2)
    circuit.append(Store(expr.lift(circuit.clbits[1]), expr.lift(True)), [], [])
    assert run_stores(circuit).bits == 2
