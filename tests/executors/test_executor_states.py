"""Jobs in tasks: states, progress, cancelling, and what is left behind."""

from __future__ import annotations

import gc
import pickle
import random
import threading
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

import simquay
from simquay.engines.numpy.engine import DenseEngine
from simquay.execution.memory import ledger_for
from simquay.jobs.dispatch.tasks import Task, TaskControl, TaskFuture
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.errors import JobCancelledError
from simquay.simulators.engine import task as engine_task
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.engine.task import EngineTask
from simquay.simulators.engine.work import EngineRun
from tests.support.executor_doubles import InlineExecutor, ManualExecutor
from tests.support.job_doubles import LONG, a_ledger, until
from tests.support.task_circuits import (
    VERY_LONG,
    data,
    long_circuit,
    run,
    teleportation,
    wide,
)

pytestmark = pytest.mark.timeout(280)


def test_j23_j37_states_and_progress_follow_the_tasks() -> None:
    executor = ManualExecutor()
    job = run(executor=executor)
    assert until(lambda: len(executor.calls) == 4)
    time.sleep(0.1)
    assert (job.status(), job.progress()) == (JobStatus.QUEUED, 0)
    assert executor.begin(1)
    assert until(job.running)
    assert job.progress() == 0
    heard: list[float] = []
    for number in (1, 0, 3):
        executor.finish(number)
        share = (len(heard) + 1) / 4
        assert until(lambda: job.progress() >= share)  # noqa: B023  # used before it changes
        heard.append(job.progress())
    assert heard == [0.25, 0.5, 0.75]
    assert job.running()
    executor.finish(2)
    assert job.result(LONG).success
    assert job.progress() == 1


def test_j32_run_returns_though_submit_does_the_work(expected: list[Any]) -> None:
    executor = InlineExecutor()
    job = run(executor=executor)
    assert job.status() is JobStatus.QUEUED
    executor.gate.set()
    assert data(job.result(LONG)) == expected


def test_j18_queued_tasks_of_a_cancelled_job_never_run() -> None:
    executor = ManualExecutor()
    job = run(executor=executor)
    assert until(lambda: len(executor.calls) == 4)
    assert executor.begin(0)
    assert until(job.running)
    assert job.cancel()
    assert job.status() is JobStatus.CANCELLED
    assert until(lambda: all(future.cancelled() for future in executor.futures[1:]))
    executor.finish(0)  # the one that ran loses the race
    with pytest.raises(JobCancelledError):
        job.result(LONG)
    assert job.cancel() is False


@pytest.mark.parametrize("where", ["own workers", "threads"])
def test_j18_work_in_this_process_stops_in_the_middle_of_a_task(
    where: str, threads: ThreadPoolExecutor
) -> None:
    backend = simquay.get_backend("numpy")
    executor = threads if where == "threads" else None
    job = run(backend, [long_circuit()] * 6, executor=executor, max_circuits_per_task=1)
    assert until(job.running)
    assert job.cancel()
    assert until(lambda: ledger_for(backend.engine).reserved == 0)
    assert run(backend, executor=executor, max_circuits_per_task=1).result(LONG).success


class Counting(WorkerPool):
    """One worker thread, and the tasks that were queued and not discarded."""

    def __init__(self) -> None:
        super().__init__(1)
        self.queued: set[TaskFuture] = set()

    def launch(self, task: Task, control: TaskControl) -> TaskFuture:
        future = super().launch(task, control)
        self.queued.add(future)
        return future

    def _discard(self, future: TaskFuture) -> None:
        super()._discard(future)
        self.queued.discard(future)


def test_j17_a_queued_job_that_is_cancelled_never_runs() -> None:
    pool = Counting()
    backend = EngineBackend(DenseEngine(), name="mine", pool=pool)
    first = backend.run(long_circuit())
    assert until(first.running)
    job = run(backend, max_shots_per_task=10)
    assert until(lambda: len(pool.queued) == 51)
    assert job.status() is JobStatus.QUEUED
    assert job.cancel()
    assert until(lambda: len(pool.queued) == 1)  # the one that runs
    first.cancel()
    pool.stop()


