"""Some shots of some circuits on an engine: what is run in one go, in this process or another."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from quayside.backends.options import Resolved
from quayside.control import Control
from quayside.engines.base import Engine
from quayside.errors import Cancelled, OutOfMemoryError
from quayside.execution.memory import (
    Budget,
    check_ceiling,
    ledger_for,
    required_bytes,
    statevector_bytes,
)
from quayside.execution.outcomes import Outcome, RunSettings
from quayside.execution.run import run_program
from quayside.jobs.errors import detach
from quayside.jobs.executors import MemoryRequest
from quayside.program import Precision, Program, Save
from quayside.program.program import walk

__all__ = ["EngineTask", "Numbered", "hands_out_states"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Numbered:
    """A program and the number of its circuit in the job, on which its random draws depend."""

    number: int
    program: Program


class EngineTask:
    """Runs programs on an engine, one after another.

    A task reserves the memory of its largest program, once. A program that can never have its
    memory fails without holding up the others.

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
        self._needs = [_needed_bytes(one.program, engine, options) for one in programs]
        for one, need in zip(programs, self._needs, strict=True):
            self._check_ceiling(one.number, need)
        self.memory = self._request()

    def _check_ceiling(self, number: int, need: int) -> None:
        """Fail a program that needs more than the options allow."""
        limit = self._options.max_bytes
        if limit is not None and need > limit:
            try:
                check_ceiling(need, limit / 2**20)
            except OutOfMemoryError as error:
                self.failures[number] = detach(error)

    def _request(self) -> MemoryRequest | None:
        needs = [
            need
            for one, need in zip(self._programs, self._needs, strict=True)
            if one.number not in self.failures
        ]
        return MemoryRequest(ledger_for(self._engine), max(needs)) if needs else None

    def refuse(self, error: OutOfMemoryError) -> bool:
        """The device will never have the memory asked for: fail the programs that need so much.

        Returns:
            Whether there is something left to do, with a smaller :attr:`memory`.
        """
        assert self.memory is not None
        for one, need in zip(self._programs, self._needs, strict=True):
            if need >= self.memory.bytes:
                self.failures.setdefault(one.number, detach(error))
        self.memory = self._request()
        return self.memory is not None

    def run_each(self, control: Control, finish: Callable[[int, Outcome, float], _T]) -> list[_T]:
        """Run the programs that have not failed yet; those that fail now join :attr:`failures`.

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
        for place, one in enumerate(self._programs):
            if one.number in self.failures:
                continue
            control.check()
            part = control if count == 1 else control.section(place / count, (place + 1) / count)
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

    def _run(self, one: Numbered, need: int, control: Control) -> Outcome:
        options = self._options
        settings = RunSettings(
            shots=options.shots,
            seed=options.seed,
            circuit=one.number,
            first_shot=self._first_shot,
            precision=options.precision,
            statevector=options.statevector,
        )
        budget = Budget(ledger_for(self._engine), options.max_bytes, need)
        return run_program(one.program, self._engine, settings, control, memory=budget)


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
