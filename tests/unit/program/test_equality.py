"""Equality by value: of programs, which define theirs by ``same``, and of its own rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simquay.program import (
    Diagonal,
    ForLoop,
    IfElse,
    Matrix,
    Measure,
    Operation,
    Permutation,
    Program,
    Save,
    Store,
    Switch,
    SwitchCase,
    VariableDeclaration,
)
from simquay.program.equality import same
from simquay.program.expressions import BitRef, Constant, Kind, RegisterRef, Type

NOT = np.array([1, 0], dtype=np.intp)


def x(qubit: int, *controls: int) -> Permutation:
    return Permutation(NOT, (qubit,), controls, (1 << len(controls)) - 1)


def program(*operations: Operation, **fields: Any) -> Program:
    return Program(8, 4, operations, **fields)


def test_equality_is_by_value():
    def make():
        body = (Measure(0, 1), x(2, 3))
        return program(
            Matrix(np.eye(2, dtype=complex), (0,)),
            IfElse(BitRef(0), body, ()),
            Switch(RegisterRef((0, 1)), (SwitchCase((1, 2), body), SwitchCase(None, ()))),
            ForLoop((body, body)),
            variables=(VariableDeclaration("v", Type(Kind.UINT, 3)),),
            name="p",
        )

    assert make() == make()
    assert make() != program()
    assert make() != "program"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (x(0), x(1)),
        (x(0), x(0, 1)),
        (x(0, 1), Permutation(NOT, (0,), (1,), 0)),
        (x(0), Diagonal(np.array([1, 0j]), (0,))),
        (Diagonal(np.array([1, 1j]), (0,)), Diagonal(np.array([1, -1j]), (0,))),
        (Measure(0, 1), Measure(1, 0)),
        (ForLoop(((x(0),),) * 2), ForLoop(((x(0),),) * 3)),
        (
            Store(BitRef(0), Constant(True, Type(Kind.BOOL))),
            Store(BitRef(1), Constant(True, Type(Kind.BOOL))),
        ),
        (Save("a"), Save("b")),
        (Save("a", indices=np.array([1], np.uint64)), Save("a", indices=np.array([2], np.uint64))),
    ],
)
def test_differences_are_seen(left, right):
    assert program(left) == program(left)
    assert program(left) != program(right)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (np.arange(3), np.arange(3.0), True),
        (np.arange(3), np.arange(4), False),
        (np.arange(3), [0, 1, 2], False),
        ((1, np.arange(2)), [1, np.arange(2)], True),
        ((1, 2), (1, 2, 3), False),
        (BitRef(1), BitRef(1), True),
        (Measure(0, 1), x(0), False),
        ("a", "a", True),
    ],
)
def test_the_rules(left: object, right: object, equal: bool) -> None:
    assert same(left, right) is equal
    assert same(right, left) is equal
