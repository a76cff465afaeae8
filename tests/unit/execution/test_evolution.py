"""A run on an engine: its figures, and samples in portions."""

from __future__ import annotations

import pytest

from simquay.control import Control
from simquay.engines.reference import ReferenceEngine
from simquay.errors import Cancelled
from simquay.execution.evolution import Run
from simquay.execution.kinds import needed_bytes
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.program import Measure, Program
from tests.support.counting_engine import CountingEngine
from tests.support.small_gates import cx, h, part_of_job, x


def test_figures_are_those_of_all_plans_that_were_applied() -> None:
    program = Program(5, 0, (h(0), cx(0, 3), x(4)))
    context, piece = part_of_job(shots=3)
    run = Run(program, ReferenceEngine(), context, piece, Control())
    state = run.allocate()
    for gates in ((h(0),), (cx(0, 3), x(4))):
        run.apply(state, run.plan(gates, state.layout), Control())
    figures = run.figures(seconds=8.0, batch=4)
    assert (figures["passes"], figures["stored_qubits"], figures["strategy"]) == (3, 3, "gates")
    assert 0 < figures["planning_time"] == run.planning_time / 4
    assert figures["planning_time"] + figures["execution_time"] == pytest.approx(8.0)


def test_copies_are_reserved_within_the_limit_of_the_job() -> None:
    engine = ReferenceEngine()
    context, piece = part_of_job(shots=10, max_bytes=1000)
    program = Program(1, 1, (h(0),))
    memory = Run(program, engine, context, piece, Control()).memory
    used = needed_bytes(program, engine, context, 10)
    assert used >= engine.required_bytes(1, context.precision) + 10 * 8  # a state, and samples
    assert memory.try_reserve(1001 - used) is None
    with memory.try_reserve(1000 - used) or pytest.fail("the limit was not reached"):
        pass


def test_sampling_of_many_shots_is_cancelled_between_portions() -> None:
    class Stops(Control):
        """Cancels once the gates are done and the first portion is sampled."""

        __slots__ = ()

        def report(self, fraction: float) -> None:
            super().report(fraction)
            if self.fraction > 0.9:
                self.cancel()

        def section(self, low: float, high: float) -> Control:
            part = super().section(low, high)
            part.__class__ = Stops
            return part

    engine = CountingEngine()
    control = Stops()
    program = Program(1, 1, (h(0), Measure(0, 0)))
    with pytest.raises(Cancelled):
        run_program(program, engine, RunContext(shots=5 << 20), control)
    assert 0.9 < control.fraction < 0.95  # one of five portions
    assert engine.alive == 0
