"""A task on an engine: some shots of some circuits, run together, in this process or another."""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.errors import Cancelled, OutOfMemoryError
from simquay.execution.memory import (
    Budget,
    check_ceiling,
    ledger_for,
    required_bytes,
    statevector_bytes,
)
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, RunSettings
from simquay.execution.sweep import SweepShape, run_sweep, same_shape, sweep_shape
from simquay.jobs.dispatch.threads import MemoryRequest
from simquay.jobs.errors import detach
from simquay.program import Precision, Program, Save
from simquay.program.program import walk
from simquay.simulators.options import Resolved

_log = logging.getLogger(__name__)

__all__ = ["EngineTask", "IndexedProgram", "TaskAnswer", "saves_state"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class IndexedProgram:
    """A program and the index of its circuit in the job, on which its random draws depend."""

    index: int
    program: Program


@dataclass(frozen=True, slots=True)
class _Batch:
    """Consecutive programs of the task that run together.

    Attributes:
        first: the position of the first in the task.
        count: how many there are.
        need: bytes to reserve.
        shape: of the sweep; None for one program by itself.
    """

    first: int
    count: int
    need: int
    shape: SweepShape | None = None


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
    """Runs programs on an engine, one after another.

    Consecutive programs that differ in angles alone run as one batch, where that is faster.

    A task reserves the memory of its largest program or batch, once. A program that can never have
    its memory fails without holding up the others.

    Attributes:
        memory: what to reserve before the task is run; None where every program has failed.
        failures: the errors of programs that failed, by circuit index; detached.

    Args:
        programs: of the task.
        engine: runs them.
        options: of the run; ``options.shots`` is the number of shots of this task.
        first_shot: the index of the task's first shot in the job.
    """

    def __init__(
        self,
        programs: Sequence[IndexedProgram],
        engine: Engine,
        options: Resolved,
        first_shot: int = 0,
    ) -> None:
        self._programs = programs
        self._engine = engine
        self._options = options
        self._first_shot = first_shot
        self.failures: dict[int, BaseException] = {}
        self._groups = list(_alike(programs))
        self._needs: list[int] = []
        for first, count in self._groups:
            self._needs += [_needed_bytes(programs[first].program, engine, options)] * count
        for one, need in zip(programs, self._needs, strict=True):
            self._check_ceiling(one.index, need)
        self._batches = self._in_batches()
        self.memory = self._request()

    def _check_ceiling(self, index: int, need: int) -> None:
        """Fail a program that needs more than the options allow."""
        limit = self._options.max_bytes
        if limit is not None and need > limit:
            try:
                check_ceiling(need, limit / 2**20)
            except OutOfMemoryError as error:
                self.failures[index] = detach(error)

    def _in_batches(self) -> list[_Batch]:
        """All programs in order, each in a batch of those that may run together."""
        engine: Any = self._engine  # `sweep_shape` says whether it takes batches
        options = self._options
        batches: list[_Batch] = []
        for first, count in self._groups:
            need, size, shape = self._needs[first], 1, None
            one = self._programs[first]
            if count > 1 and one.index not in self.failures:
                shape = sweep_shape(
                    one.program, engine, options.precision, statevector=options.statevector
                )
            if shape is not None:
                room: int = engine.sweep_bytes
                if options.max_bytes is not None:
                    room = min(room, options.max_bytes - need)
                most = max(room // shape.bytes, 1)
                size = -(-count // -(-count // most))  # batches of about one size
            for start in range(first, first + count, size):
                members = min(size, first + count - start)
                if shape is None or members == 1:
                    batches.append(_Batch(start, members, need))
                else:
                    batches.append(_Batch(start, members, need + members * shape.bytes, shape))
        return batches

    def _one_by_one(self) -> list[_Batch]:
        return [_Batch(position, 1, need) for position, need in enumerate(self._needs)]

    def _request(self) -> MemoryRequest | None:
        needs = [
            batch.need
            for batch in self._batches
            if self._programs[batch.first].index not in self.failures
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
            self._batches = self._one_by_one()
            self.memory = self._request()
            assert self.memory is not None
            if self.memory.bytes < asked:
                return True
        for one, need in zip(self._programs, self._needs, strict=True):
            if need >= self.memory.bytes:
                self.failures.setdefault(one.index, detach(error))
        self.memory = self._request()
        return self.memory is not None

    def run(self, control: Control) -> TaskAnswer:
        """Run the programs in this process, the memory reserved.

        Raises:
            Cancelled: if the control says so.
        """
        answer = TaskAnswer()
        began = time.perf_counter()

        def keep(index: int, outcome: Outcome, started: float) -> None:
            answer.outcomes[index] = outcome, time.perf_counter() - started

        self.run_each(control, keep)
        answer.failures.update(self.failures)
        answer.seconds = time.perf_counter() - began
        return answer

    def run_each(self, control: Control, finish: Callable[[int, Outcome, float], _T]) -> list[_T]:
        """Run the programs that have not failed yet; those that fail now join :attr:`failures`.

        Where a batch fails, its programs without an outcome run one by one.

        Args:
            control: checked between programs and by the engine.
            finish: called with the circuit's index, its outcome and the time
                (``time.perf_counter()``) at which it began; an error of it fails the circuit.

        Returns:
            The values that ``finish`` returned, in order.

        Raises:
            Cancelled: if the control says so.
        """
        finished: list[_T] = []
        count = len(self._programs)
        for batch in self._batches:
            done = 0
            if batch.shape is not None:
                part = control.section(batch.first / count, (batch.first + batch.count) / count)
                done = self._run_batch(batch, batch.shape, part, finish, finished)
            for position in range(batch.first + done, batch.first + batch.count):
                one = self._programs[position]
                if one.index in self.failures:
                    continue
                control.check()
                part = control
                if count > 1:
                    part = control.section(position / count, (position + 1) / count)
                try:
                    started = time.perf_counter()
                    outcome = self._run(one, self._needs[position], part)
                    finished.append(finish(one.index, outcome, started))
                    part.report(1.0)
                except Cancelled:
                    raise
                except Exception as error:  # noqa: BLE001  # the job boundary, for each circuit
                    self.failures[one.index] = detach(error)
        return finished

    def _run_batch(
        self,
        batch: _Batch,
        shape: SweepShape,
        control: Control,
        finish: Callable[[int, Outcome, float], _T],
        finished: list[_T],
    ) -> int:
        """Run a batch.

        A failure of the batch says nothing about any one program, and is no failure of the job.

        Returns:
            The number of programs that are done: with an outcome, or with a failure of their own.
        """
        members = self._programs[batch.first : batch.first + batch.count]
        indices = [one.index for one in members]
        programs = [one.program for one in members]
        control.check()
        outcomes = run_sweep(shape, programs, indices, self._engine, self._settings(), control)
        for done, index in enumerate(indices):
            try:
                outcome, seconds = next(outcomes)
            except Cancelled:
                raise
            except Exception as error:  # noqa: BLE001  # the job boundary: each then fails alone
                _log.debug("circuits %s run one by one: %r", indices[done:], error)
                return done
            try:
                finished.append(finish(index, outcome, time.perf_counter() - seconds))
            except Exception as error:  # noqa: BLE001  # the job boundary, for each circuit
                self.failures[index] = detach(error)
        return batch.count

    def _settings(self, circuit: int = 0) -> RunSettings:
        options = self._options
        return RunSettings(
            shots=options.shots,
            seed=options.seed,
            circuit=circuit,
            first_shot=self._first_shot,
            precision=options.precision,
            statevector=options.statevector,
        )

    def _run(self, one: IndexedProgram, need: int, control: Control) -> Outcome:
        budget = Budget(ledger_for(self._engine), self._options.max_bytes, need)
        settings = self._settings(one.index)
        return run_program(one.program, self._engine, settings, control, memory=budget)


def _alike(programs: Sequence[IndexedProgram]) -> Iterator[tuple[int, int]]:
    """Runs of consecutive programs of one shape: the first's position, and their number."""
    first = 0
    for end in range(1, len(programs) + 1):
        if end < len(programs) and same_shape(programs[first].program, programs[end].program):
            continue
        yield first, end - first
        first = end


def saves_state(program: Program) -> bool:
    """Whether the program saves a state, of which there must be one for all shots."""
    return any(type(one) is Save for one in walk(program.operations))


def _needed_bytes(program: Program, engine: Engine, options: Resolved) -> int:
    """Bytes that a run needs: its state, and on the CPU its outcome as well."""
    need = required_bytes(program, engine, options.precision, statevector=options.statevector)
    if engine.device != "cpu":
        return need
    words = max(1, -(-program.num_clbits // 64))
    # Samples, the numbers drawn for them and a sorted copy; for the memory, an index and a pointer.
    need += options.shots * (24 * words + (16 if options.memory else 0))
    saved = {one.key for one in walk(program.operations) if type(one) is Save}
    need += len(saved) * statevector_bytes(program, options.precision)
    if options.precision is not Precision.DOUBLE:  # Qiskit's Statevector holds double precision
        states = len(saved) + options.statevector
        need += states * statevector_bytes(program, Precision.DOUBLE)
    return need
