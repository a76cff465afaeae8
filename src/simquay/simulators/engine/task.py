"""Some shots of some circuits on an engine: what is run in one go, in this process or another."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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

__all__ = ["EngineTask", "Numbered", "hands_out_states"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Numbered:
    """A program and the number of its circuit in the job, on which its random draws depend."""

    number: int
    program: Program


@dataclass(frozen=True, slots=True)
class _Batch:
    """Neighbouring programs that run at once, from place ``first`` on.

    ``shape`` is None where it is one program by itself. ``need`` is the memory that is reserved.
    """

    first: int
    count: int
    need: int
    shape: SweepShape | None = None


class EngineTask:
    """Runs programs on an engine, one after another.

    Neighbours that differ in angles alone run as one batch, where the engine is faster so.

    A task reserves the memory of its largest program or batch, once. A program that can never have
    its memory fails without holding up the others.

    Attributes:
        memory: what to reserve before the task is run; None where every program has failed.
        failures: the errors of programs that failed, by the number of the circuit; detached.

    Args:
        programs: what to run.
        engine: what runs them.
        options: of the run; ``options.shots`` is the number of shots of this task.
        first_shot: the index of the task's first shot in the job.
    """

    def __init__(
        self,
        programs: Sequence[Numbered],
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
            self._check_ceiling(one.number, need)
        self._batches = self._in_batches()
        self.memory = self._request()

    def _check_ceiling(self, number: int, need: int) -> None:
        """Fail a program that needs more than the options allow."""
        limit = self._options.max_bytes
        if limit is not None and need > limit:
            try:
                check_ceiling(need, limit / 2**20)
            except OutOfMemoryError as error:
                self.failures[number] = detach(error)

    def _in_batches(self) -> list[_Batch]:
        """All programs in order, those that may run at once together."""
        engine: Any = self._engine  # of which `sweep_shape` says whether it takes batches
        options = self._options
        batches: list[_Batch] = []
        for first, count in self._groups:
            need, size, shape = self._needs[first], 1, None
            one = self._programs[first]
            if count > 1 and one.number not in self.failures:
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
        return [_Batch(place, 1, need) for place, need in enumerate(self._needs)]

    def _request(self) -> MemoryRequest | None:
        needs = [
            batch.need
            for batch in self._batches
            if self._programs[batch.first].number not in self.failures
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
                self.failures.setdefault(one.number, detach(error))
        self.memory = self._request()
        return self.memory is not None

    def run_each(self, control: Control, finish: Callable[[int, Outcome, float], _T]) -> list[_T]:
        """Run the programs that have not failed yet; those that fail now join :attr:`failures`.

        What of a batch has no outcome when the batch fails is run one by one.

        Args:
            control: checked between programs and by the engine.
            finish: called with the circuit's number, its outcome and the time
                (``time.perf_counter()``) at which it began; an error of it fails the circuit.

        Returns:
            What ``finish`` gave, in order.

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
            for place in range(batch.first + done, batch.first + batch.count):
                one = self._programs[place]
                if one.number in self.failures:
                    continue
                control.check()
                part = control
                if count > 1:
                    part = control.section(place / count, (place + 1) / count)
                try:
                    started = time.perf_counter()
                    outcome = self._run(one, self._needs[place], part)
                    finished.append(finish(one.number, outcome, started))
                    part.report(1.0)
                except Cancelled:
                    raise
                except Exception as error:  # noqa: BLE001  # the job boundary, for each circuit
                    self.failures[one.number] = detach(error)
        return finished

    def _run_batch(
        self,
        batch: _Batch,
        shape: SweepShape,
        control: Control,
        finish: Callable[[int, Outcome, float], _T],
        finished: list[_T],
    ) -> int:
        """Run programs at once; for how many there was an outcome, or a failure of their own.

        A failure of the batch says nothing about any one of them, and is no failure of the job.
        """
        those = self._programs[batch.first : batch.first + batch.count]
        numbers = [one.number for one in those]
        programs = [one.program for one in those]
        control.check()
        outcomes = run_sweep(shape, programs, numbers, self._engine, self._settings(), control)
        for done, number in enumerate(numbers):
            try:
                outcome, seconds = next(outcomes)
            except Cancelled:
                raise
            except Exception as error:  # noqa: BLE001  # the job boundary: each then fails alone
                _log.debug("circuits %s run one by one: %r", numbers[done:], error)
                return done
            try:
                finished.append(finish(number, outcome, time.perf_counter() - seconds))
            except Exception as error:  # noqa: BLE001  # the job boundary, for each circuit
                self.failures[number] = detach(error)
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

    def _run(self, one: Numbered, need: int, control: Control) -> Outcome:
        budget = Budget(ledger_for(self._engine), self._options.max_bytes, need)
        settings = self._settings(one.number)
        return run_program(one.program, self._engine, settings, control, memory=budget)


def _alike(programs: Sequence[Numbered]) -> Iterator[tuple[int, int]]:
    """Neighbours of one shape: where they begin, and how many they are."""
    first = 0
    for place in range(1, len(programs) + 1):
        if place < len(programs) and same_shape(programs[first].program, programs[place].program):
            continue
        yield first, place - first
        first = place


def hands_out_states(program: Program) -> bool:
    """Whether the program saves a state, of which there must be one for all shots."""
    return any(type(one) is Save for one in walk(program.operations))


def _needed_bytes(program: Program, engine: Engine, options: Resolved) -> int:
    """Bytes that a run needs: its state, and on the CPU what it hands out as well."""
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
