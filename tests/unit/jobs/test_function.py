"""FunctionJob: any callable as a job that keeps the contract."""

from __future__ import annotations

import pickle
import threading
import weakref
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.providers import JobError, JobStatus, JobV1

import simquay
from simquay.control import Control
from simquay.jobs.errors import JobCancelledError, JobFailedError
from simquay.jobs.function import FunctionJob
from tests.support.job_doubles import LONG, a_result, until

pytestmark = pytest.mark.timeout(60)


def submitted(*arguments: Any, **options: Any) -> FunctionJob:
    job = FunctionJob(*arguments, **options)
    job.submit()
    return job


def power(base: int, exponent: int = 2) -> int:
    return int(base**exponent)


def test_j01_to_j08_it_is_a_job_of_a_value() -> None:
    job = FunctionJob(power, 3, exponent=4)
    assert isinstance(job, JobV1)
    assert job.status() is JobStatus.INITIALIZING
    for early in (job.result, job.cancel):
        with pytest.raises(JobError, match="not submitted"):
            early()
    job.submit()
    assert job.result(LONG) == 81
    assert job.result() is job.result()
    assert (job.done(), job.progress(), job.error_message()) == (True, 1.0, None)
    with pytest.raises(JobError, match="submitted already"):
        job.submit()
    with pytest.raises(QiskitError):
        job.backend()
    assert job.metadata == {"function": "power", "takes_control": False}


@pytest.mark.parametrize("value", [None, 0, False, [], "text"])
def test_any_value_is_a_result(value: Any) -> None:
    assert submitted(lambda: value).result(LONG) is value


def test_j11_j12_j14_what_the_function_raises_fails_the_job() -> None:
    job = submitted(power, 0, exponent=-1)
    job.wait_for_final_state(LONG)
    assert job.status() is JobStatus.ERROR
    assert "ZeroDivisionError" in str(job.error_message())
    with pytest.raises(JobFailedError, match="ZeroDivisionError") as caught:
        job.result()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert "in power" in str(caught.value.__cause__.__cause__)


def test_sys_exit_in_the_function_fails_the_job() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(JobFailedError, match="SystemExit"):
        submitted(leave).result(LONG)


def test_j13_a_result_that_failed_is_no_done_job() -> None:
    job = submitted(a_result, success=False, status="it broke")
    with pytest.raises(JobFailedError, match="it broke"):
        job.result(LONG)
    assert job.status() is JobStatus.ERROR
    assert submitted(a_result).result(LONG).success


@pytest.mark.parametrize("arguments", [(), (1, 2, 3)])
def test_arguments_that_do_not_fit_are_the_callers_error(arguments: tuple[int, ...]) -> None:
    with pytest.raises(TypeError):
        FunctionJob(power, *arguments)
    with pytest.raises(TypeError, match="cannot be called"):
        FunctionJob(5)  # type: ignore[arg-type]  # what is tested


def test_j18_j37_a_control_is_given_where_it_is_taken() -> None:
    started, stopped = threading.Event(), threading.Event()

    def work(steps: int, control: Control) -> None:
        try:
            control.report(0.5)
            started.set()
            while not control.wait(0.001):
                pass
            control.check()
        finally:
            stopped.set()

    job = submitted(work, 5)
    assert job.metadata["takes_control"] is True
    assert started.wait(LONG)
    assert job.running()
    assert job.progress() == 0.5
    assert job.cancel() is True
    assert stopped.wait(1.0)
    with pytest.raises(JobCancelledError):
        job.result()


def test_a_control_of_the_callers_own_is_left_alone() -> None:
    def turn(control: int, target: int) -> tuple[int, int]:
        return control, target

    assert submitted(turn, 3, 4).result(LONG) == (3, 4)
    assert submitted(turn, target=4, control=3).result(LONG) == (3, 4)
    assert isinstance(submitted(turn, target=4).result(LONG)[0], Control)


def test_j16_a_function_without_control_loses_to_a_cancel() -> None:
    go, ended = threading.Event(), threading.Event()

    def deaf() -> int:
        go.wait(3 * LONG)
        ended.set()
        return 1

    job = submitted(deaf)
    assert until(job.running)
    assert job.metadata["takes_control"] is False
    assert job.cancel() is True
    assert job.status() is JobStatus.CANCELLED
    go.set()
    assert ended.wait(LONG)
    assert not until(lambda: job.status() is not JobStatus.CANCELLED, 0.05)


def test_functions_that_wait_for_jobs_never_wait_for_a_worker() -> None:
    """More of them than there are workers, each waiting for a circuit, nested one deeper."""
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    backend = simquay.get_backend("numpy")

    def inner() -> dict[str, int]:
        counts: dict[str, int] = backend.run(circuit, shots=5).result(LONG).get_counts()
        return counts

    def outer() -> Any:
        return submitted(inner).result(LONG)

    jobs = [submitted(outer) for _ in range(20)]
    assert [job.result(2 * LONG) for job in jobs] == [{"1": 5}] * 20


def test_j33_it_pickles_with_its_value() -> None:
    job = submitted(power, 5)
    job.wait_for_final_state(LONG)
    again = pickle.loads(pickle.dumps(job))
    assert (again.result(), again.job_id(), again.status()) == (25, job.job_id(), JobStatus.DONE)
    held = threading.Event()
    unfinished = submitted(held.wait, 3 * LONG)
    with pytest.raises(JobError, match="cannot be pickled"):
        pickle.dumps(unfinished)
    held.set()


def test_j35_function_and_arguments_are_let_go_and_the_thread_ends() -> None:
    before = threading.active_count()

    class Argument(list[int]):
        """A list that can be referred to weakly."""

    argument = Argument([1, 2])
    job = submitted(len, argument)
    assert job.result(LONG) == 2
    gone = weakref.ref(argument)
    del argument
    assert until(lambda: gone() is None)
    assert job.done()
    assert until(lambda: threading.active_count() <= before)
