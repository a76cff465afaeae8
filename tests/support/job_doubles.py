"""Work for jobs that a test holds, lets go and fails at will."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

from simquay.execution.memory import Ledger
from simquay.jobs.dispatch.tasks import MemoryRequest, TaskControl
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.job import Job

LONG = 20.0
"""Seconds that nothing in a test takes unless it hangs."""


def a_result(success: bool = True, **fields: Any) -> Result:
    """A result without circuits."""
    return Result(backend_name="fake", job_id="x", success=success, results=[], **fields)


def an_experiment(name: str, success: bool) -> ExperimentResult:
    """A circuit's part of a result: ten zeros in one bit."""
    return ExperimentResult(
        10,
        success,
        ExperimentResultData(counts={"0x0": 10}),
        header={"name": name, "memory_slots": 1, "creg_sizes": [["c", 1]]},
        status="DONE" if success else "ERROR: broken",
    )


def failing(error: BaseException) -> Callable[[], Result]:
    """An outcome for :class:`HeldWork`: it raises ``error``."""

    def fail() -> Result:
        raise error

    return fail


class HeldWork:
    """A task that runs until :meth:`let_go`, and checks its control all the while."""

    def __init__(
        self,
        outcome: Callable[[], Result] = a_result,
        needs: MemoryRequest | None = None,
        held: bool = True,
    ) -> None:
        self.needs = needs
        self.outcome = outcome
        self.started = threading.Event()
        self.stopped = threading.Event()
        self.runs = 0
        self._go = threading.Event()
        if not held:
            self._go.set()

    def let_go(self) -> None:
        """Let the work end."""
        self._go.set()

    def run(self, control: TaskControl) -> Result:
        """Wait, then give the outcome."""
        self.runs += 1
        self.started.set()
        try:
            end = time.monotonic() + 3 * LONG  # later than any test gives up waiting for it
            while not self._go.wait(0.001) and time.monotonic() < end:
                control.check()
            control.check()
            return self.outcome()
        finally:
            self.stopped.set()

    def remote(self, control: TaskControl) -> None:
        """None: it belongs to this process."""


class DeafWork(HeldWork):
    """A task that never looks at its control."""

    def run(self, control: TaskControl) -> Result:
        """Wait, then give the outcome, cancelled or not."""
        self.runs += 1
        self.started.set()
        try:
            self._go.wait(3 * LONG)
            return self.outcome()
        finally:
            self.stopped.set()


def a_job(work: HeldWork, pool: WorkerPool, submit: bool = True, **fields: Any) -> Job:
    """A job for ``work``."""
    job = Job(None, [work], pool, **fields)
    if submit:
        job.submit()
    return job


def a_ledger(count: int, name: str = "the test device") -> Ledger:
    """A ledger of a device that has ``count`` bytes and no other users."""
    return Ledger(name, lambda: count, lambda: count)


def until(condition: Callable[[], bool], seconds: float = LONG) -> bool:
    """Wait until ``condition()`` holds; return whether it came to hold."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True
