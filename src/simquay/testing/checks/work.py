"""Points of the contract: where the work of a job runs, and how it stops (J16-J19, J32, J34, J36,
J40, J43)."""

from __future__ import annotations

import os
import random
import re
import time
from typing import Any

from qiskit.providers import JobStatus

from simquay.testing.harness.assertions import (
    TIMEOUT,
    call_with_timeout,
    exception_of,
    require,
    require_equal,
    returns,
    wait_until,
)
from simquay.testing.harness.circuits import bell, flips
from simquay.testing.harness.context import FINAL, LONG, CheckContext
from simquay.testing.harness.processes import CpuMeter, resident_bytes

_STOPPED_WITHIN = 1.0  # seconds
_IDLE = 0.04  # processor seconds in the window below that count as idle
_WINDOW = 0.5  # seconds


def _used_after(budget: float = 0.0, older: CpuMeter | None = None) -> float:
    """Wait until almost no processor time is used.

    It waits for a second, and on a busy machine until ``budget`` processor seconds have been used:
    work that gets on slowly takes longer to reach the point at which it can stop. Of the processes,
    those count that existed when ``older`` was made: a worker that replaces a killed one begins
    with imports, which may take seconds.

    Returns:
        0.0, or the processor seconds used in the last window, if that was too much.
    """
    started, all_used = time.monotonic(), CpuMeter()
    while True:
        meter = CpuMeter()
        time.sleep(_WINDOW)
        used = meter.seconds(older)
        if used <= _IDLE:
            return 0.0
        waited = time.monotonic() - started
        if waited > _STOPPED_WITHIN and (all_used.seconds(older) > budget or waited > TIMEOUT):
            return used


def _answer(job: Any) -> Any:
    """The return value of ``cancel()``; False if it raises, which J19 judges."""
    answers: list[Any] = [False]
    exception_of(lambda: answers.append(job.cancel()))
    return answers[-1]


def j16_cancel_commits(context: CheckContext) -> None:
    """`cancel()` returns whether this call cancelled; `True` commits."""
    job = context.start()
    require_equal(call_with_timeout(job.cancel), True, "cancel() of a running job")
    require_equal(job.status(), JobStatus.CANCELLED, "after cancel() returned True, the job")
    changed = wait_until(lambda: job.status() is not JobStatus.CANCELLED, 0.3)
    require(not changed, "a cancelled job changed its status")
    generator = random.Random(16)
    circuit = context.fit_to_target(bell())
    for _ in range(30):
        job = context.run(circuit, shots=1)
        time.sleep(generator.choice((0.0, 0.0005, 0.001, 0.003)))
        answer = _answer(job)
        require(isinstance(answer, bool), f"cancel() returned {answer!r}; expected a bool")
        status = context.wait(job)
        is_so = (status is JobStatus.CANCELLED) is answer
        require(is_so, f"cancel() returned {answer} and the job ended as {status}")


def j17_queued_never_runs(context: CheckContext) -> None:
    """A queued job that is cancelled never runs, and is `CANCELLED` at once."""
    blockers = context.occupy_workers(1.5)
    job = context.run_for(LONG)
    answer = call_with_timeout(job.cancel)  # J16 judges it
    what = f"a queued job, whose cancel() returned {answer!r},"
    require_equal(job.status(), JobStatus.CANCELLED, what)
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
    require_equal(job.status(), JobStatus.CANCELLED, "in the end, the cancelled job")


def _start_and_stop(context: CheckContext) -> None:
    job = context.start()
    meter, window = CpuMeter(), 0.15
    time.sleep(window)  # well inside its work
    rate = meter.seconds() / window
    call_with_timeout(job.cancel)
    cancelled = time.monotonic()
    require_equal(job.status(), JobStatus.CANCELLED, "a running job that was cancelled")
    used = _used_after(max(1.0, rate) * _STOPPED_WITHIN, meter)
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
    left = after - before
    allowed = max(32 << 20, 2 * state)
    require(left <= allowed, f"three cancelled jobs left {left >> 20} MiB of memory behind")
    require(context.result(context.run(flips())).success, "after cancelling, the next job failed")


def j19_cancel_of_a_final_job(context: CheckContext) -> None:
    """`cancel()` in a final state returns `False` and raises nothing."""
    done = context.run(flips())
    context.wait(done)
    for job in (done, *context.failed_jobs(), *context.cancelled_jobs()):
        before = job.status()
        what = f"cancel() of a job that is {before}"
        require_equal(returns(job.cancel, what), False, what)
        require_equal(job.status(), before, "after cancel() of a final job, it")


def j32_run_returns_at_once(context: CheckContext) -> None:
    """`run()` returns before the work is done."""
    job = context.run_for(3.0)
    status = job.status()
    require(status not in FINAL, f"run() of some seconds of work returned a job that is {status}")
    call_with_timeout(job.cancel)


def j34_forks(context: CheckContext) -> None:
    """Parent and child can run after a fork; a parent's unfinished job raises in the child."""
    if hasattr(os, "fork"):
        context.run_child("fork")


def j36_side_by_side(context: CheckContext) -> None:
    """Jobs run side by side; a long one does not block a short one."""
    long = context.start()
    started = time.monotonic()
    short = context.run(flips(), shots=10)
    wait_until(lambda: short.status() in FINAL or long.status() in FINAL)
    after = f"after {time.monotonic() - started:.1f} s"
    require_equal(short.status(), JobStatus.DONE, f"{after} a short job beside a long one")
    require_equal(long.status(), JobStatus.RUNNING, f"{after} a long job beside a short one")
    second = context.run_for(LONG)
    wait_until(lambda: second.status() is JobStatus.RUNNING or long.status() in FINAL)
    require_equal(second.status(), JobStatus.RUNNING, "a second long job")
    require_equal(long.status(), JobStatus.RUNNING, "a long job beside a second one that runs")
    call_with_timeout(long.cancel)
    call_with_timeout(second.cancel)


def j40_exit(context: CheckContext) -> None:
    """The interpreter exits promptly (2 s) while jobs run."""
    took = []
    for _ in range(3):  # the shortest of three, since a busy machine may be late
        took.append(_exit_seconds(context, 3))
        if took[-1] >= 2.0:
            # Without jobs, Python takes a fraction of a second to exit, or more on a busy machine:
            # that does not count.
            took[-1] -= _exit_seconds(context, 0)
        if took[-1] < 2.0:
            return
    require(False, f"running jobs delayed the interpreter's exit by {min(took):.1f} s")


def _exit_seconds(context: CheckContext, jobs: int) -> float:
    """Seconds from the end of a program to the end of its process, while ``jobs`` jobs run."""
    answer = context.run_child("exit", jobs=jobs)
    require_equal(answer["exit_code"], 0, "the interpreter's exit code while jobs ran")
    return float(answer["ended"]) - float(answer["leaving"])


def j43_lost_work_is_told(context: CheckContext) -> None:
    """One line on stderr says how many jobs are lost where the interpreter exits as they run."""
    answer = context.run_child("exit", jobs=2)
    lines, lost = answer["errors"].splitlines(), answer["lost"]
    told = [line for line in lines if re.search(r"\bjobs? w(as|ere) cancelled\b", line)]
    what = f"the exit lost {lost} jobs, and on stderr is {lines}"
    require(len(told) == (lost > 0), f"{what}; expected one line on them")
    require(not told or re.search(rf"\b{lost} jobs? ", told[0]), f"{what}; expected their number")
    quiet = context.run_child("exit", jobs=0)["errors"]
    require_equal(quiet, "", "without jobs, stderr after the exit")
