"""Running circuits on a backend that somebody else wrote, and watching its job."""

from __future__ import annotations

import concurrent.futures
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qiskit.providers.exceptions import JobError
from qiskit.providers.jobstatus import JobStatus
from qiskit.result import Result

from quayside.errors import Cancelled, QuaysideError
from quayside.jobs.errors import JobFailedError, detach

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["ReportedFailure", "foreign_result", "foreign_status", "run_circuits"]

_log = logging.getLogger(__name__)

_SHORTEST_PAUSE = 0.005  # most small runs are over by then, undisturbed
_LONGEST_PAUSE = 0.5
_TICK = 0.02
"""Seconds between two calls of ``check``."""

_UNSUBMITTED = 0.1
"""Seconds after which a job that still says INITIALIZING counts as not submitted. AerJob says so
for what waits, so it is given time, and its own refusal of a second submission is no error."""


class ReportedFailure(QuaysideError):
    """A backend returned a result that says that a circuit failed; the text is what it says."""


class _Attempt:
    """A foreign run in a thread of its own; another thread watches it.

    Args:
        start: gives the foreign job; it may take as long as the run does.
        over: called in the end, whatever the end was, even where nobody waits for it any more.
    """

    def __init__(self, start: Callable[[], Any], over: Callable[[], object]) -> None:
        self._start = start
        self._over = over
        self._lock = threading.Lock()
        self._abandoned = False
        self.job: Any = None
        self.ended = threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="quayside-foreign", daemon=True).start()

    def _run(self) -> None:
        try:
            job = self._start()
            with self._lock:
                self.job, abandoned = job, self._abandoned
            if abandoned:
                _cancel(job)
            else:
                _submit(job)
                self._result = job.result()
        except BaseException as error:  # noqa: BLE001  # the job boundary: it ends in outcome()
            self._error = error
        finally:
            del self._start
            self.ended.set()
            self._over()

    def abandon(self) -> None:
        """Nobody waits any more: cancel the foreign job, now or when there is one."""
        with self._lock:
            self._abandoned = True
            job = self.job
        if job is not None:
            _cancel(job)

    def outcome(self) -> Result:
        """The result of an attempt that has ended.

        Raises:
            Cancelled: the backend cancelled the job by itself.
            BaseException: what the foreign code raised.
        """
        error, job = self._error, self.job
        status = None if job is None else foreign_status(job)
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
) -> tuple[Result | BaseException, bool]:
    """Start a foreign run and wait until it ends.

    Args:
        start: gives the foreign job; it may take as long as the run does.
        check: called again and again; where it raises, the foreign job is cancelled and left.
        report: told the foreign status when it is another one: ``VALIDATING`` or ``RUNNING``.
        grace: seconds that ``start`` may take before it counts as running.
        over: called when no foreign code of the run is at work any more.

    Returns:
        The result, or the error of a run that failed; and whether there was a job.

    Raises:
        Cancelled: the backend cancelled the job by itself.
        BaseException: what ``check`` raises.
    """
    attempt = _Attempt(start, over)
    began = time.monotonic()
    pause, query = _SHORTEST_PAUSE, 0.0
    told: JobStatus | None = None
    try:
        while not attempt.ended.wait(min(pause, _TICK)):
            check()
            now = time.monotonic()
            if now < query:
                continue
            pause = min(2 * pause, _LONGEST_PAUSE)
            query = now + pause
            if attempt.job is not None:
                status = foreign_status(attempt.job)
            else:
                status = JobStatus.RUNNING if now - began >= grace else JobStatus.VALIDATING
            if status is not told and status in (JobStatus.VALIDATING, JobStatus.RUNNING):
                report(status)
                told = status
    except BaseException:
        attempt.abandon()
        raise
    try:
        return attempt.outcome(), True
    except Cancelled:
        raise
    except BaseException as error:  # noqa: BLE001  # the job boundary: whoever asks decides
        return detach(error), attempt.job is not None


def foreign_status(job: Any) -> JobStatus | None:
    """A foreign job's status; None where it says nothing that is one."""
    try:
        status = job.status()
    except Exception:  # noqa: BLE001  # foreign code; a job without a status can still end
        _log.debug("the status of %r cannot be had", job, exc_info=True)
        return None
    if isinstance(status, JobStatus):
        return status
    name = getattr(status, "name", status)  # some have states of their own, or strings
    return JobStatus.__members__.get(name.upper()) if isinstance(name, str) else None


