"""The job contract, except for doing the work.

A subclass starts the work in :meth:`BaseJob._start`, moves the job on with ``_advance`` and
``_conclude``/``_fail``, and stops the work in :meth:`BaseJob._stop`. All else is written here once.
"""

from __future__ import annotations

import os
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from qiskit.providers.jobstatus import JOB_FINAL_STATES, JobStatus
from qiskit.result import Result

from simquay.jobs.display import as_html, as_repr, in_words
from simquay.jobs.errors import (
    JobCancelledError,
    JobFailedError,
    JobStateError,
    JobTimedOutError,
    as_text,
    detach,
    unsuccessful,
)
from simquay.jobs.record import RecordedJob
from simquay.jobs.references import BackendReference
from simquay.jobs.timing import LONGEST_SLEEP, SHORTEST_POLL

if TYPE_CHECKING:
    from qiskit.providers import BackendV2

    from simquay.jobs.dispatch.queue_info import QueueInfo

__all__ = ["BaseJob"]

_ORDER = {
    JobStatus.INITIALIZING: 0,
    JobStatus.QUEUED: 1,
    JobStatus.VALIDATING: 2,
    JobStatus.RUNNING: 3,
    **dict.fromkeys(JOB_FINAL_STATES, 4),
}
_BELOW_ONE = 1.0 - 2.0**-20  # the largest progress of an unfinished job


