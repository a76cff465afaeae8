"""Jobs of every kind over the same work, for tests of the contract that all of them keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from qiskit.providers import JobStatus
from qiskit.result import Result

from simquay.jobs.adapted import AdaptedJob, adapt_job
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.executors import ExecutorLauncher
from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.function import FunctionJob
from simquay.jobs.job import Job, TaskEnd, only_answer
from simquay.simulators.engine.pubs.jobs import PrimitiveJob
from tests.support.job_doubles import HeldWork

__all__ = ["KINDS", "UNSUBMITTED_KINDS", "MakeJob", "kinds"]

MakeJob = Callable[[HeldWork], BaseJob]
"""Makes a job over the work. It is not submitted, except for the kind ``existing``."""


class _Reporting:
    """The work as the task of an adapted job, whose foreign job runs at once."""

    def __init__(self, work: HeldWork) -> None:
        self._work = work
        self.needs = work.needs

    def run(self, control: TaskControl) -> Result:
        control.report_status(JobStatus.VALIDATING)
        control.report_status(JobStatus.RUNNING)
        return self._work.run(control)

    def remote(self, control: TaskControl) -> None:
        """None: it belongs to this process."""


class _ForeignJob:
    """The work as a job of another provider."""

    def __init__(self, work: HeldWork) -> None:
        self._work = work
        self._control = TaskControl()

    def status(self) -> JobStatus:
        return JobStatus.RUNNING if self._work.started.is_set() else JobStatus.QUEUED

    def result(self) -> Result:
        return self._work.run(self._control)

    def cancel(self) -> None:
        self._control.cancel()


def _join(ends: Sequence[TaskEnd], job_id: str, seconds: float) -> Result:
    """As jobs of several tasks do: an answer, or the error of a task."""
    result: Result = only_answer(ends, job_id, seconds)
    result.job_id = job_id
    return result


def _function(work: HeldWork) -> BaseJob:
    def function(control: TaskControl) -> Result:
        return work.run(control)

    return FunctionJob(function)


def kinds(pool: WorkerPool, threads: ThreadPoolExecutor) -> dict[str, MakeJob]:
    """Every kind of job that does work, by name.

    Args:
        pool: worker threads.
        threads: an executor of the user's.
    """
    return {
        "local": lambda work: Job(None, [work], pool),
        "split": lambda work: Job(None, [work], pool, _join),
        "split on threads": lambda work: Job(None, [work], ExecutorLauncher(threads), _join),
        "adapted": lambda work: AdaptedJob(None, [_Reporting(work)], pool),
        "function": _function,
        "primitive": lambda work: PrimitiveJob(None, [work], pool),
        "existing": lambda work: adapt_job(_ForeignJob(work)),
    }


KINDS = ("local", "split", "split on threads", "adapted", "function", "primitive", "existing")
UNSUBMITTED_KINDS = KINDS[:-1]
"""Kinds whose jobs can be made without being submitted."""
