"""KeptJob: the job contract of a job that is read."""

from __future__ import annotations

import pickle
import threading
import time
from concurrent.futures import CancelledError
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from qiskit.exceptions import QiskitError
from qiskit.primitives import BasePrimitiveJob, PrimitiveResult
from qiskit.providers import JobError, JobStatus, JobTimeoutError, JobV1

from simquay.jobs.base import BaseJob
from simquay.jobs.errors import (
    JobCancelledError,
    JobFailedError,
    JobStateError,
    JobStoreError,
    OriginalTraceback,
    UnknownJobError,
)
from simquay.jobs.store.kept import KeptJob, KeptPrimitiveJob, KeptSource, kept_job
from simquay.jobs.store.store import JobStore
from tests.support.job_doubles import LONG, a_result
from tests.support.kept_jobs import a_circuit, another_process, kept

NOW = datetime(2030, 1, 2, 3, 4, 5, 678901, timezone.utc)


def resumed(*arguments: Any, **options: Any) -> Any:
    """Stands for the function that resumes."""
    return arguments, options


def found(name: str) -> Any:
    """Stands for a finder."""
    return SimpleNamespace(name=f"the {name}")


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path)


def read(store: JobStore, job_id: str) -> KeptJob:
    return kept_job(store.facts(job_id), KeptSource(store, found, resumed))


def done(store: JobStore, **others: Any) -> KeptJob:
    job_id = kept(store, **others)
    store.set_status(job_id, JobStatus.RUNNING, at=NOW)
    store.set_result(job_id, a_result())
    store.set_status(job_id, JobStatus.DONE, at=NOW + timedelta(seconds=2))
    return read(store, job_id)


def failed(store: JobStore) -> KeptJob:
    job_id = kept(store)
    store.set_partial(job_id, a_result())
    store.set_status(job_id, JobStatus.ERROR, at=NOW, error="circuit 'a' failed", traceback="l. 1")
    return read(store, job_id)


def test_a_done_job_has_all_that_was_kept(store: JobStore) -> None:
    job = done(store, metadata={"mine": (1,)}, tags=("t",))
    assert isinstance(job, JobV1)
    assert job.version == 1
    assert (job.status(), job.done(), job.in_final_state()) == (JobStatus.DONE, True, True)
    assert job.result().to_dict() == a_result().to_dict()
    assert job.result() is job.result()
    assert job.metadata == {"mine": (1,)}
    assert job.circuits() == [a_circuit()]
    assert repr(job) == f"<KeptJob {job.job_id()} DONE on numpy>"
    assert job.backend() is job.backend() == found("numpy")
    assert (job.started, job.ended) == (NOW, NOW + timedelta(seconds=2))
    assert job.created.tzinfo is timezone.utc
    assert (job.host, job.versions["simquay"], job.facts.tags) == ("here", "1", ("t",))
    assert (job.error_message(), job.progress(), job.kept) == (None, 1.0, True)
    assert job.job_id() in job._repr_html_()
    job.wait_for_final_state()
    assert not job.cancel()


def test_metadata_is_the_job_s_own(store: JobStore) -> None:
    one, two = (done(store, metadata={"mine": 1}) for _ in range(2))
    one.metadata["mine"] = 2
    assert (one.metadata, two.metadata) == ({"mine": 2}, {"mine": 1})


def test_a_failed_job_has_its_error_and_partial_result(store: JobStore) -> None:
    job = failed(store)
    assert (job.status(), job.error_message()) == (JobStatus.ERROR, "circuit 'a' failed")
    for _ in range(2):
        with pytest.raises(JobFailedError, match="circuit 'a' failed") as caught:
            job.result()
        assert caught.value.partial_result is not None
        assert caught.value.partial_result.to_dict() == a_result().to_dict()
        assert isinstance(caught.value.__cause__, OriginalTraceback)
        assert caught.value.__cause__.text == "l. 1"
    job.wait_for_final_state()
    assert job.progress() < 1


def test_a_cancelled_job_has_no_result(store: JobStore) -> None:
    job_id = kept(store)
    store.set_status(job_id, JobStatus.CANCELLED, at=NOW)
    job = read(store, job_id)
    with pytest.raises(JobCancelledError) as caught:
        job.result()
    assert isinstance(caught.value, CancelledError)
    assert (job.cancelled(), job.error_message(), job.started) == (True, None, None)


@pytest.mark.slow
def test_a_lost_job_says_so(store: JobStore) -> None:
    job = read(store, another_process("running(); die()", store).strip())
    with pytest.raises(JobFailedError, match=r"ended before the job did; job\.resume\(\)"):
        job.result()


def test_an_unfinished_job_is_followed(store: JobStore) -> None:
    job_id = kept(store)
    job = read(store, job_id)
    assert job.status() is JobStatus.QUEUED
    store.set_status(job_id, JobStatus.RUNNING, at=NOW)
    assert (job.status(), job.running(), job.started) == (JobStatus.RUNNING, True, NOW)
    assert job.progress() == 0
    store.task_ended(job_id, 1, b"")
    assert job.progress() == 0.5
    assert "RUNNING (50%" in repr(job)
    with pytest.raises(JobStateError, match=r"belongs to process \d+ on here"):
        job.cancel()
    with pytest.raises(JobError):
        pickle.dumps(job)
    with pytest.raises(JobError):
        job.submit()
    assert job.queue_info() is None
    store.set_result(job_id, a_result())
    store.set_status(job_id, JobStatus.DONE, at=NOW)
    assert job.result().to_dict() == a_result().to_dict()


