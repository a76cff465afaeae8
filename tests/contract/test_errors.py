"""Failures and their errors (J11, J12, J14), and a cancelled job's error (J15)."""

from __future__ import annotations

import gc
import traceback
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError

import pytest
from qiskit.providers import JobError, JobStatus
from qiskit.result import Result

from simquay.jobs.base import BaseJob
from simquay.jobs.errors import JobCancelledError, JobFailedError
from tests.contract.conftest import RunJob
from tests.support.job_doubles import LONG, HeldWork, failing, until


@pytest.fixture
def failed_job(run_job: RunJob) -> Callable[[BaseException], BaseJob]:
    """Gives a job of the kind that failed with an error."""

    def failed(error: BaseException) -> BaseJob:
        job = run_job(HeldWork(failing(error), held=False))
        job.wait_for_final_state(LONG)
        return job

    return failed


FailedJob = Callable[[BaseException], BaseJob]


def test_j11_a_failed_job_raises_and_is_in_error(failed_job: FailedJob) -> None:
    job = failed_job(ZeroDivisionError("by nothing"))
    assert job.status() is JobStatus.ERROR
    for _ in range(2):
        with pytest.raises(JobError, match="ZeroDivisionError: by nothing"):
            job.result()


@pytest.mark.parametrize("error", [MemoryError("all gone"), SystemExit(3), KeyboardInterrupt()])
def test_j11_whatever_the_work_raises_fails_the_job_and_no_worker(
    failed_job: FailedJob, run_job: RunJob, error: BaseException
) -> None:
    job = failed_job(error)
    assert job.status() is JobStatus.ERROR
    with pytest.raises(JobFailedError, match=type(error).__name__) as caught:
        job.result()
    assert caught.value.__cause__ is error
    for _ in range(3):  # more than there are workers
        assert run_job(HeldWork(held=False)).result(LONG).success


def test_j12_the_cause_keeps_its_traceback_as_text_and_no_frame(run_job: RunJob) -> None:
    class State:
        pass

    states: list[weakref.ref[State]] = []

    def fail() -> Result:
        state = State()
        states.append(weakref.ref(state))
        try:
            getattr(state, "amplitudes")  # noqa: B009  # the AttributeError keeps the state
        except AttributeError as earlier:
            try:
                raise KeyError("in between") from earlier
            except KeyError:
                raise ValueError("at the end")  # noqa: B904  # a context, not a cause
        raise AssertionError

    job = run_job(HeldWork(fail, held=False))
    with pytest.raises(JobFailedError, match="ValueError: at the end") as caught:
        job.result(LONG)
    cause = caught.value.__cause__
    assert isinstance(cause, ValueError)
    assert cause.__traceback__ is None
    assert cause.__context__ is None
    text = "".join(traceback.format_exception(caught.value))
    for piece in ("in fail", "amplitudes", "in between", "at the end", "JobFailedError"):
        assert piece in text
    del caught, cause
    gc.collect()
    assert until(lambda: states[0]() is None, 1.0)


def test_j12_asking_again_does_not_pile_up_the_askers_frames(failed_job: FailedJob) -> None:
    job = failed_job(ValueError("no"))

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


def test_j14_the_error_message_is_the_failure_or_none(
    failed_job: FailedJob, run_job: RunJob
) -> None:
    assert failed_job(ValueError("why")).error_message() == "ValueError: why"
    good = run_job(HeldWork(held=False))
    good.result(LONG)
    assert good.error_message() is None
    held = run_job(HeldWork())
    assert held.error_message() is None
    held.cancel()
    assert held.error_message() is None


def test_j15_a_cancelled_jobs_result_is_both_errors(run_job: RunJob) -> None:
    job = run_job(HeldWork())
    job.cancel()
    with pytest.raises(JobCancelledError, match="was cancelled") as caught:
        job.result()
    assert isinstance(caught.value, JobError)
    assert isinstance(caught.value, CancelledError)
