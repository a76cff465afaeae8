"""A task on an engine: some shots of some circuits, run together, in this process or another."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.errors import Cancelled
from simquay.execution.memory import ledger_for, over_ceiling
from simquay.execution.points import Points
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.execution.sweep import Batch, Turns, batches, run_sweep
from simquay.jobs.dispatch.tasks import MemoryRequest, Task, TaskControl
from simquay.jobs.errors import detach
from simquay.program import Program
from simquay.simulators.worker import Answer

_log = logging.getLogger(__name__)

__all__ = ["EngineTask"]


def _as_it_is(
    index: int, outcome: Outcome, seconds: float, control: Control
) -> tuple[Outcome, float]:
    return outcome, seconds


class EngineTask(Task):
    """Runs programs on an engine, one after another; those that are faster together, as one batch.
    It runs in this process; see also :mod:`simquay.simulators.engine.remote`.

    A task reserves the memory of its largest program or batch, and of all results, once. A program
    that can never have its memory fails without holding up the others.

    Attributes:
        piece: the circuits of the programs, and their shots.
        failures: the errors of programs that failed, by circuit index; detached.

    Args:
        programs: of the task.
        engine: runs them.
        context: of the job.
        piece: the circuits of the programs, and their shots.
        show: gives what the task's answer holds of a circuit, from its index, its outcome, the
            seconds that it took and the task's control; an error of it fails the circuit.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        engine: Engine,
        context: RunContext,
        piece: Piece,
        show: Callable[[int, Outcome, float, Control], Any] = _as_it_is,
    ) -> None:
        self.piece = piece
        self.failures: dict[int, BaseException] = {}
        self._programs = programs
        self._engine = engine
        self._context = context
        self._show = show
        self._batches: list[Batch] | None = None
        self._turns: tuple[int, Turns] | None = None  # of the group of points that runs

    def _planned(self) -> list[Batch]:
        """The batches; found once, and not before they are needed, which may be elsewhere."""
        if self._batches is None:
            counted = self._show is not _as_it_is
            self._batches = batches(
                self._programs, self._engine, self._context, self.piece.shots, counted
            )
        return self._batches

    @property
    def needs(self) -> MemoryRequest | None:
        """The memory of the largest batch, beside all results; less, where the device never has
        that: then results take what there is, a batch is run one by one, and what is still too
        large fails. None where nothing may run."""
        ceiling = self._context.max_bytes
        amounts = set()
        kept = most = 0
        for batch in self._planned():
            if ceiling is None or batch.alone <= ceiling:
                amounts |= {batch.need, batch.alone}
                need = batch.need
                if batch.shape is None:  # the state is released before shots are counted
                    need = max(need, batch.results + batch.counting)
                kept += batch.count * batch.results
                most = max(most, kept - batch.results + need)
        if not amounts:
            return None
        # Results are held to the ceiling one by one, as they are made.
        amounts.add(most if ceiling is None else max(min(most, ceiling), *amounts))
        most, *less = sorted(amounts, reverse=True)
        if len(self._programs) > 1:
            less.append(0)  # so that each has an error of its own where all are too large
        return MemoryRequest(ledger_for(self._engine), most, tuple(less))

    def run(self, control: TaskControl) -> Answer:
        """Run the programs in this process, the memory reserved.

        Returns:
            By circuit index: what ``show`` gives, and the errors of those that failed, detached.

        Raises:
            Cancelled: if the control says so.
        """
        began = time.perf_counter()
        shown: dict[int, Any] = {}
        for outcome in self.outcomes(control):
            self._keep(shown, control, *outcome)
        return Answer((shown, self.failures), time.perf_counter() - began)

    def _keep(
        self,
        shown: dict[int, Any],
        control: Control,
        index: int,
        outcome: Outcome,
        seconds: float,
    ) -> None:
        try:
            shown[index] = self._show(index, outcome, seconds, control)
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001  # the job boundary, for each circuit
            self.failures[index] = detach(error)

    def outcomes(self, control: TaskControl) -> Iterator[tuple[int, Outcome, float]]:
        """Run the programs; those that fail join :attr:`failures`.

        Where a batch fails, or has no memory, its programs without an outcome run one by one.

        Args:
            control: checked between programs and by the engine.

        Yields:
            A circuit's index, its outcome, and the seconds that it took.

        Raises:
            Cancelled: if the control says so.
        """
        count = len(self._programs)
        refused = {error.needed: error for error in control.refused}
        ceiling = self._context.max_bytes
        stay = self._show is _as_it_is
        kept = 0  # of results that stay as they are; those that are shown are held to it there
        for batch in self._planned():
            need, fitting = batch.alone, batch.count
            if stay and ceiling is not None and batch.results:
                fitting = (ceiling - kept - need) // batch.results + 1
                fitting = min(max(fitting, 0), batch.count)
                kept += fitting * batch.results
                if fitting < batch.count:
                    need += kept
            too_large = over_ceiling(need, ceiling)
            if batch.alone in refused or (too_large is not None and fitting == batch.count):
                fitting = 0  # one by itself is too large
            too_large = too_large or refused.get(batch.alone)
            if too_large is not None:
                first, rest = batch.first + fitting, batch.count - fitting
                circuits = self.piece.part(first, rest).circuits
                self.failures |= dict.fromkeys(circuits, too_large)
                for alone in batch.one_by_one(0)[:fitting]:
                    yield from self._attempt(alone, control.section(*alone.span(count)))
                continue
            left = [batch]
            if batch.shape is not None:
                done = 0
                if batch.need not in refused:
                    for one in self._attempt(batch, control.section(*batch.span(count))):
                        yield one
                        done += 1
                left = batch.one_by_one(done) if done < batch.count else []
            for alone in left:
                part = control if count == 1 else control.section(*alone.span(count))
                yield from self._attempt(alone, part)

    def _run_alone(self, place: int, control: Control, piece: Piece, method: str) -> Outcome:
        programs = self._programs
        if not isinstance(programs, Points):
            engine, context = self._engine, self._context
            return run_program(programs[place], engine, context, control, piece, method=method)
        group, number = programs.place(place)
        if self._turns is None or self._turns[0] != group:
            self._turns = group, Turns(*programs.groups[group], self._engine, self._context)
        return self._turns[1].run(number, control, piece, method)

    def _attempt(self, batch: Batch, control: Control) -> Iterator[tuple[int, Outcome, float]]:
        """Run a batch. If it fails, it ends early: that is the failure of a program by itself, and
        says nothing about any one of several."""
        control.check()
        piece = self.piece.part(batch.first, batch.count)
        index = piece.circuits[0]
        try:
            if batch.shape is None:
                started = time.perf_counter()
                outcome = self._run_alone(batch.first, control, piece, batch.method)
                yield index, outcome, time.perf_counter() - started
                control.report(1.0)
                return
            programs = self._programs[batch.first : batch.first + batch.count]
            outcomes = run_sweep(batch.shape, programs, self._engine, self._context, control, piece)
            for index, (outcome, seconds) in zip(piece.circuits, outcomes, strict=True):
                yield index, outcome, seconds
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001  # the job boundary, for each circuit
            if batch.shape is None:
                self.failures[index] = detach(error)
            else:  # each then runs, or fails, alone
                _log.debug("circuits from %d on run one by one: %r", index, error)