def test_waiting_ends_in_time_or_with_the_job(store: JobStore) -> None:
    job_id = kept(store)
    job = read(store, job_id)
    for call in (job.result, job.wait_for_final_state):
        start = time.monotonic()
        with pytest.raises(JobTimeoutError, match=r"still QUEUED after 0\.1 s") as caught:
            call(timeout=0.1)
        assert 0.1 <= time.monotonic() - start < LONG
        assert isinstance(caught.value, TimeoutError)
    seen: list[JobStatus] = []
    asked = threading.Event()

    def note(job_id: str, status: JobStatus, one: Any) -> None:
        assert one is job
        seen.append(status)
        asked.set()

    waiter = threading.Thread(target=job.wait_for_final_state, args=(LONG, 2 * LONG, note))
    waiter.start()
    assert asked.wait(LONG)
    store.set_status(job_id, JobStatus.CANCELLED, at=NOW)
    waiter.join(LONG)
    assert seen == [JobStatus.QUEUED, JobStatus.CANCELLED]


def test_threads_that_ask_at_once_get_one_object(store: JobStore) -> None:
    job = done(store)
    barrier, results = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        results.append(job.result())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in results}) == 1


def test_final_jobs_pickle_with_all_of_it(store: JobStore) -> None:
    job, lost = done(store), failed(store)
    copies = pickle.loads(pickle.dumps((job, lost)))
    (store.folder / "jobs.sqlite").unlink()
    assert copies[0].result().to_dict() == a_result().to_dict()
    assert copies[0].backend() == found("numpy")
    assert (copies[0].created, copies[0].metadata) == (job.created, job.metadata)
    with pytest.raises(JobFailedError, match="circuit 'a'") as caught:
        copies[1].result()
    assert isinstance(caught.value.__cause__, OriginalTraceback)
    assert pickle.loads(pickle.dumps(store)).folder == store.folder


def test_resuming_is_handed_on(store: JobStore) -> None:
    job, lost = done(store), failed(store)
    assert job.resume() is job
    called: Any = lost.resume(executor=3)  # type: ignore[arg-type]  # any will do
    assert called == ((store, lost.job_id(), found), {"executor": 3})


def test_jobs_of_primitives_are_such(store: JobStore) -> None:
    job_id = kept(store, kind="sampler")
    store.set_result(job_id, PrimitiveResult([], {"version": 2}))
    store.set_status(job_id, JobStatus.DONE, at=NOW)
    job = read(store, job_id)
    assert type(job) is KeptPrimitiveJob
    assert isinstance(job, BasePrimitiveJob)
    assert isinstance(job, BaseJob)
    assert repr(job.result()) == repr(PrimitiveResult([], {"version": 2}))


def test_a_backend_that_nothing_finds_is_an_error(store: JobStore) -> None:
    job = kept_job(done(store).facts, KeptSource(store, None, resumed))
    with pytest.raises(QiskitError, match="'numpy'"):
        job.backend()


def test_a_damaged_result_is_an_error_that_names_the_file(store: JobStore) -> None:
    job = done(store)
    (store.folder / "jobs" / job.job_id() / "result.json").write_bytes(b"{")
    with pytest.raises(JobStoreError, match=r"result\.json is damaged") as caught:
        job.result()
    assert isinstance(caught.value, JobError)


@pytest.mark.parametrize("content", [b"", b'{"format": 1, "value"', None])
def test_a_done_job_that_lost_its_result_is_resumed(store: JobStore, content: bytes | None) -> None:
    """As after a power cut: the row was on the disk, the file was not."""
    job = done(store)
    path = store.folder / "jobs" / job.job_id() / "result.json"
    path.unlink() if content is None else path.write_bytes(content)
    called: Any = job.resume()
    assert called == ((store, job.job_id(), found), {"executor": None})
    assert store.facts(job.job_id()).error == "its result is damaged"
    assert store.claim(job.job_id())


def test_a_result_of_a_newer_simquay_is_left_alone(store: JobStore) -> None:
    job = done(store)
    path = store.folder / "jobs" / job.job_id() / "result.json"
    path.write_bytes(path.read_bytes().replace(b'"Result"', b'"Later"'))
    with pytest.raises(JobStoreError, match="newer Simquay"):
        job.resume()
    assert store.facts(job.job_id()).status is JobStatus.DONE


def test_a_damaged_partial_result_does_not_hide_the_error(store: JobStore) -> None:
    job = failed(store)
    (store.folder / "jobs" / job.job_id() / "partial.json").write_bytes(b"")
    with pytest.raises(JobFailedError, match="circuit 'a'") as caught:
        job.result()
    assert caught.value.partial_result is None


def test_a_job_that_was_pruned_meanwhile_is_unknown(store: JobStore) -> None:
    job, unfinished = done(store), read(store, kept(store))
    store.prune(timedelta(-10_000))
    with pytest.raises(UnknownJobError):
        job.result()
    assert unfinished.status() is JobStatus.QUEUED
