"""Jobs in tasks: the same results wherever the tasks run and however the job is split."""

from __future__ import annotations

import gc
import os
import pickle
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np
import pytest
from executor_doubles import InlineExecutor, ManualExecutor, RenewingExecutor, spawning_pool
from hypothesis import given, settings
from hypothesis import strategies as st
from job_doubles import LONG, a_ledger, until
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Instruction
from qiskit.circuit.library import UnitaryGate
from qiskit.providers import JobStatus, JobV1
from qiskit.quantum_info import Statevector
from qiskit.result import Result
from random_circuits import dynamic_circuits

import quayside
from quayside.backends import engine_task, remote
from quayside.backends.engine import EngineBackend, RunInputError
from quayside.backends.engine_task import EngineTask
from quayside.backends.split_work import SplitEngineWork
from quayside.engines.dense import DenseEngine
from quayside.errors import OutOfMemoryError
from quayside.execution.memory import ledger_for
from quayside.jobs.errors import JobCancelledError, JobFailedError, OriginalTraceback
from quayside.jobs.executors import WorkerPool
from quayside.jobs.split import TaskCancelledError

VERY_LONG = 120.0
"""Seconds for what starts processes, on a busy machine."""

pytestmark = pytest.mark.timeout(280)


def teleportation() -> QuantumCircuit:
    """Measurement in the middle, and what depends on it."""
    circuit = QuantumCircuit(3, 3, name="teleportation")
    circuit.u(0.3, 0.2, 0.1, 0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(2)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.z(2)
    circuit.measure(2, 2)
    return circuit


def registers() -> QuantumCircuit:
    """Several registers, and a gate that has a matrix and nothing else."""
    circuit = QuantumCircuit(
        QuantumRegister(4, "q"),
        ClassicalRegister(3, "a"),
        ClassicalRegister(1, "b"),
        name="registers",
        metadata={"kept": [1, 2]},
    )
    circuit.h(range(3))
    angle = 0.7
    circuit.append(
        UnitaryGate([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]), [1]
    )
    circuit.initialize([0.6, 0.8j], 3)
    circuit.measure(range(4), range(4))
    return circuit


def wide() -> QuantumCircuit:
    """More classical bits than a word has."""
    circuit = QuantumCircuit(2, 70, name="wide")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [3, 69])
    return circuit


CIRCUITS = [teleportation(), registers(), wide(), teleportation()]
SHOTS = 500
SPLITS: list[dict[str, int]] = [
    {},
    {"max_circuits_per_task": 1},
    {"max_circuits_per_task": 3},
    {"max_shots_per_task": 499},
    {"max_shots_per_task": 77, "max_circuits_per_task": 2},
    {"max_shots_per_task": 10**9, "max_circuits_per_task": 10**9},
]


@pytest.fixture(scope="module")
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as executor:
        yield executor


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    with spawning_pool(2) as executor:
        yield executor


def long_circuit(qubits: int = 20, layers: int = 300, name: str = "long") -> QuantumCircuit:
    circuit = QuantumCircuit(qubits, name=name)
    for layer in range(layers):
        for index in range(qubits):
            circuit.rx(0.1 + index + layer, index)
        for index in range(qubits - 1):
            circuit.cx(index, index + 1)
    circuit.measure_all()
    return circuit


def run(backend: Any = None, circuits: Any = None, **options: Any) -> JobV1:
    backend = quayside.get_backend("numpy") if backend is None else backend
    options = {"shots": SHOTS, "seed_simulator": 11, "memory": True, **options}
    return backend.run(CIRCUITS if circuits is None else circuits, **options)


def data(result: Result) -> list[tuple[Any, ...]]:
    """All that a split must not change."""
    return [
        (one.data.to_dict(), one.header, one.shots, one.seed, one.success) for one in result.results
    ]


@pytest.fixture(scope="module")
def expected() -> list[tuple[Any, ...]]:
    return data(run().result(LONG))