@pytest.mark.parametrize("end", [JobStatus.DONE, JobStatus.ERROR, JobStatus.CANCELLED])
@pytest.mark.parametrize("where", ["own workers", "threads", "manual"])
def test_j35_a_final_job_holds_no_circuit_and_no_state(where: str, end: JobStatus) -> None:
    class Engine(DenseEngine):
        """One that only this test uses."""

    engine = Engine()
    backend, given = EngineBackend(engine, name="numpy"), simquay.get_backend("numpy")
    for name in ("simquay_resolution", "simquay_finder"):  # so that other processes find it
        setattr(backend, name, getattr(given, name))
    manual, threads = ManualExecutor(), ThreadPoolExecutor(2)
    executor = {"own workers": None, "threads": threads, "manual": manual}[where]
    circuit = wide()
    if end is JobStatus.CANCELLED and where != "manual":
        circuit = long_circuit()
    limit = 1e-6 if end is JobStatus.ERROR else None
    job = run(
        backend,
        [circuit] * 3,
        executor=executor,
        max_circuits_per_task=1,
        max_memory_mb=limit,
        shots=10,
    )
    if where == "manual":
        assert until(lambda: len(manual.calls) == 3)
        assert manual.begin(0)
        if end is JobStatus.CANCELLED:
            assert job.cancel()
        else:
            for number in range(3):
                manual.finish(number)
        manual.calls.clear()
        manual.futures.clear()
    elif end is JobStatus.CANCELLED:
        assert until(job.running)
        assert job.cancel()
    job.wait_for_final_state(LONG)
    assert job.status() is end

    def left() -> list[object]:
        objects = gc.get_objects()
        return [
            one
            for one in objects
            if (isinstance(one, EngineTask) and one._engine is engine)
            or (type(one) is EngineRun and one.engine is engine)
        ]

    gc.disable()  # it is not the collector that frees them
    try:
        assert until(lambda: not left(), 10)
    finally:
        gc.enable()
    threads.shutdown()


def test_j33_a_finished_job_pickles(threads: ThreadPoolExecutor) -> None:
    job = run(executor=threads)
    result = job.result(LONG)
    again = pickle.loads(pickle.dumps(job))
    assert again.result().get_counts() == result.get_counts()
    assert (again.status(), again.progress()) == (JobStatus.DONE, 1.0)
    assert again.backend().name == "numpy"


def test_j36_tasks_wait_for_memory_on_threads_of_the_users(
    threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = a_ledger(10**12)
    monkeypatch.setattr(engine_task, "ledger_for", lambda engine: ledger)
    held = ledger.try_reserve(10**12 - 100)
    assert held is not None
    job = run(executor=threads)
    assert not until(job.in_final_state, 0.3)
    assert job.status() is JobStatus.QUEUED
    other = run(executor=threads)
    assert other.cancel()  # one that waits stops at once
    held.release()
    assert job.result(LONG).success
    assert until(lambda: ledger.reserved == 0)


@pytest.mark.serial
def test_many_jobs_from_many_threads_end_right_and_leave_no_thread() -> None:
    wrong: list[object] = []
    backend = simquay.get_backend("numpy")
    before = {thread for thread in threading.enumerate() if "simquay-job" in thread.name}
    huge = QuantumCircuit(60)
    huge.h(range(60))
    huge.measure_all()

    def submit(seed: int, executor: Executor) -> None:
        generator = random.Random(seed)
        for _ in range(8):
            fails, cancelled = generator.random() < 0.1, generator.random() < 0.33
            circuits = [teleportation(), huge if fails else wide()]
            job = run(
                backend,
                circuits,
                executor=generator.choice([executor, None]),
                max_shots_per_task=generator.randrange(20, 200),
            )
            if cancelled:
                time.sleep(generator.random() * 0.02)
                cancelled = job.cancel()
            job.wait_for_final_state(VERY_LONG)
            right = (
                JobStatus.CANCELLED if cancelled else JobStatus.ERROR if fails else JobStatus.DONE
            )
            if job.status() is not right:
                wrong.append((job, right))

    with ThreadPoolExecutor(3) as executor:
        callers = [threading.Thread(target=submit, args=(seed, executor)) for seed in range(12)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(VERY_LONG)
    assert wrong == []
    assert until(
        lambda: {one for one in threading.enumerate() if "simquay-job" in one.name} == before
    )
    assert until(lambda: ledger_for(backend.engine).reserved == 0)
