"""Programs as steps with jumps."""

from __future__ import annotations

import pytest

from simquay.errors import ProgramError
from simquay.execution.branching import compiler
from simquay.execution.branching.compiler import compile_steps, portions
from simquay.execution.branching.deferral import defer
from simquay.execution.branching.steps import (
    Event,
    Finish,
    Gates,
    Jump,
    JumpTable,
    LoopBegin,
    LoopNext,
    Step,
    Steps,
)
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
    Save,
    Store,
    Switch,
    SwitchCase,
    WhileLoop,
)
from simquay.program.expressions import BitRef
from tests.support.small_gates import TRUE, cx, h, x

BIT = BitRef(0)
SET = Store(BIT, TRUE)


def compiled(*operations: Operation) -> Steps:
    return compile_steps(defer(Program(3, 3, operations)))


def kinds(*operations: Operation) -> list[type[Step]]:
    return [type(step) for step in compiled(*operations).steps]


def test_gates_that_follow_each_other_are_one_step() -> None:
    gates = (h(0), cx(0, 1), x(2))
    first, end = compiled(*gates).steps
    assert isinstance(first, Gates)
    assert first.gates == gates
    assert isinstance(end, Finish)
    assert end.event is None


def test_measurements_that_stand_together_are_one_event() -> None:
    # x(2) and the control commute with the measurements; the last h(0) and h(1) do not.
    together = (Measure(1, 1), x(2), Measure(0, 2), cx(1, 2), Reset(1))
    steps = compiled(h(0), h(1), *together, h(0), h(1), Measure(0, 0)).steps
    before, event, after, end = steps
    assert isinstance(before, Gates)
    assert before.gates[2:] == (together[1], together[3])
    assert isinstance(event, Event)
    assert event.qubits == (0, 1)
    assert event.writes == ((1, 1), (0, 2))
    assert event.resets == (1,)
    assert isinstance(after, Gates)
    assert isinstance(end, Finish)
    assert end.event is not None
    assert end.event.writes == ((0, 0),)


def test_a_measurement_after_a_reset_is_another_event() -> None:
    operations = (h(0), Reset(0), Measure(0, 0), h(0))
    assert kinds(*operations) == [Gates, Event, Event, Gates, Finish]


def test_an_if_jumps_over_what_is_not_taken() -> None:
    steps = compiled(SET, IfElse(BIT, (x(0),), (x(1), h(1))), x(2)).steps
    assert [type(step) for step in steps] == [Store, JumpTable, Gates, Jump, Gates, Gates, Finish]
    test, over = steps[1], steps[3]
    assert isinstance(test, JumpTable)
    assert isinstance(over, Jump)
    assert (test.table, test.default, over.target) == ({0: 4}, 2, 5)


def test_a_switch_jumps_by_value() -> None:
    cases = (SwitchCase((1, 2), (x(0),)), SwitchCase((2, 3), (x(1),)), SwitchCase(None, (x(2),)))
    table = compiled(SET, Switch(BIT, cases)).steps[1]
    assert isinstance(table, JumpTable)
    assert table.table == {1: 2, 2: 2, 3: 4}  # each case is its gates and a jump
    assert table.default == 6


def test_loops_jump_back() -> None:
    body: Body = (x(0), IfElse(BIT, (Break(),), (Continue(),)), x(1))
    steps = compiled(ForLoop((body,) * 3), WhileLoop(BIT, (SET,))).steps
    assert [type(step) for step in steps] == [
        LoopBegin,  # 0
        LoopNext,  # 1
        Gates,
        JumpTable,  # 3
        Jump,  # 4: break
        Jump,  # 5: over the else
        Jump,  # 6: continue
        Gates,
        Jump,  # 8: the next iteration
        JumpTable,  # 9: while
        Store,
        Jump,  # 11
        Finish,
    ]
    targets = {number: step.target for number, step in enumerate(steps) if isinstance(step, Jump)}
    assert targets == {4: 9, 5: 7, 6: 1, 8: 1, 11: 9}
    loop = steps[1]
    assert isinstance(loop, LoopNext)
    assert (loop.starts, loop.target) == ([2, 2, 2], 9)  # the body stands once


def test_each_loop_has_a_counter() -> None:
    inner = ForLoop(((x(0),),) * 2)
    assert compiled(ForLoop(((inner,),) * 2), inner).counters == 3


def test_a_save_waits_for_nothing_behind_it() -> None:
    assert kinds(h(0), Save("s"), h(0)) == [Gates, Save, Gates, Finish]


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (5, [5]), (10, [5, 5]), (11, [5, 5, 1])])
def test_portions(count: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "PLANNED_AT_ONCE", 5)
    gates = [x(0)] * count
    assert [len(portion) for portion in portions(gates)] == sizes


def test_a_break_outside_a_loop() -> None:
    with pytest.raises(ProgramError, match="'break' stands outside every loop"):
        compiled(h(0), Break())


def test_a_body_that_is_shared_is_one_step_of_gates() -> None:
    # It is planned once, since plans are kept by step.
    body: Body = (h(0), Reset(0))
    steps = compiled(ForLoop((body,) * 50), ForLoop((body,) * 50)).steps
    gates = [step for step in steps if isinstance(step, Gates)]
    assert len(gates) == 2
    assert gates[0] is gates[1]
