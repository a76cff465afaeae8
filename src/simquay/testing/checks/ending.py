"""Points of the contract: the end of a job, which is its result or error, and waiting for it
(J08-J15, J26-J31, J38)."""

from __future__ import annotations

import functools
import threading
import time
import warnings
from concurrent.futures import CancelledError, wait
from typing import Any

from qiskit.providers import JobError, JobStatus
from qiskit.providers.exceptions import JobTimeoutError
from qiskit.result import Result

from simquay.system.signatures import signature_of
from simquay.testing.harness.assertions import (
    TIMEOUT,
    call_with_timeout,
    exception_of,
    in_thread,
    raises,
    reaches,
    require,
    require_equal,
    returns,
)
from simquay.testing.harness.circuits import bell, flips
from simquay.testing.harness.context import FINAL, CheckContext


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


def j26_signature(context: CheckContext) -> None:
    """`wait_for_final_state(timeout=None, wait=5, callback=None)`."""
    job = context.run(flips())
    parameters = signature_of(job.wait_for_final_state).parameters
    found = {name: one.default for name, one in parameters.items()}
    expected = {"timeout": None, "wait": 5, "callback": None}
    require_equal(list(found.items()), list(expected.items()), "wait_for_final_state's signature")
    context.wait(job)
    answer = call_with_timeout(lambda: job.wait_for_final_state(TIMEOUT, 5, None))
    require_equal(answer, None, "the return value of wait_for_final_state()")


def j27_returns_at_the_end(context: CheckContext) -> None:
    """It returns as soon as the job ends, not at the next multiple of `wait`."""
    job = context.start(0.8)
    waiter = in_thread(lambda: job.wait_for_final_state(wait=100))
    context.wait(job)
    what = "wait_for_final_state(wait=100)"
    require(wait([waiter], 1.0).done, f"{what} had not returned 1 s after the job's end")
    returns(waiter.result, what)


def j28_wait_times_out(context: CheckContext) -> None:
    """Past `timeout` it raises the error of J10; the job goes on."""
    job = context.start(1.5)
    raises(
        lambda: job.wait_for_final_state(timeout=0.05, wait=0.01),
        JobTimeoutError,
        TimeoutError,
        what="wait_for_final_state(timeout=0.05)",
    )
    require(context.result(job).success, "after a timeout the job did not succeed")


def j29_timeout_is_kept(context: CheckContext) -> None:
    """`timeout` is kept to within 0.1 s, however large `wait` is."""
    job = context.start()
    what = "wait_for_final_state(timeout=0.2, wait=100)"
    late = []
    for _ in range(3):  # the shortest of three, since a busy machine may be late
        started = time.monotonic()
        call = functools.partial(job.wait_for_final_state, timeout=0.2, wait=100)
        raises(call, JobTimeoutError, what=what, seconds=5.0)
        late.append(time.monotonic() - started - 0.2)
    require(-0.02 < min(late) < 0.1, f"{what} raised {min(late):.2f} s late")
    call_with_timeout(job.cancel)


def j30_callback(context: CheckContext) -> None:
    """`callback(job_id, status, job)` is called at every query, the last one included."""
    heard: list[tuple[Any, ...]] = []
    job = context.run_for(0.8)
    call_with_timeout(
        lambda: job.wait_for_final_state(wait=0.02, callback=lambda *one: heard.append(one)),
        2 * TIMEOUT,
        "wait_for_final_state(wait=0.02)",
    )
    require(heard, "the callback was never called")
    are_right = all(len(one) == 3 and one[0] == job.job_id() and one[2] is job for one in heard)
    require(are_right, f"the callback was called with {heard[0]!r}; expected (job_id, status, job)")
    require_equal(heard[-1][1], JobStatus.DONE, "the status in the call for the last query")
    times = sum(one[1] not in FINAL for one in heard)
    require(times >= 2, f"the callback was called {times} times in 0.8 s, with wait=0.02")


def j31_no_error_at_the_end(context: CheckContext) -> None:
    """It returns without raising where the job failed or was cancelled."""
    for failed in context.failed_jobs():
        returns(failed.wait_for_final_state, "wait_for_final_state() of a failed job")
    if context.calibration.synchronous:
        return  # no job can be cancelled
    job = context.start(3.0)  # if it cannot be cancelled, it ends by itself
    threading.Timer(0.1, lambda: exception_of(job.cancel)).start()
    what = "wait_for_final_state() of a cancelled job"
    returns(lambda: job.wait_for_final_state(TIMEOUT, 0.05), what)
    require(job.status() in FINAL, "wait_for_final_state() returned before the job was final")


def j38_ctrl_c(context: CheckContext) -> None:
    """Ctrl-C in `result()` or `wait_for_final_state()` returns control at once."""
    for call in ("result", "wait_for_final_state"):
        seconds = context.run_child("interrupt", call=call)["seconds"]
        require(seconds < 2.0, f"Ctrl-C in {call}() returned control after {seconds:.1f} s")
