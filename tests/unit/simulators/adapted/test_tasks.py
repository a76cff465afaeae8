"""adapt: jobs on executors of the user's, in this process."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from simquay.jobs.errors import JobCancelledError, JobFailedError
from simquay.jobs.workers.pool import default_workers
from simquay.simulators.options import RunOptionError
from tests.support import foreign_backends as theirs
from tests.support.adapted_runs import (
    BOTH,
    CIRCUITS,
    RUN,
    adapted,
    assert_alike,
    basic,
    circuit,
)
from tests.support.job_doubles import LONG, until

pytestmark = pytest.mark.timeout(180)


@BOTH
def test_threads_give_what_a_run_without_an_executor_gives(
    isolation: str, threads: ThreadPoolExecutor
) -> None:
    backend = basic(isolation=isolation)
    expected = backend.run(CIRCUITS, **RUN).result(LONG)
    job = backend.run(CIRCUITS, executor=threads, **RUN)
    assert_alike(job.result(LONG), expected)
    assert job.result().job_id == job.job_id()
    assert job.result().backend_name == "basic"
    assert job.metadata["isolation"] == isolation
    (task,) = job.result().metadata["tasks"]
    assert task["circuits"] == [0, 1]
    assert task["pid"] == os.getpid()
    assert job.result().metadata["executor"] == "ThreadPoolExecutor"


def test_the_executors_threads_do_the_work(threads: ThreadPoolExecutor) -> None:
    seen = []

    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        seen.append(options)
        return theirs.plain(circuits, options)

    backend = adapted(behaviour)
    with ThreadPoolExecutor(1) as executor:
        gate = threading.Event()
        executor.submit(gate.wait, LONG)
        job = backend.run(circuit(), executor=executor)
        assert job.status() is JobStatus.QUEUED
        assert not seen
        gate.set()
        job.result(LONG)
    assert "executor" not in seen[0]


def test_the_backend_keeps_an_executor_and_a_run_may_do_without(
    threads: ThreadPoolExecutor,
) -> None:
    backend = basic(executor=threads, isolation="thread")
    assert backend.run(circuit()).result(LONG).metadata["executor"] == "ThreadPoolExecutor"
    plain = backend.run(circuit(), executor=None).result(LONG)
    assert "executor" not in (getattr(plain, "metadata", None) or {})
    with pytest.raises(RunOptionError, match=r"Executor"):
        backend.set_options(executor="threads")
    with pytest.raises(RunOptionError, match=r"Executor"):
        backend.run(circuit(), executor=3)


@BOTH
def test_failures_name_the_circuit_and_keep_the_others(
    isolation: str, threads: ThreadPoolExecutor
) -> None:
    backend = adapted(theirs.failing, isolation)
    job = backend.run([circuit(), circuit("bad")], executor=threads)
    with pytest.raises(JobFailedError, match=r"circuit 'bad' \(number 1 of the job\)") as caught:
        job.result(LONG)
    assert job.status() is JobStatus.ERROR
    assert caught.value.__cause__ is not None
    partial = caught.value.partial_result
    assert partial is not None
    assert [part.header["name"] for part in partial.results] == ["good"]
    assert partial.job_id == job.job_id()


def test_cancelling_kills_the_worker_process(threads: ThreadPoolExecutor) -> None:
    backend = adapted(theirs.endless, "process")
    job = backend.run(circuit(), executor=threads)
    assert until(job.running, LONG)
    before = set(default_workers().pids())
    assert job.cancel() is True
    with pytest.raises(JobCancelledError):
        job.result(LONG)
    assert until(lambda: bool(before - set(default_workers().pids())), 5.0)


def test_a_job_that_the_backend_cancels_is_cancelled(threads: ThreadPoolExecutor) -> None:
    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        job = theirs.HeldJob(circuits)
        job.cancel()
        return job

    job = adapted(behaviour).run(circuit(), executor=threads)
    job.wait_for_final_state(LONG)
    assert job.status() is JobStatus.CANCELLED


@pytest.mark.parametrize("name", ["max_circuits_per_task", "max_shots_per_task"])
def test_foreign_jobs_are_not_split(name: str) -> None:
    with pytest.raises(RunOptionError, match=r"one task.*how it is split"):
        basic().run(circuit(), **{name: 1})
    with pytest.raises(RunOptionError, match=r"one task"):
        basic(**{name: 1})
    assert basic().run(circuit(), **{name: None}).result(LONG).success
