"""adapt: jobs on executors of the user's."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobError, JobStatus
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

import simquay
from simquay.control import Control
from simquay.jobs.dispatch.launchers import TaskContext
from simquay.jobs.errors import JobCancelledError, JobFailedError
from simquay.jobs.workers.errors import error_from_plain
from simquay.jobs.workers.pool import default_workers
from simquay.provider import find_backend
from simquay.simulators.adapted.tasks import (
    ForeignRequest,
    run_foreign_request,
)
from simquay.simulators.adapted.transfer import circuits_to_qpy
from simquay.simulators.inputs import RunInputError
from simquay.simulators.options import RunOptionError
from simquay.system.version import simquay_version
from tests.support import foreign_backends as theirs
from tests.support.adapted_runs import BOTH, adapted, circuit
from tests.support.executor_doubles import ManualExecutor
from tests.support.job_doubles import LONG, until

pytestmark = pytest.mark.timeout(180)


def random_bits(name: str, width: int = 3) -> QuantumCircuit:
    made = QuantumCircuit(width, name=name, metadata={"of": name})
    made.h(range(width))
    made.measure_all()
    return made


def basic(**options: Any) -> Any:
    backend = simquay.get_backend("basic")
    backend.set_options(**options)
    return backend


CIRCUITS = [random_bits("one"), random_bits("two", 2)]
RUN = {"shots": 200, "seed_simulator": 3, "memory": True}


def assert_alike(one: Any, other: Any) -> None:
    assert [part.header["name"] for part in one.results] == ["one", "two"]
    for index in range(2):
        assert one.get_counts(index) == other.get_counts(index)
        assert one.get_memory(index) == other.get_memory(index)
        assert one.results[index].header == other.results[index].header


# --- in this process ------------------------------------------------------------------------------


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


# --- in other processes ---------------------------------------------------------------------------


def test_processes_give_what_a_run_without_an_executor_gives(
    processes: ProcessPoolExecutor,
) -> None:
    backend = basic()
    expected = backend.run(CIRCUITS, **RUN).result(LONG)
    job = backend.run(CIRCUITS, executor=processes, **RUN)
    assert_alike(job.result(LONG), expected)
    assert job.result().job_id == job.job_id()
    assert job.metadata["isolation"] == "executor"
    (task,) = job.result().metadata["tasks"]
    assert task["pid"] in (processes._processes or {})
    assert task["pid"] != os.getpid()


def test_a_failure_elsewhere_names_the_circuit(processes: ProcessPoolExecutor) -> None:
    wide = QuantumCircuit(40, name="wide")
    wide.measure_all()
    job = basic().run([random_bits("good"), wide], executor=processes, shots=5)
    with pytest.raises(JobFailedError, match="wide") as caught:
        job.result(LONG)
    assert isinstance(caught.value, JobError)
    assert caught.value.__cause__ is not None
    assert caught.value.partial_result is not None
    assert [part.header["name"] for part in caught.value.partial_result.results] == ["good"]


def test_only_a_function_and_bytes_are_sent_and_no_pickle() -> None:
    executor = ManualExecutor()  # it checks what it is given
    job = basic(shots=11).run(random_bits("one"), executor=executor)
    assert until(lambda: len(executor.calls) == 1, LONG)
    assert job.status() is JobStatus.QUEUED
    finder, request, circuits = executor.calls[0][1]
    assert finder is find_backend  # by its name: the executor checks that
    assert circuits.startswith(b"QISKIT")
    assert b'"shots": 11' in request
    executor.begin(0)
    executor.finish(0)
    assert sum(job.result(LONG).get_counts().values()) == 11


def test_what_qpy_would_lose_is_refused_by_run() -> None:
    named = random_bits("odd")
    named.metadata = {1: 2}  # JSON has no numbers as keys
    with pytest.raises(RunInputError, match=r"'odd'.*its metadata"):
        basic().run(named, executor=ManualExecutor())


def test_options_that_json_would_change_are_refused_by_run() -> None:
    with pytest.raises(RunInputError, match="option initial_statevector"):
        basic().run(circuit(), executor=ManualExecutor(), initial_statevector=[1j, 0])


def test_a_backend_adapted_by_hand_is_refused_by_run() -> None:
    with pytest.raises(RunInputError, match=r"adapted by hand.*ThreadPoolExecutor"):
        adapted(theirs.plain).run(circuit(), executor=ManualExecutor())


def test_another_version_there_refuses_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    executor = ManualExecutor()
    backend = basic()
    job = backend.run(circuit(), executor=executor)
    assert until(lambda: len(executor.calls) == 1, LONG)
    monkeypatch.setattr("simquay.simulators.worker.simquay_version", lambda: "0")
    executor.begin(0)
    executor.finish(0)
    with pytest.raises(JobFailedError, match=r"ForeignWorkerError.*has Simquay 0"):
        job.result(LONG)


def test_a_broken_executor_fails_the_job() -> None:
    job = basic().run(circuit(), executor=ManualExecutor(most=0))
    with pytest.raises(JobFailedError, match="cannot schedule new futures"):
        job.result(LONG)


class Answers:
    """A backend of another process, whose results hold ``data``."""

    backend_version = "1"

    def __init__(self, data: Any) -> None:
        self.data = data

    def run_here(self, circuits: list[QuantumCircuit], options: dict[str, Any]) -> Result:
        one = ExperimentResult(shots=1, success=True, data=ExperimentResultData(extra=self.data))
        return Result(job_id="1", success=True, results=[one])


def answer_with(data: Any) -> dict[str, Any]:
    request = ForeignRequest(simquay_version(), "a name", "1", {})
    context = TaskContext("job", 0, 1, Control(), lambda: None, lambda: None)
    found = Answers(data)
    return run_foreign_request(lambda _: found, request.pack(context), circuits_to_qpy([circuit()]))


def test_results_come_back_as_plain_data_alone() -> None:
    answer = answer_with([1, (2.5, 1j), {"c": None}])
    (one,) = answer["result"]["results"]
    assert one["data"]["extra"] == [1, [2.5, 1j], {"c": None}]
    error = error_from_plain(answer_with([object()])["error"])
    assert "UnplainResultError: result.results.data.extra is an object of type object" in str(error)
