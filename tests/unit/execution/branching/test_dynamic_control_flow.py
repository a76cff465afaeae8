"""Control flow, written by hand, with the results known."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.reference import ReferenceEngine
from simquay.errors import Cancelled, ProgramError
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.program import (
    Body,
    Break,
    Continue,
    ForLoop,
    IfElse,
    Measure,
    Operation,
    Program,
    Reset,
    Store,
    Switch,
    SwitchCase,
    VariableDeclaration,
    WhileLoop,
)
from simquay.program.expressions import (
    Binary,
    BitRef,
    Constant,
    Kind,
    Type,
    Unary,
    VariableRef,
)
from tests.support.counting_engine import CountingEngine
from tests.support.small_gates import BOOL, TRUE, NoMemory, counts, h, plenty, run, x

UINT4 = Type(Kind.UINT, 4)
COUNT = VariableRef(0, UINT4)
DECLARED = (VariableDeclaration("count", UINT4),)
ZERO = Store(COUNT, Constant(0, UINT4))
UP = Store(COUNT, Binary("+", COUNT, Constant(1, UINT4), UINT4))


def copy_out() -> tuple[Operation, ...]:
    return tuple(
        Store(
            BitRef(bit),
            Binary(
                "==",
                Binary("&", COUNT, Constant(1 << bit, UINT4), UINT4),
                Constant(1 << bit, UINT4),
                BOOL,
            ),
        )
        for bit in range(4)
    )


def final_count(*operations: Operation) -> int:
    """The variable after ``operations`` that count, with no randomness."""
    program = Program(1, 4, (ZERO, *operations, *copy_out()), DECLARED)
    (value,) = counts(run(program, shots=3))
    return value


def below(limit: int) -> Binary:
    return Binary("<", COUNT, Constant(limit, UINT4), BOOL)


def test_loops_break_and_continue() -> None:
    leave: Body = (IfElse(Unary("!", below(3), BOOL), (Break(),)),)
    assert final_count(WhileLoop(below(9), (UP,))) == 9
    assert final_count(WhileLoop(below(9), (*leave, UP))) == 3
    assert final_count(ForLoop(((UP,),) * 5)) == 5
    assert final_count(ForLoop(((UP,), (*leave, UP, UP), (UP,)) * 3)) == 5
    skip: Body = (UP, Continue(), UP)
    assert final_count(ForLoop((skip,) * 4)) == 4
    assert final_count(ForLoop(())) == 0
    inner = ForLoop(((UP, Break(), UP),) * 3)
    assert final_count(ForLoop(((inner, UP),) * 2)) == 4
    assert final_count(IfElse(TRUE, ()), IfElse(below(0), (UP,), (UP, UP))) == 2


def test_the_variable_of_a_for_loop() -> None:
    add = Store(COUNT, Binary("+", COUNT, VariableRef(1, UINT4), UINT4))
    body: Body = (add,)
    program = Program(
        0,
        4,
        (ZERO, ForLoop((body,) * 3, 1, (2, 4, 17)), *copy_out()),
        (*DECLARED, VariableDeclaration("i", UINT4)),
    )
    assert counts(run(program, shots=2)) == {2 + 4 + 1: 2}  # 17 wraps to 1 in four bits


def test_switch_takes_the_first_case_that_holds() -> None:
    def switched(count: int, cases: tuple[SwitchCase, ...]) -> int:
        return final_count(*[UP] * count, Switch(COUNT, cases))

    two = SwitchCase((1, 2), (UP, UP))
    again = SwitchCase((2, 3), (UP,))
    default = SwitchCase(None, (UP, UP, UP))
    for count, expected in ((0, 3), (1, 3), (2, 4), (3, 4)):
        assert switched(count, (two, again, default)) == expected
    assert switched(0, (two, again)) == 0
    assert switched(2, (default, two)) == 5
    assert switched(0, (default, SwitchCase(None, (UP,)))) == 3
    assert switched(0, ()) == 0


@pytest.mark.parametrize("together", [1, None])
def test_until_one_is_measured(together: int | None) -> None:
    # Repeat: h, measure; until 1. The mean number of rounds is 2.
    body: Body = (h(0), Measure(0, 0), UP)
    program = Program(1, 1, (ZERO, WhileLoop(Unary("!", BitRef(0), BOOL), body)), DECLARED)
    engine = CountingEngine()
    outcome = run(program, engine, shots=20_000, branches_together=together)
    assert counts(outcome) == {1: 20_000}
    # As many evolutions as the longest of 20,000 shots has rounds: outside with chance 2e-8.
    assert 10 <= engine.applied <= 40
    assert 10 <= outcome.metadata["branches"] <= engine.applied
    if together == 1:
        assert engine.most_alive == 2  # one goes on, one ends
    else:  # those that end wait for the others, and end together
        assert engine.most_together == outcome.metadata["branches"]


def test_a_loop_without_end_is_cancelled() -> None:
    class Stops(Control):
        __slots__ = ("left",)

        def __init__(self) -> None:
            super().__init__()
            self.left = 1000

        def check(self) -> None:
            self.left -= 1
            if not self.left:
                self.cancel()
            super().check()

    engine = CountingEngine()
    with pytest.raises(Cancelled):
        run_program(Program(1, 0, (h(0), WhileLoop(TRUE, ()))), engine, RunContext(), Stops())
    assert engine.allocated == 1
    assert engine.alive == 0


def test_every_state_is_given_back_when_a_branch_is_cancelled() -> None:
    engine = CountingEngine()
    ledger = plenty()

    class Stops(Control):
        __slots__ = ()

        def check(self) -> None:
            if engine.copied >= 3:
                self.cancel()
            super().check()

    body: Body = (h(0), Measure(0, 0))
    program = Program(1, 1, (ForLoop((body,) * 30), IfElse(BitRef(0), (x(0),))))
    settings = RunContext(shots=4000, branches_together=1)
    with pytest.raises(Cancelled):
        run_program(program, engine, settings, Stops(), memory=ledger)
    assert engine.copied == 3
    assert engine.alive == 0
    assert ledger.reserved == 0


class Terse(tuple[Operation, ...]):
    """A block that does not print what it holds: a failure would print for minutes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "(...)"


def test_nesting_deeper_than_pythons_stack() -> None:
    block: Body = (x(0),)
    for _ in range(sys.getrecursionlimit() * 2):
        block = Terse((IfElse(TRUE, block),))
    program = Program(1, 1, Terse((*block, Measure(0, 0))))
    assert counts(run(program, shots=5)) == {1: 5}


def test_more_rounds_than_pythons_stack() -> None:
    body: Body = (Reset(0), h(0), Measure(0, 0))
    rounds = sys.getrecursionlimit() + 500
    program = Program(1, 1, (ForLoop((body,) * rounds), IfElse(BitRef(0), (x(0),)), Measure(0, 0)))
    outcome = run_program(
        program, ReferenceEngine(), RunContext(shots=3), Control(), memory=NoMemory()
    )
    assert counts(outcome) == {0: 3}
    np.testing.assert_array_equal(outcome["samples"], run(program, shots=3)["samples"])


def test_a_variable_that_was_never_stored() -> None:
    engine = CountingEngine()
    program = Program(1, 1, (h(0), Measure(0, 0), IfElse(below(3), (x(0),))), DECLARED)
    with pytest.raises(ProgramError, match="read before it is stored"):
        run(program, engine, shots=10)
    assert engine.alive == 0