def _submit(job: Any) -> None:
    """Submit a job that its backend only made, as legacy backends do."""
    end = time.monotonic() + _UNSUBMITTED
    pause = 0.001
    while foreign_status(job) is JobStatus.INITIALIZING:
        if time.monotonic() >= end:
            try:
                job.submit()
            except JobError:  # it was submitted, and only waits
                _log.debug("%r refused to be submitted", job, exc_info=True)
            return
        time.sleep(pause)
        pause = min(2 * pause, _TICK)


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


# --- several circuits ---------------------------------------------------------------------------


def run_circuits(
    backend: Any,
    circuits: Sequence[QuantumCircuit],
    options: Mapping[str, Any],
    *,
    check: Callable[[], object],
    report: Callable[[JobStatus], object],
    grace: float,
    again: bool,
    hold: Callable[[], Callable[[], object]] = lambda: lambda: None,
) -> Result:
    """Run circuits on a foreign backend in one job of its.

    A backend that raises for one of several circuits says nothing of the others. They are then
    run one by one, so that the error names the circuit and the others' results are not lost: if
    ``backend.run`` itself raised, so that there is no job, and otherwise where ``again`` says so.

    Args:
        backend: any object with Qiskit's ``run``.
        circuits: one or more.
        options: for ``backend.run``.
        check: as for :func:`foreign_result`.
        report: as for :func:`foreign_result`.
        grace: as for :func:`foreign_result`.
        again: whether circuits may run twice.
        hold: called before the backend is used; gives what is called after the use.

    Returns:
        The result, which says that it succeeded.

    Raises:
        JobFailedError: with the error as its cause, and the results of circuits that succeeded. A
            result that says that it did not succeed is such a failure, too.
        Cancelled: the backend cancelled the job by itself.
    """

    def attempt(run_input: Any) -> tuple[Result | BaseException, bool]:
        return foreign_result(
            lambda: backend.run(run_input, **options),
            check=check,
            report=report,
            grace=grace,
            over=hold(),
        )

    if len(circuits) == 1:
        ended, _ = attempt(circuits[0])
        if isinstance(ended, Result):
            return _succeeded(ended, circuits)
        raise _failure({0: ended}, circuits, None)
    ended, submitted = attempt(list(circuits))
    if isinstance(ended, Result):
        return _succeeded(ended, circuits)
    if (submitted and not again) or "parameter_binds" in options:  # binds belong to circuits
        failure = JobFailedError(f"the {len(circuits)} circuits failed: {_said(ended)}")
        failure.__cause__ = ended
        raise failure
    results: dict[int, Result] = {}
    failures: dict[int, BaseException] = {}
    for index, circuit in enumerate(circuits):
        one, _ = attempt(circuit)
        if isinstance(one, Result) and one.success:
            results[index] = one
        else:
            failures[index] = one if isinstance(one, BaseException) else _reported(one)
    merged = _merged(list(results.values()))
    if not failures:
        assert merged is not None
        return merged
    raise _failure(failures, circuits, merged)


def _failure(
    failures: Mapping[int, BaseException], circuits: Sequence[QuantumCircuit], good: Result | None
) -> JobFailedError:
    first = min(failures)
    text = f"circuit {circuits[first].name!r} (number {first} of the job) failed: "
    text += _said(failures[first])
    if len(failures) > 1:
        text += f"; {len(failures)} of {len(circuits)} circuits failed"
    failure = JobFailedError(text, good)
    failure.__cause__ = failures[first]
    return failure


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _succeeded(result: Result, circuits: Sequence[QuantumCircuit]) -> Result:
    """``result`` if it says that it succeeded.

    Raises:
        JobFailedError: if not.
    """
    if result.success:
        return result
    results = result.results or []
    failed = [index for index, one in enumerate(results) if not one.success]
    if len(results) != len(circuits) or not failed:
        failure = JobFailedError(f"the job failed: {_said(_reported(result))}")
        failure.__cause__ = _reported(result)
        raise failure
    failures = {index: _reported(result, results[index].status) for index in failed}
    good = [one for one in results if one.success]
    merged = _merged([result]) if good else None
    if merged is not None:
        merged.results, merged.success = good, True
    raise _failure(failures, circuits, merged)


def _reported(result: Result, status: object = None) -> ReportedFailure:
    """What ``result`` says of a failure, as an error."""
    if status is None:
        status = next((one.status for one in result.results or [] if not one.success), None)
    return ReportedFailure(str(status or result.status or "no reason is given"))


def _merged(results: Sequence[Result]) -> Result | None:
    """One result of several jobs' results, or None for none."""
    if not results:
        return None
    merged = Result.from_dict({**results[0].to_dict(), "results": []})
    merged.results = [one for result in results for one in result.results]
    return merged
