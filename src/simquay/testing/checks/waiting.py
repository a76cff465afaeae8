"""Points of the contract: waiting for the end (J26-J31, J38)."""

from __future__ import annotations

import functools
import inspect
import threading
import time
from concurrent.futures import wait
from typing import Any

from qiskit.providers import JobStatus
from qiskit.providers.exceptions import JobTimeoutError

from simquay.testing.harness.assertions import (
    TIMEOUT,
    call_with_timeout,
    exception_of,
    in_thread,
    raises,
    require,
    require_equal,
    returns,
)
from simquay.testing.harness.circuits import flips
from simquay.testing.harness.context import FINAL, CheckContext


def j26_signature(context: CheckContext) -> None:
    """`wait_for_final_state(timeout=None, wait=5, callback=None)`."""
    job = context.run(flips())
    parameters = inspect.signature(job.wait_for_final_state).parameters
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
