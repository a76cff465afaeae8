"""The job contract: results, timeouts and failures (J08-J15, J33, J35)."""

from __future__ import annotations

import gc
import pickle
import traceback
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from typing import Any

import pytest
from qiskit.providers import JobError, JobStatus
from qiskit.providers.exceptions import JobTimeoutError
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

from simquay.errors import SimquayError
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.errors import JobCancelledError, JobFailedError, JobTimedOutError
from simquay.jobs.local import LocalJob
from tests.support.job_doubles import LONG, DeafWork, HeldWork, a_job, a_result, until


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2)
    yield pool
    pool.stop()


def failing(error: BaseException) -> Callable[[], Result]:
    def fail() -> Result:
        raise error

    return fail


def failed_job(pool: WorkerPool, error: BaseException) -> LocalJob:
    job = a_job(HeldWork(failing(error), held=False), pool)
    job.wait_for_final_state(LONG)
    return job


def test_j08_the_same_result_again_and_again(pool: WorkerPool) -> None:
    job = a_job(HeldWork(held=False), pool)
    first = job.result(LONG)
    assert job.result() is first
    assert job.result(0) is first


def test_j09_the_timeout_is_in_seconds_and_may_be_any_real(pool: WorkerPool) -> None:
    work = HeldWork()
    job = a_job(work, pool)
    for timeout in (0.01, 0, -1.0):
        with pytest.raises(JobTimedOutError):
            job.result(timeout=timeout)
    work.let_go()
    assert job.result(timeout=float("inf")).success
    assert job.result(timeout=1e300).success


def test_j10_a_timeout_is_both_errors_and_the_job_goes_on(pool: WorkerPool) -> None:
    work = HeldWork()
    job = a_job(work, pool)
    with pytest.raises(JobTimeoutError) as caught:
        job.result(timeout=0.01)
    assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, SimquayError)
    assert job.job_id() in str(caught.value)
    assert not job.in_final_state()
    work.let_go()
    assert job.result(LONG).success


def test_j11_a_failed_job_raises_and_is_in_error(pool: WorkerPool) -> None:
    job = failed_job(pool, ZeroDivisionError("by nothing"))
    assert job.status() is JobStatus.ERROR
    for _ in range(2):
        with pytest.raises(JobError, match="ZeroDivisionError: by nothing"):
            job.result()


@pytest.mark.parametrize("error", [MemoryError("all gone"), SystemExit(3), KeyboardInterrupt()])
def test_j11_whatever_the_work_raises_fails_the_job_and_no_worker(
    pool: WorkerPool, error: BaseException
) -> None:
    job = failed_job(pool, error)
    assert job.status() is JobStatus.ERROR
    with pytest.raises(JobFailedError, match=type(error).__name__) as caught:
        job.result()
    assert caught.value.__cause__ is error
    for _ in range(3):  # more than there are workers
        assert a_job(HeldWork(held=False), pool).result(LONG).success


def test_j12_the_cause_keeps_its_traceback_as_text_and_no_frame(pool: WorkerPool) -> None:
    class State:
        pass

    states: list[weakref.ref[State]] = []

    def fail() -> Result:
        state = State()
        states.append(weakref.ref(state))
        try:
            state.amplitudes  # noqa: B018  # the AttributeError keeps the state
        except AttributeError as earlier:
            try:
                raise KeyError("in between") from earlier
            except KeyError:
                raise ValueError("at the end")  # noqa: B904  # a context, not a cause

    job = a_job(HeldWork(fail, held=False), pool)
    with pytest.raises(JobFailedError, match="ValueError: at the end") as caught:
        job.result(LONG)
    cause = caught.value.__cause__
    assert isinstance(cause, ValueError)
    assert cause.__traceback__ is None
    assert cause.__context__ is None
    text = "".join(traceback.format_exception(caught.value))
    for piece in ("in fail", "state.amplitudes", "in between", "at the end", "JobFailedError"):
        assert piece in text
    del caught, cause
    gc.collect()
    assert until(lambda: states[0]() is None, 1.0)


def test_j12_asking_again_does_not_pile_up_the_askers_frames(pool: WorkerPool) -> None:
    job = failed_job(pool, ValueError("no"))

    class Mine:
        pass

    def ask() -> weakref.ref[Mine]:
        mine = Mine()
        with pytest.raises(JobFailedError):
            job.result()
        return weakref.ref(mine)

    asker = ask()
    gc.collect()
    assert asker() is None


def experiment(name: str, success: bool) -> ExperimentResult:
    return ExperimentResult(
        10,
        success,
        ExperimentResultData(counts={"0x0": 10}),
        header={"name": name, "memory_slots": 1, "creg_sizes": [["c", 1]]},
        status="DONE" if success else "ERROR: broken",
    )


def test_j13_no_job_is_done_with_a_result_that_failed(pool: WorkerPool) -> None:
    result = Result(success=False, status="PARTIAL COMPLETED", results=[], job_id="j")
    result.results = [experiment("good", True), experiment("bad", False)]
    job = a_job(HeldWork(lambda: result, held=False), pool)
    with pytest.raises(JobFailedError, match="bad: ERROR: broken") as caught:
        job.result(LONG)
    assert job.status() is JobStatus.ERROR
    partial = caught.value.partial_result
    assert partial is not None
    assert partial.get_counts("good") == {"0": 10}
    assert [one.header["name"] for one in partial.results] == ["good"]