@pytest.mark.parametrize("split", SPLITS, ids=str)
@pytest.mark.parametrize("where", ["own workers", "threads", "processes"])
def test_results_depend_on_neither_split_nor_executor(
    where: str, split: dict[str, int], expected: list[Any], request: pytest.FixtureRequest
) -> None:
    executor = None if where == "own workers" else request.getfixturevalue(where)
    result = run(executor=executor, **split).result(VERY_LONG)
    assert data(result) == expected
    assert result.get_counts()[1] == run().result(LONG).get_counts(1)
    parts = result.metadata.get("tasks", [])
    if parts:
        taken = sorted(
            (circuit, shot)
            for one in parts
            for circuit in one["circuits"]
            for shot in range(one["first_shot"], one["first_shot"] + one["shots"])
        )
        assert taken == [(circuit, shot) for circuit in range(4) for shot in range(SHOTS)]


@settings(max_examples=25, deadline=None)
@given(dynamic_circuits(), st.integers(1, 40), st.integers(0, 2**53))
def test_random_circuits_give_the_same_shots_however_they_are_split(
    circuit: QuantumCircuit, most: int, seed: int
) -> None:
    backend = quayside.get_backend("numpy")
    options = {"shots": 60, "seed_simulator": seed}
    whole, parts = (
        backend.run(circuit, memory=True, **options, **split).result(LONG)
        for split in ({}, {"max_shots_per_task": most})
    )
    assert data(parts) == data(whole)


def test_the_order_of_completion_does_not_matter(expected: list[Any]) -> None:
    executor = ManualExecutor()
    job = run(executor=executor, max_shots_per_task=100)
    assert until(lambda: len(executor.calls) == 20)
    order = list(range(20))
    random.Random(5).shuffle(order)
    for number in order:
        assert executor.begin(number)
        executor.finish(number)
    assert data(job.result(LONG)) == expected


def test_the_executor_may_be_the_backends_own_option(threads: ThreadPoolExecutor) -> None:
    backend = quayside.get_backend("numpy")
    backend.set_options(executor=threads, max_shots_per_task=300)
    tasks = run(backend).result(LONG).metadata["tasks"]
    assert len(tasks) == 8  # one circuit a task on an executor of the user's, unless told else
    here = run(backend, executor=None, max_shots_per_task=None)
    assert "tasks" not in here.result(LONG).metadata
    made = EngineBackend(DenseEngine(), name="mine", executor=threads)
    assert len(run(made).result(LONG).metadata["tasks"]) == 4


def test_a_result_says_what_ran_each_part(processes: ProcessPoolExecutor) -> None:
    circuits = [long_circuit(12, 60, f"c{number}") for number in range(8)]

    def pids() -> set[int]:
        job = run(circuits=circuits, executor=processes, shots=10)
        result = job.result(VERY_LONG)
        assert result.metadata["executor"] == "ProcessPoolExecutor"
        tasks = result.metadata["tasks"]
        assert [one["circuits"] for one in tasks] == [[number] for number in range(8)]
        for one in tasks:
            assert set(one) == {
                "circuits", "first_shot", "shots", "pid", "host", "attempt", "seconds",
            }  # fmt: skip
            assert (one["attempt"], one["host"]) == (1, os.uname().nodename)
            assert one["seconds"] > 0
        return {one["pid"] for one in tasks}

    assert until(lambda: len(pids()) == 2, VERY_LONG)  # the second process may start later
    assert os.getpid() not in pids()