class BaseJob(RecordedJob):
    """A job that keeps the contract.

    Invariants; all writes are made under ``_lock``:

    - ``_status`` is written last, after every field that belongs to that state, and only moves
      forward. Reading it needs no lock. So ``status()`` never blocks, and a final job can be read
      even in a forked child, where a thread that is gone may hold the lock.
    - The lock is reentrant, and no wait is longer than ``LONGEST_SLEEP`` without another look at
      the status: a signal handler that cancels the job may interrupt the waiting thread between
      its look at the status and its sleep.
    - Waiters are notified before ``_status`` is written (they wake when the lock is free): Ctrl-C
      between the two then leaves the job as it was, instead of final with sleeping waiters.

    Args:
        backend: the backend that ran the job, or None.
        job_id: a unique id; None makes one.
        metadata: copied into the attribute ``metadata``.
    """

    _began = 0.0  # time.perf_counter() when the work began
    _when_final: Callable[[BaseJob], object] | None = None

    def __init__(
        self,
        backend: BackendV2 | None,
        job_id: str | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(backend, os.urandom(16).hex() if job_id is None else job_id)
        self._backend: Any = backend
        self.metadata: dict[str, Any] = dict(metadata or {})
        self._lock = threading.RLock()  # taken as it is: a Condition would add a call in Python
        self._condition = threading.Condition(self._lock)
        self._process = os.getpid()
        self._status = JobStatus.INITIALIZING
        self._result: Any = None
        self._error_text: str | None = None
        self._cause: BaseException | None = None
        self._partial_result: Result | None = None
        self._progress = 0.0
        self.created = datetime.now(timezone.utc)

    # --- for subclasses --------------------------------------------------------------------

    @abstractmethod
    def _start(self) -> None:
        """Hand the work to a thread or an executor. Called once, when the job is ``QUEUED``."""

    @abstractmethod
    def _stop(self, was: JobStatus) -> None:
        """Stop the work; the job is ``CANCELLED`` already, and was ``was`` before. Called without
        the job's lock. Must not block."""

    @abstractmethod
    def _release(self) -> None:
        """Drop every reference to circuits and states; do nothing else. Called under the job's
        lock, when it becomes final. A running worker may hold its own references."""

    def _fraction(self) -> float:
        """How much of the work is done, from 0 to 1; must never fall."""
        return self._progress

    # --- the states ------------------------------------------------------------------------

    def submit(self) -> None:
        """Submit the job, as ``backend.run`` does; ``JobStateError`` if it was submitted."""
        self._check_process("submit()")
        if not self._advance(JobStatus.QUEUED):
            raise JobStateError(f"job {self._job_id} was submitted already")
        self._start()

    def status(self) -> JobStatus:
        """The job's state now. Never blocks."""
        return self._status

    def in_final_state(self) -> bool:
        """Whether the job is ``DONE``, ``ERROR`` or ``CANCELLED``."""
        return self._status in JOB_FINAL_STATES

    def progress(self) -> float:
        """How much of the work is done, from 0 to 1; it never falls, and is 1 only when done."""
        return 1.0 if self._status is JobStatus.DONE else min(self._fraction(), _BELOW_ONE)

    def queue_info(self) -> QueueInfo | None:
        """What a ``QUEUED`` job waits for, such as memory: how much, and which jobs hold it. None
        in any other state, and where nothing says it, as with an executor or a foreign backend."""
        return None

    def error_message(self) -> str | None:
        """Why the job failed, or None where it did not."""
        return self._error_text if self._status is JobStatus.ERROR else None

    def cancel(self) -> bool:
        """Cancel the job.

        Returns:
            True if this call brought it about: the job is ``CANCELLED`` from now on. False if the
            job was in a final state already.

        Raises:
            JobStateError: a ``JobError``, before the job is submitted.
        """
        if self.in_final_state():
            return False
        self._check_process("cancel()")
        was = self._status
        self._check_submitted("cancel()")
        if not self._advance(JobStatus.CANCELLED):
            return False
        self._stop(was)
        return True

    def _advance(self, status: JobStatus) -> bool:
        """Move on to ``status``; false if that is not forward, as in a final state."""
        with self._lock:
            if _ORDER[status] <= _ORDER[self._status]:
                return False
            self._enter(status)
            return True

    def _conclude(self, result: Any) -> bool:
        """End with ``result``: ``DONE``, or ``ERROR`` where the result says it did not succeed."""
        if isinstance(result, Result) and not result.success:
            return self._fail(*unsuccessful(result))
        if self.keeper is not None and not self.in_final_state():
            self.keeper.result(result)
        with self._lock:
            if self.in_final_state():
                return False
            self._result = result
            self._enter(JobStatus.DONE)
            return True

    def _fail(
        self, text: str, cause: BaseException | None = None, partial_result: Result | None = None
    ) -> bool:
        """End with an error; ``cause`` is detached from its frames."""
        if cause is not None:
            cause = detach(cause)
        if self.keeper is not None and partial_result is not None:
            self.keeper.partial_result(partial_result)
        with self._lock:
            if self.in_final_state():
                return False
            self._error_text = text
            self._cause = cause
            self._partial_result = partial_result
            self._enter(JobStatus.ERROR)
            return True

    def call_when_final(self, function: Callable[[BaseJob], object]) -> None:
        """Call ``function(job)``, which is quick and raises nothing, once, as soon as the job is
        final, under its lock. To be called before :meth:`submit`."""
        self._when_final = function

    def _enter(self, status: JobStatus) -> None:
        """Write the status, under the lock; see the invariants of the class for the order."""
        if status in JOB_FINAL_STATES:
            self._release()
            self._condition.notify_all()
            self._ended_at = datetime.now(timezone.utc)
        elif status is JobStatus.RUNNING:
            self._started_at = datetime.now(timezone.utc)
        if self.keeper is not None:
            at = self._ended_at or self._started_at or self.created
            self.keeper.entered(status, at, self._error_text, self._cause)
        self._status = status
        if status in JOB_FINAL_STATES and self._when_final is not None:
            function, self._when_final = self._when_final, None
            function(self)

    # --- waiting ---------------------------------------------------------------------------

    def result(self, timeout: float | None = None) -> Result:
        """Wait for the job and return its result; the same object every time.

        Args:
            timeout: seconds to wait; None waits without limit.

        Raises:
            JobFailedError: a ``JobError``: the work failed.
            JobCancelledError: a ``JobError`` and a ``concurrent.futures.CancelledError``.
            JobTimedOutError: a ``JobTimeoutError`` and a ``TimeoutError``; the job goes on.
            JobStateError: not submitted, or an unfinished job of the parent process.
        """
        if not self.in_final_state():
            self._check_submitted("result()")
            if not self._wait(_deadline(timeout)):
                raise self._timed_out(timeout)
        if self._status is JobStatus.DONE:
            return self._result
        if self._status is JobStatus.CANCELLED:
            raise JobCancelledError(f"job {self._job_id} was cancelled")
        # A new error each time: raising adds the caller's frames to it.
        raise JobFailedError(
            self._error_text or "the job failed", self._partial_result
        ) from self._cause

    def wait_for_final_state(
        self,
        timeout: float | None = None,
        wait: float = 5,
        callback: Callable[[str, JobStatus, Any], object] | None = None,
    ) -> None:
        """Wait until the job is final, with any status; return as soon as it is.

        Args:
            timeout: seconds to wait; None waits without limit.
            wait: seconds between two calls of ``callback``.
            callback: called as ``callback(job_id, status, job)`` at every query, the last included.

        Raises:
            JobTimedOutError: a ``JobTimeoutError`` and a ``TimeoutError``; the job goes on.
            JobStateError: not submitted, or an unfinished job of the parent process.
        """
        end = _deadline(timeout)
        if not self.in_final_state():
            self._check_submitted("wait_for_final_state()")
        while True:
            # The time is read before the status: a job that ended in time is never "timed out".
            late = end is not None and time.monotonic() >= end
            status = self._status
            if callback is not None:
                callback(self._job_id, status, self)
            if status in JOB_FINAL_STATES:
                return
            if late:
                raise self._timed_out(timeout)
            query = time.monotonic() + max(wait, SHORTEST_POLL)
            self._wait(query if end is None else min(query, end))

    def _wait(self, end: float | None) -> bool:
        """Wait until the job is final or the monotonic time ``end``; return whether it is final."""
        if self.in_final_state():
            return True
        self._check_process("waiting")
        with self._lock:
            while not self.in_final_state():
                left = LONGEST_SLEEP if end is None else end - time.monotonic()
                if left <= 0:
                    return False
                self._condition.wait(min(left, LONGEST_SLEEP))
        return True

    def _timed_out(self, timeout: float | None) -> JobTimedOutError:
        return JobTimedOutError(
            f"job {self._job_id} is still {self._status.name} after {timeout} s; it goes on"
        )

    def _check_submitted(self, call: str) -> None:
        if self._status is JobStatus.INITIALIZING:
            raise JobStateError(
                f"{call} on job {self._job_id}, which is not submitted yet: call submit() first"
            )

    def _check_process(self, call: str) -> None:
        """An unfinished job of a parent process has no worker here, and its lock may be held."""
        if self._process != os.getpid():
            raise JobStateError(
                f"{call} on job {self._job_id}: it is unfinished and belongs to process "
                f"{self._process}, from which this one was forked; run the circuits again here"
            )

    # --- the backend, and pickling ---------------------------------------------------------

    def backend(self) -> BackendV2:
        """The backend object that ran the job.

        Raises:
            QiskitError: the job has none; or it was unpickled, and its backend had not come from a
                provider, or cannot be had here.
        """
        if isinstance(self._backend, BackendReference):
            self._backend = self._backend.find()
        return super().backend()

    def __getstate__(self) -> dict[str, Any]:
        if not self.in_final_state():
            state = f"job {self._job_id} is {self._status.name}"
            raise JobStateError(f"{state} and cannot be pickled: wait for it first")
        return {
            "_job_id": self._job_id,
            "_backend": BackendReference.of(self._backend),
            "metadata": self.metadata,
            "_status": self._status.name,
            "_result": self._result,
            "_error_text": self._error_text,
            "_cause": as_text(self._cause),
            "_partial_result": self._partial_result,
            "_progress": self._fraction(),
            "created": self.created,
            "_started_at": self.started,
            "_ended_at": self.ended,
            "_host": self.host,
            "_versions": self.versions,
            "keeper": self.keeper,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._status = JobStatus[state["_status"]]
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        self._process = os.getpid()

    def _in_words(self) -> str:
        return in_words(self._status, self.progress(), time.perf_counter() - self._began)

    def __repr__(self) -> str:
        return as_repr(self, self._in_words())

    def _repr_html_(self) -> str:
        return as_html(self, self._in_words())


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout
