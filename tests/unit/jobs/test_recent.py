"""Jobs are found by their ids, and forgotten in time."""

from __future__ import annotations

import gc
import weakref
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from qiskit.providers import JobError, JobStatus
from qiskit.result import Result

from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.errors import JobFailedError, UnknownJobError
from simquay.jobs.job import Job
from simquay.jobs.recent import RecentJobs, recent_jobs
from tests.support.job_doubles import LONG, HeldWork, failing, until


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def result_of(**data: Any) -> Result:
    one = {"shots": 1, "success": True, "data": data, "header": {"memory_slots": 1}}
    return Result.from_dict({"success": True, "results": [one]})


def submitted(store: RecentJobs, pool: WorkerPool, work: HeldWork) -> Job:
    job = Job(None, [work], pool)
    store.add(job)
    job.submit()
    return job


def dropped(store: RecentJobs, pool: WorkerPool, outcome: Any) -> str:
    """The id of a job that has ended and that nobody holds."""
    job = submitted(
        store, pool, HeldWork(outcome if callable(outcome) else lambda: outcome, held=False)
    )
    job.wait_for_final_state(LONG)
    gone = weakref.ref(job)
    name = str(job.job_id())
    del job
    assert until(lambda: gone() is None, 2.0)
    return name


@pytest.fixture
def pool() -> Any:
    pool = WorkerPool(1)
    yield pool
    pool.stop()


def test_a_running_job_is_found_though_nobody_holds_it(pool: WorkerPool) -> None:
    store, work = RecentJobs(), HeldWork(lambda: result_of(counts={"0x1": 1}))
    name = submitted(store, pool, work).job_id()
    assert work.started.wait(LONG)
    gc.collect()
    found = store.find(name)
    assert found.status() is JobStatus.RUNNING
    work.let_go()
    assert found.result(LONG).get_counts() == {"1": 1}


def test_an_ended_job_is_found_for_its_time(pool: WorkerPool) -> None:
    clock = Clock()
    store = RecentJobs(seconds=600, clock=clock)
    name = dropped(store, pool, result_of(counts={"0x1": 1}))
    clock.now = 599.0
    assert store.find(name).result().get_counts() == {"1": 1}
    clock.now = 601.0
    with pytest.raises(UnknownJobError, match="10 minutes after their end"):
        store.find(name)


def test_a_result_is_dropped_in_time_while_other_jobs_run(pool: WorkerPool) -> None:
    clock = Clock()
    store = RecentJobs(seconds=600, clock=clock)
    result = result_of(counts={"0x1": 1})
    gone = weakref.ref(result)
    dropped(store, pool, result)
    del result
    gc.collect()
    assert gone() is not None
    clock.now = 601.0
    dropped(store, pool, result_of())
    gc.collect()
    assert until(lambda: gone() is None, 2.0)


def test_a_failed_job_is_found_with_its_error(pool: WorkerPool) -> None:
    store = RecentJobs()
    name = dropped(store, pool, failing(ValueError("no")))
    with pytest.raises(JobFailedError, match="no"):
        store.find(name).result()


def test_two_that_find_a_job_find_the_same(pool: WorkerPool) -> None:
    store = RecentJobs()
    name = dropped(store, pool, result_of())
    found = store.find(name)
    assert store.find(name) is found


def test_only_so_many_are_kept(pool: WorkerPool) -> None:
    store = RecentJobs(most=2)
    names = [dropped(store, pool, result_of()) for _ in range(3)]
    assert [store.find(name).job_id() for name in names[1:]] == names[1:]
    with pytest.raises(LookupError, match="after 2 later jobs"):
        store.find(names[0])


@pytest.mark.parametrize(
    "data",
    [
        {"statevector": np.zeros(1 << 17)},
        {"memory": ["0x0"] * 20000},
        {"counts": {hex(key): 1 for key in range(20000)}},
        {"saved": {"a": [np.zeros(1 << 16), np.zeros(1 << 16)]}},
    ],
    ids=lambda data: next(iter(data)),
)
def test_a_large_result_is_not_kept(pool: WorkerPool, data: Any) -> None:
    store = RecentJobs()
    name = dropped(store, pool, result_of(**data))
    with pytest.raises(JobError, match="more than 1 MiB"):
        store.find(name)


def test_there_is_one_store_in_the_process() -> None:
    assert recent_jobs() is recent_jobs()


def test_all_jobs_are_those_that_are_found(pool: WorkerPool) -> None:
    store = RecentJobs()
    ended = dropped(store, pool, result_of(counts={"0x0": 1}))
    work = HeldWork()
    held = submitted(store, pool, work)
    assert work.started.wait(LONG)
    found = store.all()
    assert found.keys() == {ended, held.job_id()}
    assert found[held.job_id()] is held
    assert found[ended] is store.find(ended)
    assert found[ended].created < held.created
    work.let_go()
    held.wait_for_final_state(LONG)


def test_jobs_that_the_store_has_are_not_kept_here(pool: WorkerPool) -> None:
    store = RecentJobs()
    job = Job(None, [HeldWork(held=False)], pool)
    job.keeper = MagicMock(works=True)
    store.add(job)
    job.submit()
    job.wait_for_final_state(LONG)
    assert store.find(job.job_id()) is job
    name = str(job.job_id())
    del job
    assert until(lambda: name not in store.all(), 2.0)
