"""A task on an engine: some shots of some circuits, run together, in this process or another."""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.errors import Cancelled, OutOfMemoryError
from simquay.execution.memory import ledger_for, over_ceiling
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.execution.sweep import Batch, batches, run_sweep
from simquay.jobs.dispatch.threads import MemoryRequest
from simquay.jobs.errors import detach
from simquay.program import Program

_log = logging.getLogger(__name__)

__all__ = ["EngineTask", "TaskAnswer"]


@dataclass(slots=True)
class TaskAnswer:
    """The outcomes of a task, and who ran it.

    Attributes:
        pid: the process that ran it.
        host: the name of the machine that ran it.
        seconds: the time that it took there.
        outcomes: by circuit index: the outcome and the seconds that it took.
        failures: by circuit index: the error, detached.
    """

    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=platform.node)
    seconds: float = 0.0
    outcomes: dict[int, tuple[Outcome, float]] = field(default_factory=dict)
    failures: dict[int, BaseException] = field(default_factory=dict)


class EngineTask:
    """Runs programs on an engine, one after another; those that are faster together, as one batch.

    A task reserves the memory of its largest program or batch, once. A program that can never have
    its memory fails without holding up the others.

    Attributes:
        memory: what to reserve before the task is run; None where every program has failed.
        failures: the errors of programs that failed, by circuit index; detached.

    Args:
        programs: of the task.
        engine: runs them.
        context: of the job.
        piece: the circuits of the programs, and their shots.
    """

    def __init__(
        self, programs: Sequence[Program], engine: Engine, context: RunContext, piece: Piece
    ) -> None:
        self._programs = programs
        self._engine = engine
        self._context = context
        self._piece = piece
        self.failures: dict[int, BaseException] = {}
        self._batches = batches(programs, engine, context, piece.shots)
        for batch in self._batches:
            error = over_ceiling(batch.alone, context.max_bytes)
            if error is not None:
                self.failures |= dict.fromkeys(self._indices(batch), error)
        self.memory = self._request()

    def _indices(self, batch: Batch) -> tuple[int, ...]:
        """The numbers of the batch's circuits in the job."""
        return self._piece.part(batch.first, batch.count).circuits

    def _request(self) -> MemoryRequest | None:
        needs = [
            batch.need for batch in self._batches if self._indices(batch)[0] not in self.failures
        ]
        return MemoryRequest(ledger_for(self._engine), max(needs)) if needs else None

    def refuse(self, error: OutOfMemoryError) -> bool:
        """The device will never have the memory asked for: fail the programs that need so much.

        Batches are given up first: their programs need less one by one.

        Returns:
            Whether there is something left to do, with a smaller :attr:`memory`.
        """
        assert self.memory is not None
        if any(batch.shape for batch in self._batches):
            asked = self.memory.bytes
            self._batches = [one for batch in self._batches for one in batch.one_by_one()]
            self.memory = self._request()
            assert self.memory is not None
            if self.memory.bytes < asked:
                return True
        for batch in self._batches:
            if batch.alone >= self.memory.bytes:
                self.failures.setdefault(self._indices(batch)[0], detach(error))
        self.memory = self._request()
        return self.memory is not None

    def run(self, control: Control) -> TaskAnswer:
        """Run the programs in this process, the memory reserved.

        Raises:
            Cancelled: if the control says so.
        """
        answer = TaskAnswer()
        began = time.perf_counter()
        for index, outcome, seconds in self.outcomes(control):
            answer.outcomes[index] = outcome, seconds
        answer.failures.update(self.failures)
        answer.seconds = time.perf_counter() - began
        return answer

    def outcomes(self, control: Control) -> Iterator[tuple[int, Outcome, float]]:
        """Run the programs that have not failed yet; those that fail now join :attr:`failures`.

        Where a batch fails, its programs without an outcome run one by one.

        Args:
            control: checked between programs and by the engine.

        Yields:
            A circuit's index, its outcome, and the seconds that it took.

        Raises:
            Cancelled: if the control says so.
        """
        count = len(self._programs)
        for batch in self._batches:
            left = [batch]
            if batch.shape is not None:
                done = 0
                for one in self._together(batch, control.section(*batch.span(count))):
                    yield one
                    done += 1
                left = batch.one_by_one()[done:]
            for alone in left:
                piece = self._piece.part(alone.first, 1)
                [index] = piece.circuits
                if index in self.failures:
                    continue
                control.check()
                part = control if count == 1 else control.section(*alone.span(count))
                program = self._programs[alone.first]
                started = time.perf_counter()
                try:
                    outcome = run_program(program, self._engine, self._context, part, piece)
                except Cancelled:
                    raise
                except Exception as error:  # noqa: BLE001  # the job boundary, for each circuit
                    self.failures[index] = detach(error)
                else:
                    yield index, outcome, time.perf_counter() - started
                    part.report(1.0)

    def _together(self, batch: Batch, control: Control) -> Iterator[tuple[int, Outcome, float]]:
        """Run a batch. If it fails, it ends early: that says nothing about any one program."""
        assert batch.shape is not None
        control.check()
        programs = self._programs[batch.first : batch.first + batch.count]
        piece = self._piece.part(batch.first, batch.count)
        outcomes = run_sweep(batch.shape, programs, self._engine, self._context, control, piece)
        for index in piece.circuits:
            try:
                outcome, seconds = next(outcomes)
            except Cancelled:
                raise
            except Exception as error:  # noqa: BLE001  # the job boundary: each then fails alone
                _log.debug("circuits from %d on run one by one: %r", index, error)
                return
            yield index, outcome, seconds
