"""A run of a foreign backend: its job is started, watched, and asked for its result."""

from __future__ import annotations

import concurrent.futures
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qiskit.providers.exceptions import JobError
from qiskit.providers.jobstatus import JobStatus
from qiskit.result import Result

from simquay.errors import Cancelled
from simquay.jobs.errors import detach
from simquay.jobs.timing import (
    FIRST_LOOK,
    GRACE,
    HEARTBEAT_INTERVAL,
    LONGEST_QUERY,
    TICK,
    UNSUBMITTED,
)
from simquay.system.starting import start_thread

if TYPE_CHECKING:
    from simquay.jobs.dispatch.tasks import TaskControl

__all__ = ["Ended", "ForeignRun", "Watchdog", "foreign_result"]

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
                _asked(job, "cancel")
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
            _asked(job, "cancel")

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
            message = _asked(job, "error_message") or "the backend's job has the status ERROR"
            raise JobError(str(message))
        return result


def foreign_result(
    start: Callable[[], Any], control: TaskControl, over: Callable[[], object] = lambda: None
) -> Ended:
    """Do a run in a thread of its own, and wait until it ends.

    Args:
        start: gives the foreign job; it may take as long as the run does.
        control: gets each new status of the foreign job. Where its work is cancelled, the foreign
            job is cancelled and left.
        over: called when no foreign code of the run is at work any more, also where the wait for
            the run has ended before.

    Raises:
        Cancelled: the backend cancelled the job by itself, or the control says so.
    """
    run = ForeignRun(start, control.report_status, GRACE)
    done = threading.Event()

    def work() -> None:
        run.do()
        done.set()
        over()

    try:
        start_thread(threading.Thread(target=work, name="simquay-foreign", daemon=True))
    except RuntimeError:
        over()
        raise
    pause = FIRST_LOOK
    try:
        while not done.wait(pause):
            control.check()
            run.poll()
            pause = min(2 * pause, TICK)
    except BaseException:
        run.abandon()
        raise
    return run.ended()


class Watchdog:
    """A thread of a worker process: checks whether a run is still wanted, and reports its status.

    It also reports heartbeats: where they stay away, foreign code keeps the interpreter's lock.

    ``with watchdog:`` surrounds the work for one request. In it, :meth:`attempt` does each run, in
    the thread that calls it. A run that is over before the first look is never disturbed.

    Invariant: the status of a run is reported before its ``with`` block ends, or not at all; so the
    message that ends a run is its last message.

    Args:
        wanted: whether anybody waits for the run.
        report: called with each new status, and with None as a heartbeat; raises ``OSError`` where
            nobody waits any more.
        leave: ends the process; called with an exit code.
    """

    def __init__(
        self,
        wanted: Callable[[], bool],
        report: Callable[[Any], object],
        leave: Callable[[int], object],
    ) -> None:
        self._wanted = wanted
        self._report = report
        self._leave = leave
        self._next_beat = 0.0
        self._lock = threading.Lock()
        self._working = threading.Event()
        self._run: ForeignRun | None = None
        start_thread(threading.Thread(target=self._loop, name="simquay-watch", daemon=True))

    def __enter__(self) -> None:
        self._working.set()

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._working.clear()
            self._run = None

    def attempt(self, start: Callable[[], Any]) -> Ended:
        """Do one run, in this thread.

        Raises:
            Cancelled: the backend cancelled the job by itself.
        """
        run = ForeignRun(start, self._report)
        with self._lock:
            self._run = run
        run.do()
        with self._lock:
            self._run = None
        return run.ended()

    def _loop(self) -> None:
        """Run the thread. It sleeps without a limit only while there is nothing to watch."""
        while self._working.wait():
            time.sleep(FIRST_LOOK)
            while self._look():
                time.sleep(TICK)

    def _look(self) -> bool:
        """Look once; returns whether there is more to watch."""
        with self._lock:
            if not self._working.is_set():
                return False
            try:
                if not self._wanted():
                    self._leave(0)
                now = time.monotonic()
                if now >= self._next_beat:
                    self._next_beat = now + HEARTBEAT_INTERVAL
                    self._report(None)
                if self._run is not None:
                    self._run.poll()
            except OSError:
                self._leave(0)
            return True


def _asked(job: Any, method: str) -> Any:
    """The answer of a method of a foreign job; None where it raises, or there is no such method."""
    try:
        return getattr(job, method)()
    except Exception:  # noqa: BLE001  # foreign code; without any of these a job can still end
        _log.debug("%s() of %r failed", method, job, exc_info=True)
        return None


def _status(job: Any) -> JobStatus | None:
    """A foreign job's status; None where it gives no valid one."""
    status = _asked(job, "status")
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
