"""Points of the contract: where and beside what the work runs (J32, J34, J36, J40)."""

from __future__ import annotations

import os
import time

from qiskit.providers import JobStatus

from simquay.testing.harness.assertions import call_with_timeout, require, require_equal, wait_until
from simquay.testing.harness.circuits import flips
from simquay.testing.harness.context import FINAL, LONG, CheckContext


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
