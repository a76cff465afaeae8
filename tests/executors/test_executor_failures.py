"""Jobs in tasks whose circuits, processes or executors fail."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

import simquay
from simquay.engines.numpy.engine import DenseEngine
from simquay.errors import OutOfMemoryError
from simquay.execution.memory import ledger_for
from simquay.jobs.dispatch.executors import TaskCancelledError
from simquay.jobs.errors import JobFailedError, OriginalTraceback
from simquay.provider import find_backend
from simquay.simulators.engine import remote
from simquay.simulators.engine.backend import EngineBackend, RunInputError
from tests.support.executor_doubles import ManualExecutor, RenewingExecutor, spawning_pool
from tests.support.job_doubles import LONG, until
from tests.support.task_circuits import (
    VERY_LONG,
    data,
    long_circuit,
    run,
    wide,
)

pytestmark = pytest.mark.timeout(280)


@pytest.mark.parametrize("where", ["own workers", "threads", "processes"])
def test_j12_a_circuit_that_fails_elsewhere_fails_as_it_does_here(
    where: str, request: pytest.FixtureRequest
) -> None:
    executor = None if where == "own workers" else request.getfixturevalue(where)
    huge = QuantumCircuit(60, name="huge")
    huge.h(range(60))
    huge.measure_all()
    job = run(
        circuits=[wide(), huge, wide()],
        executor=executor,
        max_circuits_per_task=2,
        max_shots_per_task=400,
    )
    with pytest.raises(JobFailedError, match=r"circuit 'huge' \(number 1 of the job\)") as caught:
        job.result(VERY_LONG)
    assert job.status() is JobStatus.ERROR
    cause = caught.value.__cause__
    assert isinstance(cause, OutOfMemoryError)
    assert cause.needed > 2**60 > cause.available > 0
    assert isinstance(cause.__cause__, OriginalTraceback)
    assert "OutOfMemoryError: the run needs" in cause.__cause__.text
    partial = caught.value.partial_result
    assert partial is not None
    assert [one.header["name"] for one in partial.results] == ["wide", "wide"]
    assert job.progress() < 1
    assert until(lambda: ledger_for(simquay.get_backend("numpy").engine).reserved == 0)


def test_an_engine_that_fails_in_a_task_fails_the_job(threads: ThreadPoolExecutor) -> None:
    class Broken(DenseEngine):
        def apply(self, *arguments: Any) -> None:
            raise ZeroDivisionError("the engine broke")

    backend = EngineBackend(Broken(), name="broken")
    for options in ({"executor": threads}, {"max_shots_per_task": 100}):
        with pytest.raises(JobFailedError, match="the engine broke") as caught:
            run(backend, **options).result(LONG)
        assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_process_fails_the_job_of_a_pool_that_stays_broken() -> None:
    executor = spawning_pool(1)
    try:
        pid = run(executor=executor).result(VERY_LONG).metadata["tasks"][0]["pid"]
        job = run(circuits=[wide(), long_circuit(), wide()], executor=executor, shots=10)
        assert until(lambda: job.progress() > 0.3, VERY_LONG)  # the long one is under way
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(JobFailedError, match="circuit 'long'") as caught:
            job.result(VERY_LONG)
        assert isinstance(caught.value.__cause__, BrokenProcessPool)
        partial = caught.value.partial_result
        assert partial is not None
        assert [one.header["name"] for one in partial.results] == ["wide"]
        later = run(executor=executor)
        with pytest.raises(JobFailedError, match="BrokenProcessPool"):
            later.result(VERY_LONG)
    finally:
        # Without waiting: Python 3.10's own pool may never end once a process of it was killed.
        executor.shutdown(wait=False, cancel_futures=True)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_process_of_an_executor_that_mends_itself_costs_another_attempt() -> None:
    circuits = [long_circuit(18, 40), wide()]
    expected = data(run(circuits=circuits, shots=20).result(VERY_LONG))
    with RenewingExecutor() as executor:
        first = run(executor=executor).result(VERY_LONG).metadata["tasks"][0]["pid"]
        job = run(circuits=circuits, shots=20, executor=executor)
        assert until(job.running, VERY_LONG)
        os.kill(first, signal.SIGKILL)
        result = job.result(VERY_LONG)
    assert data(result) == expected
    tasks = result.metadata["tasks"]
    assert {one["attempt"] for one in tasks} == {2}
    assert first not in {one["pid"] for one in tasks}


def test_a_worker_that_kills_every_process_ends_as_a_failed_job() -> None:
    class Hopeless(ManualExecutor):
        """Breaks under every task, and takes the next one all the same."""

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            future = super().submit(fn, *args, **kwargs)
            future.set_running_or_notify_cancel()
            future.set_exception(BrokenProcessPool("a process died"))
            return future

    executor = Hopeless()
    with pytest.raises(JobFailedError, match="a process died"):
        run(circuits=wide(), executor=executor).result(LONG)
    assert len(executor.calls) == 3
    assert len({args for _, args in executor.calls}) == 3  # no two requests are equal


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, spawning_pool])
def test_an_executor_that_was_shut_down_fails_the_job(kind: Any) -> None:
    executor = kind(1)
    executor.shutdown()
    job = run(executor=executor)
    with pytest.raises(JobFailedError, match="cannot schedule new futures after shutdown"):
        job.result(LONG)
    assert job.status() is JobStatus.ERROR


def test_an_executor_that_takes_some_tasks_only_gives_a_partial_result() -> None:
    executor = ManualExecutor(most=2)
    job = run(executor=executor)
    assert until(lambda: len(executor.calls) == 2)
    executor.finish(0)
    executor.finish(1)
    with pytest.raises(JobFailedError, match="number 2 of the job") as caught:
        job.result(LONG)
    assert caught.value.partial_result is not None
    assert len(caught.value.partial_result.results) == 2


def test_tasks_that_the_executor_drops_fail_the_job(threads: ThreadPoolExecutor) -> None:
    executor = ThreadPoolExecutor(1)
    busy, go = threading.Event(), threading.Event()

    def occupy() -> None:
        busy.set()
        go.wait(LONG)

    executor.submit(occupy)
    assert busy.wait(LONG)
    job = run(executor=executor)
    time.sleep(0.05)  # before or while or after the tasks are submitted: never a hang
    executor.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(JobFailedError) as caught:
        job.result(LONG)
    assert isinstance(caught.value.__cause__, (TaskCancelledError, RuntimeError))
    go.set()


def test_a_worker_of_another_version_or_engine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    executor = ManualExecutor()
    backend = simquay.get_backend("numpy")
    monkeypatch.setattr("simquay.simulators.worker.simquay_version", lambda: "0.0.1")
    job = run(backend, wide(), executor=executor)
    assert until(lambda: len(executor.calls) == 1)
    monkeypatch.undo()
    executor.finish(0)
    with pytest.raises(JobFailedError, match=r"was made by Simquay 0\.0\.1: install the same"):
        job.result(LONG)

    other = simquay.get_backend("reference")
    other.simquay_resolution = backend.simquay_resolution  # another engine behind the name
    job = run(other, wide(), executor=executor)
    assert until(lambda: len(executor.calls) == 2)
    executor.finish(1)
    with pytest.raises(JobFailedError, match=r"'numpy' behind 'simquay:numpy'.*'reference'"):
        job.result(LONG)


def test_what_comes_back_may_be_anything() -> None:
    executor = ManualExecutor()
    job = run(circuits=wide(), executor=executor)
    assert until(lambda: len(executor.calls) == 1)
    executor.futures[0].set_result("junk")
    with pytest.raises(JobFailedError, match="circuit 'wide'"):
        job.result(LONG)
    assert "error" in remote.run_request(find_backend, b"junk", b"junk")


def test_a_backend_made_by_hand_is_refused_by_other_processes_alone(
    threads: ThreadPoolExecutor, expected: list[Any]
) -> None:
    backend = EngineBackend(DenseEngine(), name="mine")
    with pytest.raises(RunInputError, match=r"'mine' was made by hand.*ThreadPoolExecutor"):
        run(backend, executor=ManualExecutor())
    assert data(run(backend, executor=threads).result(LONG)) == expected
