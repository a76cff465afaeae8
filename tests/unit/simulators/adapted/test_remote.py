"""adapt: jobs on executors of other processes."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from typing import Any, cast

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobError, JobStatus
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

import simquay
from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.errors import JobFailedError, error_from_plain
from simquay.provider import find_backend
from simquay.simulators.adapted.remote import remote_task
from simquay.simulators.inputs import RunInputError
from tests.support import foreign_backends as theirs
from tests.support.adapted_runs import (
    CIRCUITS,
    RUN,
    adapted,
    assert_alike,
    basic,
    circuit,
    random_bits,
)
from tests.support.executor_doubles import ManualExecutor
from tests.support.job_doubles import LONG, until

pytestmark = pytest.mark.timeout(180)


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
    assert rb"\"shots\": 11" in request
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
    found = Answers(data)
    task = remote_task(
        lambda _: cast("Any", found),
        "a name",
        "1",
        {},
        [circuit()],
    )
    function, arguments, _ = task.remote(TaskControl())
    answer: dict[str, Any] = function(*arguments)
    return answer


def test_in_this_process_the_task_gives_what_it_gives_elsewhere() -> None:
    found = simquay.get_backend("basic")
    task = remote_task(
        lambda _: found,
        "a name",
        found.backend_version,
        {"shots": 5},
        [random_bits("one")],
    )
    answer = task.run(TaskControl())
    assert sum(answer.value.get_counts().values()) == 5
    assert answer.ran_by is not None
    assert answer.ran_by[0] == os.getpid()


def test_results_come_back_as_plain_data_alone() -> None:
    answer = answer_with([1, (2.5, 1j), {"c": None}])
    (one,) = answer["value"]["result"]["results"]
    assert one["data"]["extra"] == [1, [2.5, 1j], {"c": None}]
    error = error_from_plain(answer_with([object()])["error"])
    assert "UnplainResultError: result.results.data.extra is an object of type object" in str(error)
