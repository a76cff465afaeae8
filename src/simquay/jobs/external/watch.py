"""A run of a foreign backend: its job is started, watched, and asked for its result."""

from __future__ import annotations

import concurrent.futures
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from qiskit.providers.exceptions import JobError
from qiskit.providers.jobstatus import JobStatus
from qiskit.result import Result

from simquay.errors import Cancelled
from simquay.jobs.errors import detach
from simquay.jobs.timing import FIRST_LOOK, LONGEST_QUERY, TICK, UNSUBMITTED

__all__ = ["Ended", "ForeignRun", "foreign_result"]

_log = logging.getLogger(__name__)

Ended = tuple[Result | BaseException, bool]
"""How a run ended: its result, or the error of a run that failed; and whether there was a job."""


class ForeignRun:
    """One run: a job is started and waited for by one thread, and watched by another.

    Args:
        start: gives the foreign job; it may take as long as the run does.
        report: called by :meth:`poll` with ``VALIDATING`` or ``RUNNING``.
        grace: seconds that a job may take to be there before the run counts as running.

    Attributes:
        job: the foreign job, as soon as there is one.
    """

    def __init__(
        self,
        start: Callable[[], Any],
        report: Callable[[JobStatus], object] = lambda status: None,
        grace: float = 0.0,
    ) -> None:
        self._start = start
        self._report = report
        self._began = time.monotonic()
        self._grace = grace
        self._pause, self._query = FIRST_LOOK, self._began + FIRST_LOOK
        self._reported: JobStatus | None = None
        self._lock = threading.Lock()
        self._abandoned = False
        self.job: Any = None
        self._result: Any = None
        self._error: BaseException | None = None

    def do(self) -> None:
        """Start the job and wait until it ends, with or without success; raises nothing."""
        try:
            job = self._start()
            with self._lock:
                self.job, abandoned = job, self._abandoned
            if abandoned:
                _cancel(job)
            else:
                _submit(job)
                self._result = job.result()
        except BaseException as error:  # noqa: BLE001  # the job boundary: it ends in ended()
            self._error = error
        finally:
            del self._start

    def poll(self) -> None:
        """Ask for the status, if it is time to, and report a new one; the intervals grow."""
        now = time.monotonic()
        if now < self._query:
            return
        self._pause = min(2 * self._pause, LONGEST_QUERY)
        self._query = now + self._pause
        if self.job is not None:
            status = _status(self.job)
        else:
            waited = now - self._began
            status = JobStatus.RUNNING if waited >= self._grace else JobStatus.VALIDATING
        if status is not self._reported and status in (JobStatus.VALIDATING, JobStatus.RUNNING):
            self._report(status)
            self._reported = status

    def abandon(self) -> None:
        """Nobody waits any more: cancel the foreign job, now or when there is one."""
        with self._lock:
            self._abandoned = True
            job = self.job
        if job is not None:
            _cancel(job)

    def ended(self) -> Ended:
        """How the run ended; called after :meth:`do`.

        Raises:
            Cancelled: the backend cancelled the job by itself.
        """
        try:
            return self._outcome(), True
        except Cancelled:
            raise
        except BaseException as error:  # noqa: BLE001  # the job boundary: the caller decides
            return detach(error), self.job is not None

    def _outcome(self) -> Result:
        error, job = self._error, self.job
        status = None if job is None else _status(job)
        if status is JobStatus.CANCELLED or isinstance(error, concurrent.futures.CancelledError):
            raise Cancelled("the backend cancelled the job")
        if error is not None:
            raise error
        result = self._result
        if not isinstance(result, Result):
            raise TypeError(
                f"the backend's job returned an object of type {type(result).__name__}: "
                "expected a qiskit.result.Result"
            )
        if status is JobStatus.ERROR and result.success:
            raise JobError(_error_message(job) or "the backend's job has the status ERROR")
        return result


def foreign_result(
    start: Callable[[], Any],
    *,
    check: Callable[[], object],
    report: Callable[[JobStatus], object],
    grace: float,
    over: Callable[[], object] = lambda: None,
) -> Ended:
    """Do a run in a thread of its own, and wait until it ends.

    Args:
        start: gives the foreign job; it may take as long as the run does.
        check: called again and again; where it raises, the foreign job is cancelled and left.
        report: called with each new status of the foreign job: ``VALIDATING`` or ``RUNNING``.
        grace: seconds that ``start`` may take before it counts as running.
        over: called when no foreign code of the run is at work any more, also where the wait for
            the run has ended before.

    Raises:
        Cancelled: the backend cancelled the job by itself.
        BaseException: what ``check`` raises.
    """
    run = ForeignRun(start, report, grace)
    done = threading.Event()

    def work() -> None:
        run.do()
        done.set()
        over()

    threading.Thread(target=work, name="simquay-foreign", daemon=True).start()
    pause = FIRST_LOOK
    try:
        while not done.wait(pause):
            check()
            run.poll()
            pause = min(2 * pause, TICK)
    except BaseException:
        run.abandon()
        raise
    return run.ended()


def _status(job: Any) -> JobStatus | None:
    """A foreign job's status; None where it gives no valid one."""
    try:
        status = job.status()
    except Exception:  # noqa: BLE001  # foreign code; a job without a status can still end
        _log.debug("the status of %r cannot be had", job, exc_info=True)
        return None
    if isinstance(status, JobStatus):
        return status
    name = getattr(status, "name", status)  # some jobs have their own enum, or strings
    return JobStatus.__members__.get(name.upper()) if isinstance(name, str) else None


def _submit(job: Any) -> None:
    """Submit a job that its backend has made and not submitted, as legacy backends do."""
    end = time.monotonic() + UNSUBMITTED
    pause = 0.001
    while _status(job) is JobStatus.INITIALIZING:
        if time.monotonic() >= end:
            try:
                job.submit()
            except JobError:  # it was submitted, and only waits
                _log.debug("%r refused to be submitted", job, exc_info=True)
            return
        time.sleep(pause)
        pause = min(2 * pause, TICK)


def _cancel(job: Any) -> None:
    try:
        job.cancel()
    except Exception:  # noqa: BLE001  # foreign code; many jobs have no cancel that works
        _log.debug("%r cannot be cancelled", job, exc_info=True)


def _error_message(job: Any) -> str | None:
    try:
        message = job.error_message()
    except Exception:  # noqa: BLE001  # foreign code; most jobs have no such method
        return None
    return str(message) if message else None
