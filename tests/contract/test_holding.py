"""A final job that has stopped holds neither circuits nor states (J35)."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from simquay.jobs.dispatch.threads import WorkerPool
from tests.support.adapted_runs import adapted, circuit
from tests.support.foreign_backends import ReadyJob, a_result
from tests.support.job_doubles import LONG, DeafWork, HeldWork, a_job, failing, until
from tests.support.job_doubles import a_result as an_empty_result
from tests.support.job_kinds import kinds

ENDS = [JobStatus.DONE, JobStatus.ERROR, JobStatus.CANCELLED]


def outcome_of(end: JobStatus) -> Any:
    return failing(ValueError("no")) if end is JobStatus.ERROR else an_empty_result


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", ["local", "split", "split on threads", "adapted", "function"])
def test_j35_a_final_job_holds_nothing_of_its_work(
    kind: str, end: JobStatus, pool: WorkerPool
) -> None:
    threads = ThreadPoolExecutor(1)
    work = HeldWork(outcome_of(end))
    job = kinds(pool, threads)[kind](work)
    job.submit()
    assert work.started.wait(LONG)
    if end is JobStatus.CANCELLED:
        job.cancel()
    work.let_go()
    job.wait_for_final_state(LONG)
    assert job.status() is end
    gone = weakref.ref(work)
    del work
    gc.collect()
    assert until(lambda: gone() is None, 2.0)
    assert job.in_final_state()
    threads.shutdown()


def test_j35_a_job_that_is_cancelled_in_the_queue_holds_nothing() -> None:
    pool = WorkerPool(1)
    blocker = HeldWork()
    a_job(blocker, pool)
    assert blocker.started.wait(LONG)
    work = HeldWork()
    job = a_job(work, pool)
    job.cancel()
    gone = weakref.ref(work)
    del work
    gc.collect()
    assert until(lambda: gone() is None, 2.0)
    assert job.cancelled()
    blocker.let_go()
    pool.stop()


def test_j35_work_that_goes_on_after_a_cancel_is_let_go_when_it_stops(pool: WorkerPool) -> None:
    work = DeafWork()
    job = a_job(work, pool)
    assert work.started.wait(LONG)
    assert job.cancel()
    stop, gone = work.let_go, weakref.ref(work)
    del work
    assert gone() is not None
    stop()
    del stop
    assert until(lambda: gone() is None, 2.0)
    assert job.cancelled()


@pytest.mark.parametrize("end", ENDS)
def test_j35_a_final_job_is_no_cycle(end: JobStatus) -> None:
    """A job that is dropped frees its result at once, and not when the collector comes by."""
    pool = WorkerPool(1)
    gc.collect()
    gc.disable()
    try:
        work = HeldWork(outcome_of(end))
        job = a_job(work, pool)
        assert work.started.wait(LONG)
        if end is JobStatus.CANCELLED:
            job.cancel()
        work.let_go()
        job.wait_for_final_state(LONG)
        gone = weakref.ref(job)
        del job, work
        assert until(lambda: gone() is None, 2.0)
    finally:
        gc.enable()
        pool.stop()


def test_j35_a_job_on_a_foreign_backend_holds_nothing_of_its_run() -> None:
    seen: list[Any] = []

    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        seen.append(weakref.ref(circuits[0]))
        return ReadyJob(a_result(circuits))

    job = adapted(behaviour).run(circuit())
    job.result(LONG)

    def gone() -> bool:
        gc.collect()
        return seen[0]() is None

    assert until(gone, 5)
    assert job.done()