def test_states_are_not_split_by_shots_and_travel_as_they_are(
    processes: ProcessPoolExecutor,
) -> None:
    saving = QuantumCircuit(2, 2)
    saving.h(0)
    saving.append(Instruction("save_statevector", 2, 0, []), [0, 1])
    saving.cx(0, 1)
    saving.measure([0, 1], [0, 1])
    backend = quayside.get_backend("numpy")
    for executor in (None, processes):
        result = run(backend, [saving, wide()], executor=executor, max_shots_per_task=200).result(
            VERY_LONG
        )
        shots = [(one["circuits"], one["shots"]) for one in result.metadata["tasks"]]
        assert shots == [([0], 500), ([1], 200), ([1], 200), ([1], 100)]
        assert result.get_statevector(0) == Statevector([1, 1, 0, 0]) / np.sqrt(2)
        state = run(
            backend, registers(), executor=executor, max_shots_per_task=1, statevector=True
        ).result(VERY_LONG)
        assert len(state.metadata["tasks"]) == 1
        here = run(backend, registers(), statevector=True).result(LONG)
        assert np.array_equal(state.get_statevector().data, here.get_statevector().data)


def test_precision_and_memory_limit_travel(processes: ProcessPoolExecutor) -> None:
    single = run(precision="single", statevector=True, circuits=registers(), executor=processes)
    here = run(precision="single", statevector=True, circuits=registers())
    state = single.result(VERY_LONG).get_statevector().data
    assert np.array_equal(state, here.result(LONG).get_statevector().data)
    with pytest.raises(JobFailedError, match="max_memory_mb"):
        run(circuits=long_circuit(18, 1), executor=processes, max_memory_mb=1).result(VERY_LONG)


# --- failures -----------------------------------------------------------------------------------


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
    assert [one.header["name"] for one in partial.results] == ["wide", "wide"]
    assert job.progress() < 1
    assert until(lambda: ledger_for(quayside.get_backend("numpy").engine).reserved == 0)


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
    with spawning_pool(1) as executor:
        pid = run(executor=executor).result(VERY_LONG).metadata["tasks"][0]["pid"]
        job = run(circuits=[wide(), long_circuit(), wide()], executor=executor, shots=10)
        assert until(lambda: job.progress() > 0.3, VERY_LONG)  # the long one is under way
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(JobFailedError, match="circuit 'long'") as caught:
            job.result(VERY_LONG)
        assert isinstance(caught.value.__cause__, BrokenProcessPool)
        assert [one.header["name"] for one in caught.value.partial_result.results] == ["wide"]
        later = run(executor=executor)
        with pytest.raises(JobFailedError, match="BrokenProcessPool"):
            later.result(VERY_LONG)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_process_of_an_executor_that_mends_itself_costs_another_attempt() -> None:
    circuits = [long_circuit(16, 40), wide()]
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
    assert len(caught.value.partial_result.results) == 2


def test_tasks_that_the_executor_drops_fail_the_job(threads: ThreadPoolExecutor) -> None:
    executor = ThreadPoolExecutor(1)
    busy, go = threading.Event(), threading.Event()
    executor.submit(lambda: (busy.set(), go.wait(LONG)))
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
    backend = quayside.get_backend("numpy")
    original = SplitEngineWork.__init__

    def older(self: SplitEngineWork, *args: Any, **fields: Any) -> None:
        original(self, *args, **{**fields, "version": "0.0.1"})

    monkeypatch.setattr(SplitEngineWork, "__init__", older)
    job = run(backend, wide(), executor=executor)
    assert until(lambda: len(executor.calls) == 1)
    executor.finish(0)
    with pytest.raises(JobFailedError, match=r"was made by Quayside 0\.0\.1: install the same"):
        job.result(LONG)
    monkeypatch.undo()

    other = quayside.get_backend("reference")
    other.quayside_resolution = backend.quayside_resolution  # another engine behind the name
    job = run(other, wide(), executor=executor)
    assert until(lambda: len(executor.calls) == 2)
    executor.finish(1)
    with pytest.raises(JobFailedError, match=r"'numpy' behind 'quayside:numpy'.*'reference'"):
        job.result(LONG)


