"""Points of the contract: waiting for the end (J26-J31, J38)."""

from __future__ import annotations

import contextlib
import inspect
import threading
import time
from typing import Any

from qiskit.providers import JobStatus
from qiskit.providers.exceptions import JobTimeoutError

from simquay.testing.harness.assertions import (
    TIMEOUT,
    CheckFailed,
    call_with_timeout,
    exception_of,
    raises,
    require,
)
from simquay.testing.harness.circuits import flips
from simquay.testing.harness.context import FINAL, CheckContext


def j26_signature(context: CheckContext) -> None:
    """`wait_for_final_state(timeout=None, wait=5, callback=None)`."""
    job = context.run(flips())
    parameters = inspect.signature(job.wait_for_final_state).parameters
    found = {name: one.default for name, one in parameters.items()}
    expected = {"timeout": None, "wait": 5, "callback": None}
    require(
        found == expected and list(found) == list(expected),
        f"wait_for_final_state{inspect.signature(job.wait_for_final_state)}; "
        "expected (timeout=None, wait=5, callback=None)",
    )
    context.wait(job)
    answer = call_with_timeout(lambda: job.wait_for_final_state(TIMEOUT, 5, None))
    require(answer is None, f"wait_for_final_state() returned {answer!r}; expected None")


def j27_returns_at_the_end(context: CheckContext) -> None:
    """It returns as soon as the job ends, not at the next multiple of `wait`."""
    job = context.start(0.8)
    answers: list[Exception | None] = []

    def wait() -> None:
        # The timeout is longer than the job takes on a busy machine.
        with contextlib.suppress(CheckFailed):  # it has not returned: then `answers` is empty
            answers.append(exception_of(lambda: job.wait_for_final_state(wait=100), 3 * TIMEOUT))

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    context.wait(job)
    waiter.join(1.0)
    require(answers, "wait_for_final_state(wait=100) had not returned 1 s after the job's end")
    error = answers[0]
    require(error is None, f"wait_for_final_state() raised {type(error).__name__}: {error}")


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
    late = []
    for _ in range(3):  # the shortest of three, since a busy machine may be late
        started = time.monotonic()
        error = exception_of(
            lambda: job.wait_for_final_state(timeout=0.2, wait=100),
            5.0,
            "wait_for_final_state(timeout=0.2, wait=100)",
        )
        late.append(time.monotonic() - started - 0.2)
        require(
            isinstance(error, JobTimeoutError),
            f"wait_for_final_state(timeout=0.2, wait=100) ended with {error!r}",
        )
    require(
        min(late) < 0.1 and min(late) > -0.02,
        f"wait_for_final_state(timeout=0.2, wait=100) raised {min(late):.2f} s late",
    )
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
    require(bool(heard), "the callback was never called")
    require(
        all(len(one) == 3 and one[0] == job.job_id() and one[2] is job for one in heard),
        f"the callback was called with {heard[0]!r}; expected (job_id, status, job)",
    )
    statuses = [one[1] for one in heard]
    require(
        statuses[-1] is JobStatus.DONE,
        f"no call for the last query, which found the final status: the last was {statuses[-1]}",
    )
    before = [one for one in statuses if one not in FINAL]
    require(
        len(before) >= 2,
        f"in 0.8 s with wait=0.02 the callback was called {len(before)} times while the job ran",
    )


def j31_no_error_at_the_end(context: CheckContext) -> None:
    """It returns without raising where the job failed or was cancelled."""
    for failed in context.failed_jobs():
        error = exception_of(failed.wait_for_final_state)
        require(error is None, f"wait_for_final_state() of a failed job raised {error!r}")
    if context.calibration.synchronous:
        return  # no job can be cancelled
    job = context.start(3.0)  # if it cannot be cancelled, it ends by itself
    threading.Timer(0.1, lambda: exception_of(job.cancel)).start()
    error = exception_of(lambda: job.wait_for_final_state(TIMEOUT, 0.05))
    require(error is None, f"wait_for_final_state() of a cancelled job raised {error!r}")
    require(job.status() in FINAL, "wait_for_final_state() returned before the job was final")


def j38_ctrl_c(context: CheckContext) -> None:
    """Ctrl-C in `result()` or `wait_for_final_state()` returns control at once."""
    for call in ("result", "wait_for_final_state"):
        answer = context.run_child("interrupt", "--call", call)
        require(
            answer["seconds"] < 2.0,
            f"Ctrl-C in {call}() returned control after {answer['seconds']:.1f} s",
        )
