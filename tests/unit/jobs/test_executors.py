"""The worker pool: side by side, memory, order, forks, exit (J32, J34, J36, J40)."""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest
from qiskit.providers import JobError, JobStatus

from simquay.errors import OutOfMemoryError
from simquay.jobs.dispatch.thread_per_task import ThreadPerTask
from simquay.jobs.dispatch.threads import MemoryRequest, WorkerPool, default_pool
from simquay.jobs.errors import JobFailedError
from tests.support.job_doubles import LONG, HeldWork, a_job, a_ledger, a_result, until
from tests.support.paths import ROOT


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(4)
    yield pool
    pool.stop()


def python(program: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run ``program`` in an interpreter of its own."""
    head = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    return subprocess.run(
        [sys.executable, "-c", head + program],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def test_j32_submit_returns_before_the_work_is_done(pool: WorkerPool) -> None:
    work = HeldWork()
    job = a_job(work, pool)
    assert not job.in_final_state()
    work.let_go()
    assert job.result(LONG).success


def test_j36_jobs_run_side_by_side_up_to_the_workers() -> None:
    pool = WorkerPool(3)
    works = [HeldWork() for _ in range(4)]
    jobs = [a_job(work, pool) for work in works]
    assert all(work.started.wait(LONG) for work in works[:3])
    assert not works[3].started.wait(0.05)
    assert [job.status() for job in jobs] == [JobStatus.RUNNING] * 3 + [JobStatus.QUEUED]
    works[1].let_go()
    assert works[3].started.wait(LONG)
    for work in works:
        work.let_go()
    for job in jobs:
        job.result(LONG)
    pool.stop()


def test_j36_a_long_job_does_not_block_a_short_one() -> None:
    pool = WorkerPool()  # as backends have it, whatever the number of CPUs
    long = HeldWork()
    long_job = a_job(long, pool)
    assert long.started.wait(LONG)
    assert a_job(HeldWork(held=False), pool).result(LONG).success
    assert long_job.running()
    long.let_go()
    pool.stop()


def test_j36_what_fits_alone_but_not_beside_what_runs_waits_as_queued(pool: WorkerPool) -> None:
    ledger = a_ledger(1000)
    first, second = (HeldWork(memory=MemoryRequest(ledger, 600)) for _ in range(2))
    running, waiting = a_job(first, pool), a_job(second, pool)
    assert first.started.wait(LONG)
    assert not second.started.wait(0.2)
    assert waiting.status() is JobStatus.QUEUED
    assert ledger.reserved == 600
    first.let_go()
    assert second.started.wait(LONG)
    second.let_go()
    assert running.result(LONG).success
    assert waiting.result(LONG).success
    assert until(lambda: ledger.reserved == 0)


def test_j36_a_job_that_waits_for_memory_holds_no_worker() -> None:
    pool = WorkerPool(2)
    ledger = a_ledger(1000)
    first = HeldWork(memory=MemoryRequest(ledger, 600))
    running = a_job(first, pool)
    assert first.started.wait(LONG)
    waiting = [
        a_job(HeldWork(memory=MemoryRequest(ledger, 600), held=False), pool) for _ in range(5)
    ]
    assert a_job(HeldWork(held=False), pool).result(LONG).success
    assert {job.status() for job in waiting} == {JobStatus.QUEUED}
    first.let_go()
    for job in (running, *waiting):
        assert job.result(LONG).success
    pool.stop()


def test_j36_memory_freed_by_somebody_else_starts_a_waiting_job(pool: WorkerPool) -> None:
    ledger = a_ledger(1000)
    others = ledger.try_reserve(600)
    assert others is not None
    job = a_job(HeldWork(memory=MemoryRequest(ledger, 600), held=False), pool)
    assert not until(job.in_final_state, 0.1)
    others.release()
    assert job.result(LONG).success


def test_j36_more_than_the_device_has_fails_the_job_and_reserves_nothing(
    pool: WorkerPool,
) -> None:
    ledger = a_ledger(1000)
    job = a_job(HeldWork(memory=MemoryRequest(ledger, 1001)), pool)
    with pytest.raises(JobFailedError, match="1001 bytes") as caught:
        job.result(LONG)
    assert isinstance(caught.value.__cause__, OutOfMemoryError)
    assert ledger.reserved == 0


def test_a_cancelled_waiter_lets_those_behind_it_go(pool: WorkerPool) -> None:
    ledger = a_ledger(1000)
    first = HeldWork(memory=MemoryRequest(ledger, 500))
    a_job(first, pool)
    assert first.started.wait(LONG)
    large = a_job(HeldWork(memory=MemoryRequest(ledger, 900)), pool)
    middle = HeldWork(memory=MemoryRequest(ledger, 300))  # fits now, but not beside the large one
    a_job(middle, pool)
    assert not middle.started.wait(0.2)
    assert large.cancel()
    assert middle.started.wait(LONG)
    middle.let_go()
    first.let_go()


def test_small_jobs_pass_a_waiting_large_one_and_never_delay_it(pool: WorkerPool) -> None:
    """The pool's invariant: what passes the first waiting job fits beside it."""
    ledger = a_ledger(1000)
    first = HeldWork(memory=MemoryRequest(ledger, 500))
    a_job(first, pool)
    assert first.started.wait(LONG)
    large = HeldWork(memory=MemoryRequest(ledger, 800))
    a_job(large, pool)
    small = [HeldWork(memory=MemoryRequest(ledger, 150)) for _ in range(2)]
    for work in small:
        a_job(work, pool)
    assert small[0].started.wait(LONG)  # 800 + 150 fit
    assert not small[1].started.wait(0.2)  # 500 + 150 + 150 fit now, but 800 + 150 + 150 do not
    assert not large.started.is_set()
    first.let_go()
    assert large.started.wait(LONG)  # though the small one still runs
    assert not small[0].stopped.is_set()
    for work in (large, *small):
        work.let_go()


def test_no_job_starves_under_a_stream_of_others(pool: WorkerPool) -> None:
    """A large job waits only for what ran before it, however many small ones keep coming."""
    ledger = a_ledger(1000)
    stop, wrong = threading.Event(), []

    def stream(seed: int) -> None:
        generator = random.Random(seed)
        while not stop.is_set():
            need = generator.randrange(100, 600)
            work = HeldWork(memory=MemoryRequest(ledger, need), held=False)
            job = a_job(work, pool)
            try:
                job.result(LONG)
            except JobError as error:
                wrong.append(error)

    threads = [threading.Thread(target=stream, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        work = HeldWork(memory=MemoryRequest(ledger, 1000), held=False)
        assert a_job(work, pool).result(LONG).success
    stop.set()
    for thread in threads:
        thread.join(LONG)
    assert wrong == []
    assert until(lambda: ledger.reserved == 0)


def test_two_hundred_jobs_from_sixteen_threads_all_end_right() -> None:
    pool = WorkerPool(4)
    ledger = a_ledger(1000)
    wrong: list[object] = []

    def submit(seed: int) -> None:
        generator = random.Random(seed)
        for _ in range(13):
            fails, cancelled = generator.random() < 0.1, generator.random() < 0.33

            def end(fails: bool = fails):
                if fails:
                    raise ValueError("meant to fail")
                return a_result()

            work = HeldWork(
                end, MemoryRequest(ledger, generator.randrange(1, 1000)), held=cancelled
            )
            job = a_job(work, pool)
            brought_about = cancelled and job.cancel()
            work.let_go()
            job.wait_for_final_state(LONG)
            expected = (
                JobStatus.CANCELLED
                if brought_about
                else JobStatus.ERROR
                if fails
                else JobStatus.DONE
            )
            if job.status() is not expected:
                wrong.append((job, expected))

    before = threading.active_count()
    threads = [threading.Thread(target=submit, args=(seed,)) for seed in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert wrong == []
    assert until(lambda: ledger.reserved == 0)
    pool.stop()
    assert until(lambda: threading.active_count() == before)


def test_workers_are_daemons_made_when_needed_and_reused(pool: WorkerPool) -> None:
    assert pool._threads == set()
    for _ in range(10):
        a_job(HeldWork(held=False), pool).result(LONG)
    assert 1 <= len(pool._threads) <= 2  # two only if one was still on its way back
    assert all(thread.daemon for thread in pool._threads)


def test_a_pool_of_no_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="workers=0: expected 1 or more"):
        WorkerPool(0)


def test_a_stopped_pool_fails_the_job(pool: WorkerPool) -> None:
    pool.stop()
    job = a_job(HeldWork(held=False), pool)
    with pytest.raises(JobFailedError, match="could not be queued"):
        job.result(LONG)


@pytest.mark.parametrize("make", [lambda: WorkerPool(1), ThreadPerTask])
def test_j40_stopping_while_a_worker_is_about_to_start(
    make: Callable[[], WorkerPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The interpreter may exit while another thread is between making a worker and starting it.
    pool, about, go_on = make(), threading.Event(), threading.Event()
    start = threading.Thread.start

    def slow_start(thread: threading.Thread) -> None:
        if thread.name.startswith("simquay-"):
            about.set()
            assert go_on.wait(LONG)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", slow_start)
    jobs = []
    submitter = threading.Thread(target=lambda: jobs.append(a_job(HeldWork(), pool)))
    submitter.start()
    assert about.wait(LONG)
    pool.stop()
    go_on.set()
    submitter.join(LONG)
    assert until(jobs[0].in_final_state)
    assert jobs[0].status() is not JobStatus.DONE


def test_backends_share_one_pool_a_process() -> None:
    assert default_pool() is default_pool()


def test_a_pool_that_nobody_keeps_is_not_kept_by_this_module() -> None:
    gone = weakref.ref(WorkerPool(1))
    gc.collect()
    assert gone() is None


_FORK = """
import os, threading, warnings
from tests.support.job_doubles import HeldWork, a_job, a_ledger, LONG
from simquay.jobs.dispatch.threads import MemoryRequest, default_pool
from qiskit.providers import JobError

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork with threads
pool, ledger = default_pool(), a_ledger(1000)
done = a_job(HeldWork(held=False), pool)
done.result(LONG)
held = HeldWork(memory=MemoryRequest(ledger, 900))
unfinished = a_job(held, pool)
held.started.wait(LONG)
{before_fork}
child = os.fork()
if child == 0:
    try:
        assert done.result().success and done.cancel() is False
        for call in (unfinished.result, unfinished.wait_for_final_state, unfinished.cancel):
            try:
                call()
            except JobError as error:
                assert "forked" in str(error), error
            else:
                raise AssertionError("no error")
        assert unfinished.status().name == "RUNNING"
        own = HeldWork(memory=MemoryRequest(ledger, 900), held=False)
        assert a_job(own, pool).result(LONG).success
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
_, status = os.waitpid(child, 0)
{after_fork}
held.let_go()
assert unfinished.result(LONG).success
assert a_job(HeldWork(held=False), pool).result(LONG).success
print("child", os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        (  # the worst moment: other threads hold the locks
            "pool._condition.acquire(); unfinished._condition.acquire()",
            "pool._condition.release(); unfinished._condition.release()",
        ),
    ],
    ids=["quiet", "locks held"],
)
def test_j34_parent_and_child_run_again_after_a_fork(before: str, after: str) -> None:
    done = python(_FORK.format(before_fork=before, after_fork=after))
    assert done.stdout.strip() == "child 0", done.stderr


_EXIT = """
import threading, time
from tests.support.job_doubles import {work}, a_job
from simquay.jobs.dispatch.threads import default_pool

works = [{work}() for _ in range(10)]
jobs = [a_job(work, default_pool()) for work in works]
works[0].started.wait()
{waiter}
import atexit
atexit.register(lambda: print(time.monotonic() - ended, jobs[0].status().name, flush=True))
ended = time.monotonic()
"""

_WAITER = """
def wait():
    try:
        jobs[0].result()
    except BaseException as error:
        print(type(error).__name__, flush=True)

threading.Thread(target=wait).start()  # no daemon: the interpreter joins it
"""


@pytest.mark.parametrize("work", ["HeldWork", "DeafWork"])
@pytest.mark.parametrize("waiter", ["", _WAITER], ids=["alone", "a thread waits"])
def test_j40_the_interpreter_exits_promptly_while_jobs_run(work: str, waiter: str) -> None:
    done = python(_EXIT.format(work=work, waiter=waiter))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    *waiters, seconds, state = done.stdout.split()
    assert waiters == (["JobCancelledError"] if waiter else [])
    assert state == "CANCELLED"
    assert float(seconds) < 2