def test_what_comes_back_may_be_anything() -> None:
    executor = ManualExecutor()
    job = run(circuits=wide(), executor=executor)
    assert until(lambda: len(executor.calls) == 1)
    executor.futures[0].set_result("junk")
    with pytest.raises(JobFailedError, match="circuit 'wide'"):
        job.result(LONG)
    assert "error" in remote.run_request(b"junk", b"junk")


def test_a_backend_made_by_hand_is_refused_by_other_processes_alone(
    threads: ThreadPoolExecutor, expected: list[Any]
) -> None:
    backend = EngineBackend(DenseEngine(), name="mine")
    with pytest.raises(RunInputError, match=r"'mine' was made by hand.*ThreadPoolExecutor"):
        run(backend, executor=ManualExecutor())
    assert data(run(backend, executor=threads).result(LONG)) == expected


# --- states, cancelling and what is left behind -------------------------------------------------


def test_j23_j37_states_and_progress_follow_the_tasks() -> None:
    executor = ManualExecutor()
    job = run(executor=executor)
    assert until(lambda: len(executor.calls) == 4)
    time.sleep(0.1)
    assert (job.status(), job.progress()) == (JobStatus.QUEUED, 0)
    assert executor.begin(1)
    assert until(job.running)
    assert job.progress() == 0
    heard = []
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
    backend = quayside.get_backend("numpy")
    executor = threads if where == "threads" else None
    job = run(backend, [long_circuit()] * 6, executor=executor, max_circuits_per_task=1)
    assert until(job.running)
    assert job.cancel()
    assert until(lambda: ledger_for(backend.engine).reserved == 0)
    assert run(backend, executor=executor, max_circuits_per_task=1).result(LONG).success


def test_j17_a_queued_job_that_is_cancelled_never_runs() -> None:
    pool = WorkerPool(1)
    backend = EngineBackend(DenseEngine(), name="mine", pool=pool)
    first = backend.run(long_circuit())
    assert until(first.running)
    job = run(backend, max_shots_per_task=10)
    assert until(lambda: len(pool._waiting) == 50)
    assert job.status() is JobStatus.QUEUED
    assert job.cancel()
    assert until(lambda: not pool._waiting)
    first.cancel()
    pool.stop()


@pytest.mark.parametrize("end", [JobStatus.DONE, JobStatus.ERROR, JobStatus.CANCELLED])
@pytest.mark.parametrize("where", ["own workers", "threads", "manual"])
def test_j35_a_final_job_holds_no_circuit_and_no_state(where: str, end: JobStatus) -> None:
    class Engine(DenseEngine):
        """One that only this test uses."""

    engine = Engine()
    backend = EngineBackend(engine, name="numpy", spec=quayside_spec("numpy"))
    manual, threads = ManualExecutor(), ThreadPoolExecutor(2)
    executor = {"own workers": None, "threads": threads, "manual": manual}[where]
    circuit = wide()
    if end is JobStatus.CANCELLED and where != "manual":
        circuit = long_circuit()
    limit = 1e-6 if end is JobStatus.ERROR else None
    job = run(
        backend, [circuit] * 3, executor=executor, max_circuits_per_task=1, max_memory_mb=limit,
        shots=10,
    )  # fmt: skip
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
            if (type(one) is EngineTask and one._engine is engine)
            or (type(one) is SplitEngineWork and one._reporter._engine is engine)
        ]

    gc.disable()  # it is not the collector that frees them
    try:
        assert until(lambda: not left(), 10)
    finally:
        gc.enable()
    threads.shutdown()


def quayside_spec(name: str) -> Any:
    return quayside.get_backend(name)._spec


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


def test_many_jobs_from_many_threads_end_right_and_leave_no_thread() -> None:
    wrong: list[object] = []
    backend = quayside.get_backend("numpy")
    before = {thread for thread in threading.enumerate() if "quayside-job" in thread.name}
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
        lambda: {one for one in threading.enumerate() if "quayside-job" in one.name} == before
    )
    assert until(lambda: ledger_for(backend.engine).reserved == 0)
