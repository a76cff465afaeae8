"""Classical expressions: values worked out by hand, and Python's integers as the oracle."""

from __future__ import annotations

import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simquay.errors import ProgramError
from simquay.program.expressions import (
    Binary,
    BitRef,
    Cast,
    ClassicalMemory,
    Constant,
    Index,
    Kind,
    RegisterRef,
    Type,
    Unary,
    VariableRef,
    assign,
    evaluate,
    type_of,
)

BOOL, FLOAT = Type(Kind.BOOL), Type(Kind.FLOAT)
U3, U8 = Type(Kind.UINT, 3), Type(Kind.UINT, 8)
TRUE, FALSE = Constant(True, BOOL), Constant(False, BOOL)


def uint(value, type_=U8):
    return Constant(value, type_)


def real(value):
    return Constant(value, FLOAT)


def memory(bits=0, *variables):
    return ClassicalMemory(bits, list(variables))


def value_of(expression, state=None):
    return evaluate(expression, memory() if state is None else state)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (Binary("&", uint(12), uint(10), U8), 8),
        (Binary("|", uint(12), uint(10), U8), 14),
        (Binary("^", uint(12), uint(10), U8), 6),
        (Binary("^", TRUE, TRUE, BOOL), False),
        (Binary("+", uint(200), uint(100), U8), 44),
        (Binary("-", uint(1), uint(2), U8), 255),
        (Binary("*", uint(20), uint(20), U8), 144),
        (Binary("/", uint(7), uint(2), U8), 3),
        (Binary("/", real(7.0), real(2.0), FLOAT), 3.5),
        (Binary("*", real(0.5), uint(3), FLOAT), 1.5),
        (Binary("<<", uint(0b1011), uint(6), U8), 0b11000000),
        (Binary("<<", uint(1), uint(8), U8), 0),
        (Binary("<<", uint(1), Constant(2**62, Type(Kind.UINT, 64)), U8), 0),
        (Binary(">>", uint(0b1011), uint(2), U8), 0b10),
        (Binary(">>", uint(255), uint(200), U8), 0),
        (Binary("==", uint(3), uint(3), BOOL), True),
        (Binary("!=", uint(3), uint(3), BOOL), False),
        (Binary("<", uint(3), uint(4), BOOL), True),
        (Binary("<=", uint(4), uint(4), BOOL), True),
        (Binary(">", real(0.1), real(0.2), BOOL), False),
        (Binary(">=", real(0.2), real(0.2), BOOL), True),
        (Unary("~", uint(0b101, U3), U3), 0b010),
        (Unary("~", TRUE, BOOL), False),
        (Unary("!", FALSE, BOOL), True),
        (Unary("-", real(2.5), FLOAT), -2.5),
        (Cast(uint(0x1F5, Type(Kind.UINT, 12)), U8), 0xF5),
        (Cast(uint(4), BOOL), True),
        (Cast(uint(0), BOOL), False),
        (Cast(TRUE, U3), 1),
        (Cast(real(6.9), U3), 6),
        (Cast(uint(6), FLOAT), 6.0),
        (Index(uint(0b100), uint(2)), True),
        (Index(uint(0b100), uint(1)), False),
        (Index(uint(0b100), uint(200)), False),
    ],
    ids=str,
)
def test_value(expression, expected):
    found = value_of(expression)
    assert found == expected
    assert type(found) is type(expected)


def test_bits_and_registers_read_the_memory():
    state = memory(0b10110)
    assert value_of(BitRef(1), state) is True
    assert value_of(BitRef(3), state) is False
    # Bit j of the register is its j-th bit, wherever that lies.
    assert value_of(RegisterRef((4, 0, 2)), state) == 0b101
    assert value_of(RegisterRef(()), state) == 0
    assert value_of(Index(RegisterRef((4, 0)), uint(0)), state) is True


def test_logic_stops_early():
    unset = VariableRef(0, BOOL)
    state = memory(0, None)
    assert value_of(Binary("&&", FALSE, unset, BOOL), state) is False
    assert value_of(Binary("||", TRUE, unset, BOOL), state) is True
    with pytest.raises(ProgramError, match="variable 0 is read before it is stored"):
        value_of(Binary("&&", TRUE, unset, BOOL), state)


@pytest.mark.parametrize("zero", [(uint(0), U8), (real(0.0), FLOAT)])
def test_division_by_zero(zero):
    divisor, type_ = zero
    with pytest.raises(ProgramError, match="division by zero"):
        value_of(Binary("/", uint(1) if type_ is U8 else real(1.0), divisor, type_))


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_uint_of_no_number(value):
    with pytest.raises(ProgramError, match="no unsigned integer"):
        value_of(Cast(real(value), U8))


def test_stores():
    state = memory(0, None, 0)
    assign(BitRef(3), True, state)
    assert state.bits == 0b1000
    assign(RegisterRef((0, 3, 1)), 0b101, state)
    assert state.bits == 0b0011
    assign(VariableRef(0, U3), 13, state)
    assert state.variables[0] == 5
    assign(Index(VariableRef(0, U3), uint(1)), True, state)
    assert state.variables[0] == 7
    assign(Index(VariableRef(0, U3), uint(0)), False, state)
    assert state.variables[0] == 6
    assign(Index(RegisterRef((0, 3, 1)), uint(1)), True, state)
    assert state.bits == 0b1011


def test_a_store_past_the_width_is_dropped():
    state = memory(0, 0)
    huge = Constant(2**62, Type(Kind.UINT, 64))
    assign(Index(VariableRef(0, U3), huge), True, state)
    assign(Index(RegisterRef((0, 1)), uint(2)), True, state)
    assert (state.bits, state.variables) == (0, [0])


def test_a_store_to_a_constant_is_refused():
    with pytest.raises(ProgramError, match="cannot write"):
        assign(Index(uint(3), uint(0)), True, memory())


def test_a_copy_of_the_memory_is_its_own():
    state = memory(1, 2)
    copy = state.copy()
    copy.set_bit(0, 0)
    copy.variables[0] = 3
    assert (state.bits, state.variables) == (1, [2])


def test_types():
    assert type_of(BitRef(0)) == BOOL
    assert type_of(Index(uint(1), uint(1))) == BOOL
    assert type_of(RegisterRef((3, 4))) == Type(Kind.UINT, 2)
    assert type_of(Cast(TRUE, U3)) == U3


MODULAR = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}


@given(
    st.integers(1, 70).flatmap(
        lambda width: st.tuples(
            st.just(width), st.integers(0, 2**width - 1), st.integers(0, 2**width - 1)
        )
    ),
    st.sampled_from(sorted(MODULAR)),
)
def test_uint_arithmetic_is_modular(operands, op):
    width, left, right = operands
    type_ = Type(Kind.UINT, width)
    found = value_of(Binary(op, Constant(left, type_), Constant(right, type_), type_))
    assert found == MODULAR[op](left, right) % 2**width


@given(st.integers(0, 2**12 - 1), st.permutations(range(12)), st.integers(0, 2**12 - 1))
def test_a_register_reads_what_was_stored(start, order, value):
    state = memory(start)
    register = RegisterRef(tuple(order))
    assign(register, value, state)
    assert value_of(register, state) == value
    for position, clbit in enumerate(order):
        assert value_of(BitRef(clbit), state) is bool(value >> position & 1)
