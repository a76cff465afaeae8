"""Jobs in pickles (J33)."""

from __future__ import annotations

import pickle
from concurrent.futures import CancelledError
from typing import Any

import pytest
from qiskit.exceptions import QiskitError
from qiskit.providers import JobError, JobStatus
from qiskit.result import Result

import simquay
from simquay.engines.reference import ReferenceEngine
from simquay.jobs.completed import CompletedJob
from simquay.jobs.errors import JobFailedError
from simquay.provider import find_backend
from simquay.simulators.engine.backend import EngineBackend
from tests.contract.conftest import RunJob
from tests.support.adapted_runs import circuit
from tests.support.job_doubles import LONG, HeldWork, an_experiment, failing
from tests.support.processes import python


def through_pickle(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


def a_good_result() -> Result:
    return Result(success=True, results=[an_experiment("good", True)], job_id="j")


def test_j33_a_finished_job_pickles_with_its_result(run_job: RunJob) -> None:
    job = run_job(HeldWork(a_good_result, held=False))
    job.result(LONG)
    job.metadata["owner"] = "me"
    again = through_pickle(job)
    assert type(again) is type(job)
    assert again.job_id() == job.job_id()
    assert again.status() is JobStatus.DONE
    assert again.metadata == job.metadata
    assert again.result().get_counts() == {"0": 10}
    assert again.progress() == 1.0
    assert again.cancel() is False
    again.wait_for_final_state()
    assert through_pickle(again).result().get_counts() == {"0": 10}


def test_j33_a_failed_job_pickles_with_its_error_and_the_cause_as_text(run_job: RunJob) -> None:
    class Unpicklable(Exception):
        def __reduce__(self) -> Any:
            raise TypeError("not me")

    job = run_job(HeldWork(failing(Unpicklable("odd")), held=False))
    job.wait_for_final_state(LONG)
    again = through_pickle(job)
    assert again.status() is JobStatus.ERROR
    assert "odd" in again.error_message()
    with pytest.raises(JobFailedError, match="odd") as caught:
        again.result()
    assert "in fail" in str(caught.value.__cause__)
    assert "Unpicklable: odd" in str(caught.value.__cause__)


def test_j33_a_cancelled_job_pickles(run_job: RunJob) -> None:
    job = run_job(HeldWork())
    job.cancel()
    again = through_pickle(job)
    assert again.cancelled()
    with pytest.raises(CancelledError):
        again.result()


def test_j33_an_unfinished_job_refuses_to_pickle(run_job: RunJob) -> None:
    work = HeldWork()
    job = run_job(work)
    with pytest.raises(JobError, match="cannot be pickled: wait for it"):
        pickle.dumps(job)
    work.let_go()
    job.result(LONG)
    pickle.dumps(job)


def test_j33_a_result_that_exists_pickles() -> None:
    again = through_pickle(CompletedJob(None, "a", a_good_result()))
    assert again.job_id() == "a"
    assert again.result().get_counts() == {"0": 10}


@pytest.mark.parametrize("name", ["reference", "basic"])
def test_j33_an_unpickled_job_finds_its_backend_by_name(name: str) -> None:
    job = simquay.get_backend(name).run(circuit())
    counts = job.result(LONG).get_counts()
    again = through_pickle(job)
    assert again.result().get_counts() == counts
    assert again.backend().name == job.backend().name
    assert again.backend() is again.backend()
    assert through_pickle(again).backend().name == job.backend().name


def test_j33_another_process_finds_the_backend(tmp_path: Any) -> None:
    job = simquay.get_backend("numpy").run(circuit(), shots=3)
    job.result(LONG)
    (tmp_path / "job").write_bytes(pickle.dumps(job))
    program = (
        "import pickle, sys\n"
        f"job = pickle.load(open({str(tmp_path / 'job')!r}, 'rb'))\n"
        "print(job.result().get_counts(), job.backend())\n"
    )
    done = python("-c", program)
    assert done.stdout == "{'1': 3} <EngineBackend 'numpy'>\n", done.stderr


def test_j33_an_unpickled_job_of_an_unknown_backend_says_so() -> None:
    backend = EngineBackend(ReferenceEngine(), name="nowhere")
    job = backend.run(circuit())
    job.result(LONG)
    with pytest.raises(QiskitError, match=r"'nowhere' did not come from simquay\.get_backend"):
        through_pickle(job).backend()
    backend.simquay_finder = find_backend
    with pytest.raises(QiskitError, match="'nowhere' cannot be made here"):
        through_pickle(job).backend()
