"""Points of the contract: results and errors (J08-J15)."""

from __future__ import annotations

import time
import warnings
from concurrent.futures import CancelledError
from typing import Any

from qiskit.providers import JobError, JobStatus
from qiskit.providers.exceptions import JobTimeoutError
from qiskit.result import Result

from simquay.testing.harness.assertions import (
    call_with_timeout,
    raises,
    reaches,
    require,
    require_equal,
)
from simquay.testing.harness.circuits import bell, flips
from simquay.testing.harness.context import CheckContext


def j08_the_same_result(context: CheckContext) -> None:
    """`result()` can be called again and again, and returns the same object."""
    job = context.run(bell())
    first = context.result(job)
    require(isinstance(first, Result), f"result() returned a {type(first).__qualname__}")
    again = all(call_with_timeout(job.result) is first for _ in range(3))
    require(again, "result() returned different objects")


def j09_timeout_in_seconds(context: CheckContext) -> None:
    """`result(timeout=None)` takes seconds as a float."""
    job = context.run(bell())
    context.wait(job)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        results = [
            call_with_timeout(job.result),
            call_with_timeout(lambda: job.result(timeout=None)),
            call_with_timeout(lambda: job.result(timeout=7.5)),
            call_with_timeout(lambda: job.result(7.5)),
        ]
    require(all(one.success for one in results), "a result with a timeout is no success")
    about = [str(one.message) for one in heard if "timeout" in str(one.message).lower()]
    require(not about, f"a timeout was not taken, but warned of: {'; '.join(about)[:200]}")


def j10_result_times_out(context: CheckContext) -> None:
    """Past its timeout `result` raises a `JobTimeoutError` and `TimeoutError`; the job goes on."""
    job = context.start(1.5)
    started = time.monotonic()
    what = "result(timeout=0.05)"
    raises(lambda: job.result(timeout=0.05), JobTimeoutError, TimeoutError, what=what)
    waited = time.monotonic() - started
    require(0.04 < waited < 1.0, f"{what} raised after {waited:.2f} s")
    goes_on = job.status() in (JobStatus.RUNNING, JobStatus.DONE)
    require(goes_on, f"after a timeout the job is {job.status()}; expected it to go on")
    require(context.result(job).success, "after a timeout the job did not succeed")


def j11_failure_is_a_job_error(context: CheckContext) -> None:
    """A failed job's `result()` raises `JobError`; its status is `ERROR`."""
    job = context.run_failing()
    raises(job.result, JobError, what="result() of a job that failed")
    require_equal(job.status(), JobStatus.ERROR, "a job that failed")


def j12_what_the_error_says(context: CheckContext) -> None:
    """The error names circuit and reason; its cause holds nothing alive; partial results stay."""
    bad = context.failing_circuit()
    job = context.run([flips(2), bad, flips(1)], shots=4)
    context.wait(job)
    error = raises(job.result, Exception, what="result() of a job with a circuit that fails")
    require(bad.name in str(error), f"the error does not name the circuit {bad.name!r}: {error}")
    cause = error.__cause__
    is_error = isinstance(cause, Exception)
    require(is_error, f"the error's __cause__ is {cause!r}; expected the original")
    # A QiskitError's text is its message in quotation marks.
    reason = str(getattr(cause, "message", "") or cause or type(cause).__name__)
    reason = reason.strip().splitlines()[0][:60]
    require(reason in str(error), f"the error does not say the reason ({reason!r}): {str(error)!r}")
    linked: BaseException | None = cause
    while linked is not None:
        what = f"the traceback of the cause ({type(linked).__name__}), which keeps frames alive,"
        require_equal(linked.__traceback__, None, what)
        linked = linked.__cause__ or linked.__context__
    partial: Any = getattr(error, "partial_result", None)
    is_result = isinstance(partial, Result)
    require(is_result, f"of 3 circuits 2 succeeded; the error's partial_result is {partial!r}")
    require_equal(partial.get_counts(), [{"11": 4}, {"1": 4}], "partial_result.get_counts()")


def j13_done_is_success(context: CheckContext) -> None:
    """No job is `DONE` with a result whose `success` is false."""
    for circuits in (context.failing_circuit(), [flips(), context.failing_circuit()]):
        for job in context.failing_jobs(circuits):
            if context.wait(job) is JobStatus.DONE:
                result = call_with_timeout(job.result)
                succeeded = result.success and all(one.success for one in result.results)
                require(succeeded, f"a job is DONE, and its result says {result.status!r}")
    job = context.run(flips())
    result = context.result(job)
    require_equal(job.status(), JobStatus.DONE, "a job that succeeded")
    require_equal(result.success, True, "success of the result of a DONE job")


def j14_error_message(context: CheckContext) -> None:
    """`error_message()` is the text of the failure, or `None`."""
    job = context.run(flips())
    context.wait(job)
    require(callable(getattr(job, "error_message", None)), "the job has no method error_message()")
    require_equal(job.error_message(), None, "error_message() of a job that succeeded")
    text = context.run_failing().error_message()
    says_it = isinstance(text, str) and text.strip()
    require(says_it, f"error_message() of a job that failed is {text!r}; expected the reason")


def j15_cancelled_error(context: CheckContext) -> None:
    """A cancelled job's `result()` raises a `JobError` and `CancelledError`."""
    job = context.start()
    call_with_timeout(job.cancel)
    reaches(job, {JobStatus.CANCELLED}, 2.0)
    for _ in range(2):
        raises(job.result, JobError, CancelledError, what="result() of a cancelled job")
