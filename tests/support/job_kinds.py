"""Jobs of every kind over the same work, for tests of the contract that all of them keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from qiskit.providers import JobStatus
from qiskit.result import Result

from simquay.control import Control
from simquay.errors import OutOfMemoryError
from simquay.jobs.adapted import AdaptedJob, Report, adapt_job
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.launchers import Launcher, PoolLauncher, TaskContext, ThreadLauncher
from simquay.jobs.dispatch.threads import MemoryRequest, WorkerPool
from simquay.jobs.function import FunctionJob
from simquay.jobs.local import LocalJob
from simquay.jobs.split import SplitJob, TaskEnd
from tests.support.job_doubles import HeldWork

__all__ = ["KINDS", "UNSUBMITTED_KINDS", "MakeJob", "kinds"]

MakeJob = Callable[[HeldWork], BaseJob]
"""Makes a job over the work. It is not submitted, except for the kind ``existing``."""


class _OneTask:
    """The work as the only task of a split job."""

    def __init__(self, work: HeldWork) -> None:
        self._work = work

    @property
    def memory(self) -> MemoryRequest | None:
        return self._work.memory

    def refuse(self, error: OutOfMemoryError) -> bool:
        return self._work.refuse(error)

    def run(self, control: Control) -> Result:
        return self._work.run("", control)

    def request(self, context: TaskContext) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        raise AssertionError("no other process runs this")

    def read(self, answer: Any) -> Any:
        return answer


class _SplitWork:
    def __init__(self, work: HeldWork) -> None:
        self.tasks = [_OneTask(work)]

    def result(self, job_id: str, ends: Sequence[TaskEnd], seconds: float) -> Result:
        (end,) = ends
        if end.error is not None:
            raise end.error
        answer: Result = end.answer
        return answer


class _ReportingWork:
    """The work as that of an adapted job, whose foreign job runs at once."""

    def __init__(self, work: HeldWork) -> None:
        self._work = work
        self.refuse = work.refuse

    @property
    def memory(self) -> MemoryRequest | None:
        return self._work.memory

    def run(self, job_id: str, control: Control, report: Report = lambda status: None) -> Result:
        report(JobStatus.VALIDATING)
        report(JobStatus.RUNNING)
        return self._work.run(job_id, control)


class _ForeignJob:
    """The work as a job of another provider."""

    def __init__(self, work: HeldWork) -> None:
        self._work = work
        self._control = Control()

    def status(self) -> JobStatus:
        return JobStatus.RUNNING if self._work.started.is_set() else JobStatus.QUEUED

    def result(self) -> Result:
        return self._work.run("", self._control)

    def cancel(self) -> None:
        self._control.cancel()


def _split(work: HeldWork, launcher: Launcher) -> BaseJob:
    return SplitJob(None, _SplitWork(work), launcher)


def _function(work: HeldWork) -> BaseJob:
    def function(control: Control) -> Result:
        return work.run("", control)

    return FunctionJob(function)


def kinds(pool: WorkerPool, threads: ThreadPoolExecutor) -> dict[str, MakeJob]:
    """Every kind of job that does work, by name.

    Args:
        pool: worker threads.
        threads: an executor of the user's.
    """
    return {
        "local": lambda work: LocalJob(None, work, pool),
        "split": lambda work: _split(work, PoolLauncher(pool)),
        "split on threads": lambda work: _split(work, ThreadLauncher(threads)),
        "adapted": lambda work: AdaptedJob(None, _ReportingWork(work), pool),
        "function": _function,
        "existing": lambda work: adapt_job(_ForeignJob(work)),
    }


KINDS = ("local", "split", "split on threads", "adapted", "function", "existing")
UNSUBMITTED_KINDS = KINDS[:-1]
"""Kinds whose jobs can be made without being submitted."""
