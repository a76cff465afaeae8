"""Points of the contract: where and beside what the work runs (J32, J34, J36, J40)."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from qiskit.providers import JobStatus

from simquay.testing.checks.check import check
from simquay.testing.harness.bench import FINAL, LONG
from simquay.testing.harness.breach import in_time, require, until
from simquay.testing.harness.circuits import flips

if TYPE_CHECKING:
    from simquay.testing.harness.bench import Bench

__all__: list[str] = []


@check
def j32_run_returns_at_once(bench: Bench) -> None:
    """`run()` returns before the work is done."""
    job = bench.run_for(3.0)
    require(
        job.status() not in FINAL,
        f"run() of some seconds of work returned a job that is {job.status()}",
    )
    in_time(job.cancel)


@check
def j34_forks(bench: Bench) -> None:
    """Parent and child can run after a fork; a parent's unfinished job raises in the child."""
    if hasattr(os, "fork"):
        bench.child("fork")


@check
def j36_side_by_side(bench: Bench) -> None:
    """Jobs run side by side; a long one does not block a short one."""
    long = bench.start()
    started = time.monotonic()
    short = bench.run(flips(), shots=10)
    until(lambda: short.status() in FINAL or long.status() in FINAL)
    require(
        short.status() is JobStatus.DONE and long.status() is JobStatus.RUNNING,
        f"after {time.monotonic() - started:.1f} s a short job beside a long one is "
        f"{short.status()}, the long one {long.status()}; expected DONE and RUNNING",
    )
    second = bench.run_for(LONG)
    both = until(
        lambda: long.status() is second.status() is JobStatus.RUNNING or long.status() in FINAL
    )
    require(
        both and long.status() is JobStatus.RUNNING,
        f"two long jobs never run side by side: the second is {second.status()}",
    )
    in_time(long.cancel)
    in_time(second.cancel)


@check
def j40_exit(bench: Bench) -> None:
    """The interpreter exits promptly (2 s) while jobs run."""
    took = []
    for _ in range(3):  # the best of three: a busy machine may be late
        took.append(_exit_seconds(bench, "3"))
        if took[-1] >= 2.0:
            # Python's own way out is not the jobs'. It takes a fraction of a second, or more where
            # the machine is busy.
            took[-1] -= _exit_seconds(bench, "0")
        if took[-1] < 2.0:
            return
    require(False, f"running jobs delayed the interpreter's exit by {min(took):.1f} s")


def _exit_seconds(bench: Bench, jobs: str) -> float:
    """Seconds from the end of a program to the end of its process, with so many jobs running."""
    answer = bench.child("exit", "--jobs", jobs)
    require(
        answer["exit_code"] == 0,
        f"the interpreter exited with code {answer['exit_code']} while jobs ran",
    )
    return float(answer["ended"]) - float(answer["leaving"])
