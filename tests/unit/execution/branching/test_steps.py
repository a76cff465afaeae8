"""Which steps need the state, and the event of several measurements."""

from __future__ import annotations

import pytest

from simquay.execution.branching.steps import (
    Event,
    Finish,
    Gates,
    Jump,
    JumpTable,
    LoopNext,
    Step,
    measurement_event,
    steps_needing_state,
)
from simquay.program import ForLoop, Measure, Save, Store
from simquay.program.expressions import BitRef
from tests.support.small_gates import TRUE, x

BIT = BitRef(0)
CLASSICAL = Store(BIT, TRUE)
GATES, EVENT, END = Gates((x(0),)), Event((0,), ()), Finish(None)


@pytest.mark.parametrize(
    ("steps", "needed"),
    [
        ([GATES, EVENT, CLASSICAL, END], "1100"),
        ([CLASSICAL, Save("s"), CLASSICAL, END], "1100"),
        ([EVENT, CLASSICAL, Finish(EVENT)], "111"),
        # Only one way of a branch needs it: the branch does, the other way does not.
        ([JumpTable(BIT, {0: 3}, 1), GATES, Jump(4), CLASSICAL, END], "11000"),
        ([JumpTable(BIT, {1: 3}, 1), CLASSICAL, Jump(4), GATES, END], "10010"),
        # A loop: what stands before the gates in the body comes after them as well.
        ([LoopNext(0, ForLoop(()), [1], 4), CLASSICAL, GATES, Jump(0), CLASSICAL, END], "111100"),
    ],
)
def test_the_state_is_needed_up_to_the_last_step_that_looks_at_it(
    steps: list[Step], needed: str
) -> None:
    assert steps_needing_state(steps) == [digit == "1" for digit in needed]


def test_one_event_of_several_measurements() -> None:
    event = measurement_event((Measure(5, 0), Measure(2, 1), Measure(5, 3)))
    assert event is not None
    assert event.qubits == (2, 5)
    assert event.writes == ((5, 0), (2, 1), (5, 3))
    assert event.resets == ()
    assert measurement_event(()) is None
