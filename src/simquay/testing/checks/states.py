"""Points of the contract: the states of a job and how it is asked (J20-J25, J37, J39)."""

from __future__ import annotations

import contextlib
import functools
import random
import time
from collections.abc import Callable
from concurrent.futures import wait
from typing import Any

from qiskit.exceptions import QiskitError
from qiskit.providers import JobStatus

from simquay.testing.harness.assertions import (
    CHECK_LIMIT,
    TIMEOUT,
    CheckFailed,
    call_with_timeout,
    described,
    exception_of,
    in_thread,
    reaches,
    require,
    require_equal,
    wait_until,
)
from simquay.testing.harness.circuits import bell, flips
from simquay.testing.harness.context import BEGUN, FINAL, LONG, CheckContext

_ORDER = (
    JobStatus.INITIALIZING,
    JobStatus.QUEUED,
    JobStatus.VALIDATING,
    JobStatus.RUNNING,
)


def _watch(job: Any, seen: list[JobStatus]) -> None:
    """Append each state of a job that is seen, in order, without repetition, up to a final one."""
    end = time.monotonic() + CHECK_LIMIT
    while not FINAL.intersection(seen) and time.monotonic() < end:
        status = job.status()
        if seen[-1:] != [status]:
            seen.append(status)
        time.sleep(0.0002)


def _rank(status: JobStatus) -> int:
    return len(_ORDER) if status in FINAL else _ORDER.index(status)


def j20_status_does_not_block(context: CheckContext) -> None:
    """`status()` never blocks."""
    job = context.start(3.0)
    in_thread(job.result)
    started = time.monotonic()
    slow = 0
    for _ in range(50):
        asked = time.monotonic()
        call_with_timeout(job.status, 5.0, "status() of a running job")
        slow += time.monotonic() - asked > 0.3
    require(
        slow <= 10,  # a busy machine may be late sometimes
        f"status() of a running job took over 0.3 s in {slow} of 50 calls, "
        f"{time.monotonic() - started:.1f} s in all",
    )
    require(job.status() not in FINAL, "status() waited for the job's end")
    call_with_timeout(job.cancel)


def j21_status_is_qiskits(context: CheckContext) -> None:
    """`status()` is a `qiskit.providers.JobStatus`."""
    jobs = [context.run(flips()), *context.failed_jobs()]
    for _ in range(2):
        for job in jobs:
            status = job.status()
            is_status = isinstance(status, JobStatus)
            require(is_status, f"status() is {status!r}; expected a qiskit.providers.JobStatus")
            context.wait(job)


def j22_waiting_is_queued(context: CheckContext) -> None:
    """A job that waits for a worker is `QUEUED`."""
    for _ in range(3):
        *blockers, waiting = context.occupy_workers()
        seen = set()
        for _ in range(20):
            seen.add(waiting.status())
            time.sleep(0.01)
        # A job that starts in this time did not wait for a worker: the machine was busy.
        if not seen & BEGUN or seen - BEGUN - {JobStatus.QUEUED}:
            break
        context.cancel_jobs()
    require_equal(seen, {JobStatus.QUEUED}, "the status of a job that waits for a worker")
    last = context.run(flips(), shots=3)
    for job in (*blockers, waiting):
        call_with_timeout(job.cancel)
    require_equal(context.result(last).get_counts(), {"11": 3}, "get_counts() of a job that waited")


def j23_order_of_states(context: CheckContext) -> None:
    """States come in the order of the contract, up to one final state."""

    def follow(job: Any, end: JobStatus, act: Callable[[], object] | None = None) -> None:
        seen: list[JobStatus] = []
        watching = in_thread(functools.partial(_watch, job, seen))
        if act is not None:
            wait_until(lambda: JobStatus.RUNNING in seen or job.status() in FINAL)
            act()
        context.wait(job)
        wait([watching], TIMEOUT)
        ranks = [_rank(one) for one in seen]
        require(
            ranks == sorted(set(ranks)) and seen[-1] is end,
            f"a job went {' -> '.join(one.name for one in seen)}; expected INITIALIZING -> QUEUED "
            f"-> VALIDATING -> RUNNING -> {end.name}",
        )
        if act is not None:
            require(JobStatus.RUNNING in seen, "a job that runs for seconds was never RUNNING")

    for _ in range(5):
        follow(context.run(flips()), JobStatus.DONE)
    for failing in context.failing_jobs():
        follow(failing, JobStatus.ERROR)
    if context.calibration.synchronous:
        raise CheckFailed("run() returned only when the work was done: no job can be seen running")
    job = context.run_for(LONG)
    follow(job, JobStatus.CANCELLED, job.cancel)


