"""What a job is: a Qiskit job, its submission, id, backend and metadata (J01, J03 to J07)."""

from __future__ import annotations

import pytest
from qiskit.exceptions import QiskitError
from qiskit.providers import JobError, JobStatus, JobV1

import simquay
from simquay.jobs.dispatch.threads import WorkerPool
from tests.contract.conftest import RunJob
from tests.support.adapted_runs import BOTH, adapted, circuit
from tests.support.foreign_backends import plain
from tests.support.job_doubles import LONG, HeldWork, a_job
from tests.support.job_kinds import MakeJob


def test_j01_a_job_is_a_qiskit_job(run_job: RunJob) -> None:
    job = run_job(HeldWork(held=False))
    assert isinstance(job, JobV1)
    assert job.version == 1


def test_j03_before_submission_nothing_can_be_asked(make_job: MakeJob) -> None:
    work = HeldWork(held=False)
    job = make_job(work)
    assert job.status() is JobStatus.INITIALIZING
    for call in (job.result, job.cancel, job.wait_for_final_state):
        with pytest.raises(JobError, match=r"not submitted yet: call submit\(\)"):
            call()
    assert job.status() is JobStatus.INITIALIZING
    job.submit()
    assert job.result(LONG).success
    assert work.runs == 1


def test_j04_a_second_submit_is_an_error(run_job: RunJob) -> None:
    work = HeldWork(held=False)
    job = run_job(work)
    with pytest.raises(JobError, match="submitted already"):
        job.submit()
    job.result(LONG)
    with pytest.raises(JobError, match="submitted already"):
        job.submit()
    assert work.runs == 1


def test_j05_ids_are_unique_strings_that_stay(run_job: RunJob) -> None:
    jobs = [run_job(HeldWork(held=False)) for _ in range(20)]
    before = [job.job_id() for job in jobs]
    for job in jobs:
        job.result(LONG)
    assert [job.job_id() for job in jobs] == before
    assert len(set(before)) == 20
    assert all(isinstance(name, str) and name for name in before)


def test_j05_the_maker_of_a_job_may_choose_its_id(pool: WorkerPool) -> None:
    assert a_job(HeldWork(held=False), pool, job_id="mine").job_id() == "mine"


def test_j06_a_job_without_a_backend_says_so(run_job: RunJob) -> None:
    with pytest.raises(QiskitError, match="does not have any backend"):
        run_job(HeldWork(held=False)).backend()


@BOTH
def test_j06_the_very_backend_object_of_an_adapted_job(isolation: str) -> None:
    backend = adapted(plain, isolation)
    job = backend.run(circuit())
    assert job.backend() is backend
    job.result(LONG)
    assert job.backend() is backend


def test_j06_the_very_backend_object_of_a_split_job() -> None:
    backend = simquay.get_backend("reference")
    job = backend.run(circuit(), max_shots_per_task=100)
    assert job.backend() is backend
    job.result(LONG)
    assert job.backend() is backend


def test_j07_metadata_is_a_dict_of_its_own(pool: WorkerPool) -> None:
    given = {"owner": "me"}
    job = a_job(HeldWork(held=False), pool, metadata=given)
    given["owner"] = "you"
    assert job.metadata == {"owner": "me"}
