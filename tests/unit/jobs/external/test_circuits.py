"""run_circuits: one foreign job for all circuits, or one each where that one said too little."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.result import Result

from simquay.jobs.errors import JobFailedError
from simquay.jobs.external.circuits import ReportedFailure, run_circuits
from simquay.jobs.external.watch import Ended, ForeignRun
from tests.support.adapted_runs import circuit
from tests.support.foreign_backends import ReadyJob, a_result, failing, plain, unsuccessful

THREE = [circuit("a"), circuit("bad"), circuit("c")]


class Backend:
    """Notes what it is asked to run."""

    def __init__(self, behaviour: Any) -> None:
        self.behaviour = behaviour
        self.runs: list[Any] = []

    def run(self, run_input: Any, **options: Any) -> Any:
        self.runs.append((run_input, options))
        circuits = [run_input] if isinstance(run_input, QuantumCircuit) else run_input
        return self.behaviour(circuits, options)


def attempt(start: Any) -> Ended:
    run = ForeignRun(start)
    run.do()
    return run.ended()


def run(backend: Backend, circuits: Any, again: bool = True, **options: Any) -> Result:
    return run_circuits(backend, circuits, options, attempt=attempt, again=again)


def names(result: Result | None) -> list[str]:
    assert result is not None
    return [one.header["name"] for one in result.results]


def test_one_circuit_is_given_alone_and_several_as_a_list_in_one_run() -> None:
    backend = Backend(plain)
    assert names(run(backend, THREE[:1], shots=3)) == ["a"]
    assert names(run(backend, [THREE[0], THREE[2]], shots=3)) == ["a", "c"]
    assert [type(given) for given, _ in backend.runs] == [QuantumCircuit, list]
    assert [options for _, options in backend.runs] == [{"shots": 3}] * 2


def test_circuits_are_run_one_by_one_where_run_itself_raises() -> None:
    backend = Backend(failing)
    with pytest.raises(JobFailedError, match=r"'bad' \(number 1 .*ValueError") as caught:
        run(backend, THREE, again=False)
    assert len(backend.runs) == 4
    assert names(caught.value.partial_result) == ["a", "c"]
    assert isinstance(caught.value.__cause__, ValueError)


class Late(ReadyJob):
    """Raises when it is asked for its result."""

    def result(self) -> Any:
        raise OSError("the line is dead")


def late(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    if any(one.name == "bad" for one in circuits):
        return Late(None)
    return plain(circuits, options)


def test_a_job_that_was_there_is_run_again_only_if_it_may_be() -> None:
    backend = Backend(late)
    with pytest.raises(JobFailedError, match="3 circuits failed: OSError") as caught:
        run(backend, THREE, again=False)
    assert caught.value.partial_result is None
    assert len(backend.runs) == 1
    with pytest.raises(JobFailedError, match="'bad'") as caught:
        run(backend, THREE, again=True)
    assert names(caught.value.partial_result) == ["a", "c"]


def test_parameter_binds_belong_to_all_circuits_so_none_is_run_alone() -> None:
    backend = Backend(failing)
    with pytest.raises(JobFailedError, match="3 circuits failed"):
        run(backend, THREE, parameter_binds=[{}])
    assert len(backend.runs) == 1


def test_a_result_that_failed_gives_the_results_of_the_others() -> None:
    backend = Backend(unsuccessful)
    with pytest.raises(JobFailedError, match=r"'bad'.*it broke") as caught:
        run(backend, THREE)
    assert isinstance(caught.value.__cause__, ReportedFailure)
    assert names(caught.value.partial_result) == ["a", "c"]
    assert caught.value.partial_result is not None
    assert caught.value.partial_result.success
    assert len(backend.runs) == 1


def test_a_result_that_failed_and_names_no_circuit_gives_its_status() -> None:
    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        return ReadyJob(a_result([], success=False, status="out of order"))

    with pytest.raises(JobFailedError, match="out of order") as caught:
        run(Backend(behaviour), THREE)
    assert caught.value.partial_result is None


def test_every_circuit_that_fails_is_counted() -> None:
    bad = [circuit("bad"), circuit("bad")]
    with pytest.raises(JobFailedError, match="2 of 2 circuits failed") as caught:
        run(Backend(failing), bad)
    assert caught.value.partial_result is None


def test_circuits_that_fail_together_and_succeed_alone_give_one_result() -> None:
    def only_alone(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        if len(circuits) > 1:
            raise ValueError("one at a time")
        return plain(circuits, options)

    assert names(run(Backend(only_alone), THREE)) == ["a", "bad", "c"]