def test_j13_a_failed_result_without_circuits_gives_its_status(pool: WorkerPool) -> None:
    job = a_job(HeldWork(lambda: a_result(False, status="it broke"), held=False), pool)
    with pytest.raises(JobFailedError, match="it broke") as caught:
        job.result(LONG)
    assert caught.value.partial_result is None


def test_j14_the_error_message_is_the_failure_or_none(pool: WorkerPool) -> None:
    assert failed_job(pool, ValueError("why")).error_message() == "ValueError: why"
    good = a_job(HeldWork(held=False), pool)
    good.result(LONG)
    assert good.error_message() is None
    held = a_job(HeldWork(), pool)
    assert held.error_message() is None
    held.cancel()
    assert held.error_message() is None


def test_j15_a_cancelled_jobs_result_is_both_errors(pool: WorkerPool) -> None:
    job = a_job(HeldWork(), pool)
    job.cancel()
    with pytest.raises(JobCancelledError, match="was cancelled") as caught:
        job.result()
    assert isinstance(caught.value, JobError)
    assert isinstance(caught.value, CancelledError)


def through_pickle(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


def test_j33_a_finished_job_pickles_with_its_result(pool: WorkerPool) -> None:
    result = Result(success=True, results=[experiment("good", True)], job_id="j")
    job = a_job(HeldWork(lambda: result, held=False), pool, metadata={"owner": "me"})
    job.result(LONG)
    again = through_pickle(job)
    assert isinstance(again, LocalJob)
    assert again.job_id() == job.job_id()
    assert again.status() is JobStatus.DONE
    assert again.metadata == {"owner": "me"}
    assert again.result().get_counts() == {"0": 10}
    assert again.progress() == 1.0
    assert again.cancel() is False
    again.wait_for_final_state()
    assert through_pickle(again).result().get_counts() == {"0": 10}


def test_j33_a_failed_job_pickles_with_its_error_and_the_cause_as_text(pool: WorkerPool) -> None:
    class Unpicklable(Exception):
        def __reduce__(self) -> Any:
            raise TypeError("not me")

    again = through_pickle(failed_job(pool, Unpicklable("odd")))
    assert again.status() is JobStatus.ERROR
    assert "odd" in again.error_message()
    with pytest.raises(JobFailedError, match="odd") as caught:
        again.result()
    assert "in fail" in str(caught.value.__cause__)
    assert "Unpicklable: odd" in str(caught.value.__cause__)


def test_j33_a_cancelled_job_pickles(pool: WorkerPool) -> None:
    job = a_job(HeldWork(), pool)
    job.cancel()
    again = through_pickle(job)
    assert again.cancelled()
    with pytest.raises(CancelledError):
        again.result()


def test_j33_an_unfinished_job_refuses_to_pickle(pool: WorkerPool) -> None:
    work = HeldWork()
    job = a_job(work, pool)
    with pytest.raises(JobError, match="cannot be pickled: wait for it"):
        pickle.dumps(job)
    work.let_go()
    job.result(LONG)
    pickle.dumps(job)


@pytest.mark.parametrize(
    "error", [JobTimedOutError("a"), JobCancelledError("a"), JobFailedError("a", a_result())]
)
def test_the_errors_pickle(error: BaseException) -> None:
    again = through_pickle(error)
    assert type(again) is type(error)
    assert str(again) == str(error) == "a"
    assert getattr(again, "partial_result", None) is None or again.partial_result.success


@pytest.mark.parametrize("end", ["done", "error", "cancelled", "cancelled in the queue"])
def test_j35_a_final_job_holds_nothing_of_its_work(end: str) -> None:
    pool = WorkerPool(1)
    blocker = HeldWork()
    if end == "cancelled in the queue":
        a_job(blocker, pool)
        assert blocker.started.wait(LONG)
    work = HeldWork(failing(ValueError("no")) if end == "error" else a_result)
    job = a_job(work, pool)
    if end.startswith("cancelled"):
        job.cancel()
    work.let_go()
    job.wait_for_final_state(LONG)
    gone = weakref.ref(work)
    del work
    gc.collect()
    assert until(lambda: gone() is None, 2.0)
    assert job.in_final_state()
    blocker.let_go()
    pool.stop()


def test_j35_work_that_goes_on_after_a_cancel_is_let_go_when_it_stops(pool: WorkerPool) -> None:
    work = DeafWork()
    job = a_job(work, pool)
    assert work.started.wait(LONG)
    assert job.cancel()
    stop, gone = work.let_go, weakref.ref(work)
    del work
    assert gone() is not None
    stop()
    del stop
    assert until(lambda: gone() is None, 2.0)
    assert job.cancelled()


@pytest.mark.parametrize("end", ["done", "error", "cancelled"])
def test_j35_a_final_job_is_no_cycle(end: str) -> None:
    """A job that is dropped frees its result at once, and not when the collector comes by."""
    pool = WorkerPool(1)
    gc.collect()
    gc.disable()
    try:
        work = HeldWork(failing(ValueError("no")) if end == "error" else a_result)
        job = a_job(work, pool)
        assert work.started.wait(LONG)
        if end == "cancelled":
            job.cancel()
        work.let_go()
        job.wait_for_final_state(LONG)
        gone = weakref.ref(job)
        del job, work
        assert until(lambda: gone() is None, 2.0)
    finally:
        gc.enable()
        pool.stop()
