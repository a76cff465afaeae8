"""Points of the contract: cancelling (J16-J19)."""

from __future__ import annotations

import random
import time
from typing import Any

from qiskit.providers import JobStatus

from simquay.testing.harness.assertions import (
    TIMEOUT,
    call_with_timeout,
    exception_of,
    require,
    wait_until,
)
from simquay.testing.harness.circuits import bell, flips
from simquay.testing.harness.context import LONG, CheckContext
from simquay.testing.harness.processes import CpuMeter, resident_bytes

_STOPPED_WITHIN = 1.0  # seconds
_IDLE = 0.04  # processor seconds in the window below that count as idle
_WINDOW = 0.5  # seconds


def _used_after(budget: float = 0.0) -> float:
    """Wait until almost no processor time is used.

    It waits for a second, and on a busy machine until ``budget`` processor seconds have been used:
    work that gets on slowly takes longer to reach the point at which it can stop.

    Returns:
        0.0, or the processor seconds used in the last window, if that was too much.
    """
    started, all_used = time.monotonic(), CpuMeter()
    while True:
        meter = CpuMeter()
        time.sleep(_WINDOW)
        used = meter.seconds()
        if used <= _IDLE:
            return 0.0
        waited = time.monotonic() - started
        if waited > _STOPPED_WITHIN and (all_used.seconds() > budget or waited > TIMEOUT):
            return used


def _answer(job: Any) -> Any:
    """The return value of ``cancel()``; False if it raises, which J19 judges."""
    answers: list[Any] = [False]
    exception_of(lambda: answers.append(job.cancel()))
    return answers[-1]


def j16_cancel_commits(context: CheckContext) -> None:
    """`cancel()` returns whether this call cancelled; `True` commits."""
    job = context.start()
    answer = call_with_timeout(job.cancel)
    require(answer is True, f"cancel() of a running job returned {answer!r}; expected True")
    require(
        job.status() is JobStatus.CANCELLED,
        f"cancel() returned True and the job is {job.status()}; expected CANCELLED from then on",
    )
    require(
        not wait_until(lambda: job.status() is not JobStatus.CANCELLED, 0.3),
        "a cancelled job changed its status",
    )
    generator = random.Random(16)
    circuit = context.fit_to_target(bell())
    for _ in range(30):
        job = context.run(circuit, shots=1)
        time.sleep(generator.choice((0.0, 0.0005, 0.001, 0.003)))
        answer = _answer(job)
        require(isinstance(answer, bool), f"cancel() returned {answer!r}; expected a bool")
        status = context.wait(job)
        require(
            (status is JobStatus.CANCELLED) is answer,
            f"cancel() returned {answer} and the job ended as {status}",
        )


def j17_queued_never_runs(context: CheckContext) -> None:
    """A queued job that is cancelled never runs, and is `CANCELLED` at once."""
    blockers = context.occupy_workers(1.5)
    job = context.run_for(LONG)
    answer = call_with_timeout(job.cancel)
    require(  # the answer itself is J16
        job.status() is JobStatus.CANCELLED,
        f"cancel() of a queued job returned {answer!r}, and the job is {job.status()}",
    )
    for blocker in blockers:  # these end by themselves: J18 checks that running jobs stop
        context.wait(blocker)
    context.result(context.run(flips()))  # this job was queued behind it
    # Some is used by a worker process that replaces another, which begins with imports.
    used = _used_after(LONG / 4)
    require(
        not used,
        f"{used:.2f} s of processor time are used in {_WINDOW} s after all but the cancelled job "
        "have ended: the cancelled job runs",
    )
    require(job.status() is JobStatus.CANCELLED, f"the cancelled job became {job.status()}")


def _start_and_stop(context: CheckContext) -> None:
    job = context.start()
    meter, window = CpuMeter(), 0.15
    time.sleep(window)  # well inside its work
    rate = meter.seconds() / window
    call_with_timeout(job.cancel)
    cancelled = time.monotonic()
    require(
        job.status() is JobStatus.CANCELLED,
        f"a running job was cancelled, and is {job.status()}: its work was not stopped",
    )
    used = _used_after(max(1.0, rate) * _STOPPED_WITHIN)
    require(
        not used,
        f"{time.monotonic() - cancelled:.1f} s after cancel() the work still uses processor time "
        f"({used:.2f} s in {_WINDOW} s): it was not stopped",
    )


def j18_running_stops(context: CheckContext) -> None:
    """A running job that is cancelled stops its work and gives its memory back in a second."""
    _start_and_stop(context)
    before = resident_bytes()
    for _ in range(3):
        _start_and_stop(context)
    after = resident_bytes()
    state = 16 << context.calibration.width if not context.calibration.clifford else 0
    allowed = max(32 << 20, 2 * state)
    require(
        after - before <= allowed,
        f"three cancelled jobs left {(after - before) >> 20} MiB of memory behind",
    )
    require(context.result(context.run(flips())).success, "after cancelling, the next job failed")


def j19_cancel_of_a_final_job(context: CheckContext) -> None:
    """`cancel()` in a final state returns `False` and raises nothing."""
    done = context.run(flips())
    context.wait(done)
    jobs: list[tuple[Any, str]] = [(done, "finished")]
    jobs += [(job, "failed") for job in context.failed_jobs()]
    jobs += [(job, "cancelled") for job in context.cancelled_jobs()]
    for job, how in jobs:
        before = job.status()
        error = exception_of(job.cancel)
        require(error is None, f"cancel() of a {how} job raised {type(error).__name__}: {error}")
        answer = call_with_timeout(job.cancel)
        require(answer is False, f"cancel() of a {how} job returned {answer!r}; expected False")
        require(job.status() is before, f"cancel() made a {how} job {job.status()}")
