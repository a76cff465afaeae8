"""The job of a primitive, and its error where pubs fail; tests/contract has the contract."""

from __future__ import annotations

from qiskit.primitives import BasePrimitiveJob
from qiskit.providers import JobV1

from simquay.simulators.engine.pubs.jobs import JoinPubs, PrimitiveJob, pubs_failed


def test_it_is_a_job_of_both_kinds() -> None:
    job = PrimitiveJob(None, (), None, job_id="mine", metadata={"a": 1})
    assert isinstance(job, JobV1)
    assert isinstance(job, BasePrimitiveJob)
    assert (job.job_id(), job.metadata) == ("mine", {"a": 1})


def test_an_error_names_the_pub_the_circuit_and_the_point() -> None:
    failed = {2: (4, ValueError("no")), 0: (0, KeyError("other"))}
    error = pubs_failed(failed, ["a", "b", "c"], [1, 1, 9], None)
    assert str(error) == (
        "pub 0 of the job (circuit 'a') failed: KeyError: 'other'; 2 of 3 pubs failed"
    )
    assert error.__cause__ is failed[0][1]
    error = pubs_failed({2: failed[2]}, ["a", "b", "c"], [1, 1, 9], None)
    assert str(error) == "pub 2 of the job (circuit 'c', point 4 of 9) failed: ValueError: no"


def test_a_join_without_tasks_is_an_empty_result() -> None:
    result = JoinPubs([], [], [], 7, {"engine": "e"})([], "id", 1.5)
    assert len(result) == 0
    assert result.metadata == {
        "version": 2,
        "job_id": "id",
        "time_taken": 1.5,
        "engine": "e",
        "seed": 7,
    }