def j24_final_stays(context: CheckContext) -> None:
    """Status only moves forward, and a final status stays."""
    done = context.run(flips())
    context.wait(done)
    jobs = [done, *context.failed_jobs()]
    jobs += context.cancelled_jobs(1.0)  # if its work goes on, it ends soon
    before = [job.status() for job in jobs]
    for job in jobs:
        for call in (job.cancel, job.submit, job.result):
            exception_of(call)
    changed = wait_until(lambda: [job.status() for job in jobs] != before, 2.0)
    after = ", ".join(str(job.status()) for job in jobs)
    require(not changed, f"final states {', '.join(map(str, before))} became {after}")
    seen: list[JobStatus] = []
    wait([in_thread(functools.partial(_watch, context.run_for(0.5), seen))], TIMEOUT)
    ranks = [_rank(one) for one in seen]
    require(ranks == sorted(ranks), f"a status moved back: {seen}")


def j25_questions_agree(context: CheckContext) -> None:
    """`done()`, `running()`, `cancelled()`, `in_final_state()` agree with `status()`."""

    def agree(job: Any) -> None:
        for _ in range(10):
            before = job.status()
            answers = (job.done(), job.running(), job.cancelled(), job.in_final_state())
            if job.status() is before:
                break
        asked = (JobStatus.DONE, JobStatus.RUNNING, JobStatus.CANCELLED)
        expected = (*(before is state for state in asked), before in FINAL)
        questions = "(done(), running(), cancelled(), in_final_state())"
        require_equal(answers, expected, f"{questions} of a job that is {before.name}")

    job = context.run(flips())
    agree(job)
    context.wait(job)
    agree(job)
    for failed in context.failed_jobs():
        agree(failed)
    if not context.calibration.synchronous:
        *_, waiting = running = context.occupy_workers()
        agree(running[0])
        agree(waiting)
        for one in running:
            exception_of(one.cancel)
        reaches(running[0], FINAL, 2.0)  # J16 checks that it can be cancelled
        agree(running[0])


def j37_progress(context: CheckContext) -> None:
    """`progress()` is from 0 to 1, never falls, and is 1 only when done."""
    job = context.run_for(1.0)
    require(callable(getattr(job, "progress", None)), "the job has no method progress()")
    seen: list[float] = []
    while job.status() not in FINAL:
        before = job.status()
        fraction = job.progress()
        is_right = fraction < 1 or job.status() is JobStatus.DONE
        require(is_right, f"progress() of a job that is {before} is {fraction!r}")
        seen.append(fraction)
        time.sleep(0.002)
    require_equal(context.wait(job), JobStatus.DONE, "at its end, the job")
    seen.append(job.progress())
    in_range = all(isinstance(one, (int, float)) and 0 <= one <= 1 for one in seen)
    require(in_range, f"progress() was {min(seen)!r} to {max(seen)!r}; expected 0 to 1")
    require(seen == sorted(seen), "progress() fell")
    require_equal(seen[-1], 1, "progress() of a finished job")
    for one in context.failed_jobs() + context.cancelled_jobs():
        what = f"progress() of a job that is {one.status()}"
        require(one.progress() < 1, f"{what} is {one.progress()!r}; expected less than 1")


def j39_any_thread(context: CheckContext) -> None:
    """Any number of threads may call any method."""

    def ask(job: Any, seed: int) -> None:
        asked = ("status", "job_id", "backend", "done", "running", "cancelled", "in_final_state")
        questions: list[Callable[[], object]] = [getattr(job, name) for name in asked]
        questions += [job.result, lambda: job.wait_for_final_state(TIMEOUT, 0.01)]
        random.Random(seed).shuffle(questions)
        for question in questions:
            with contextlib.suppress(QiskitError):  # such as the error of a cancelled job
                call_with_timeout(question)

    for round_number in range(3):
        job = context.run(bell()) if context.calibration.synchronous else context.run_for(0.5)
        seeds = range(16 * round_number, 16 * round_number + 16)
        calls: list[Callable[[], object]] = [functools.partial(ask, job, seed) for seed in seeds]
        if round_number == 1:
            calls += [functools.partial(exception_of, job.cancel)] * 8
        threads = [in_thread(call) for call in calls]
        hang = wait(threads, 2 * TIMEOUT).not_done
        require(not hang, "some of 16 threads that call methods of one job never returned")
        wrong = [described(error) for one in threads if (error := one.exception()) is not None]
        require(not wrong, f"16 threads called methods of one job: {'; '.join(wrong[:3])}")
        context.wait(job)
