"""The context of a check, on a backend whose jobs do what the test says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

import simquay
from simquay.testing import CheckContext, CheckFailed
from simquay.testing.harness import context as module
from simquay.testing.harness.calibration import Calibration
from simquay.testing.harness.circuits import flips


class Job:
    """A job in a given state, until it is cancelled."""

    def __init__(self, status: JobStatus) -> None:
        self.now = status

    def status(self) -> JobStatus:
        return self.now

    def cancel(self) -> bool:
        self.now = JobStatus.CANCELLED
        return True


class Backend:
    """The states of its jobs are given; afterwards, ``run`` raises."""

    name = "scripted"
    target = SimpleNamespace(operation_names=["rx", "cx", "measure"])

    def __init__(self, *states: JobStatus) -> None:
        self.jobs = [Job(state) for state in states]
        self._left = iter(self.jobs)

    def run(self, circuits: Any, **options: Any) -> Job:
        job = next(self._left, None)
        if job is None:
            raise ValueError("too wide")
        return job


@pytest.fixture
def calibrations(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Calibration]:
    """The backend's calibration: a layer takes a second."""
    known = {(Backend, "scripted"): Calibration(2, 1, 1, 1.0, clifford=False, synchronous=False)}
    monkeypatch.setattr(module, "_calibrations", known)
    return known


def test_unfinished_jobs_are_cancelled_at_the_end() -> None:
    context = CheckContext(Backend(JobStatus.RUNNING, JobStatus.DONE, JobStatus.QUEUED))
    jobs = [context.run(flips()) for _ in range(3)]
    context.cancel_jobs()
    done = [JobStatus.CANCELLED, JobStatus.DONE, JobStatus.CANCELLED]
    assert [job.status() for job in jobs] == done


def test_waiting_ends_with_the_job_or_in_time() -> None:
    context = CheckContext(Backend(JobStatus.ERROR, JobStatus.RUNNING))
    assert context.wait(context.run(flips())) is JobStatus.ERROR
    with pytest.raises(CheckFailed, match=r"RUNNING after 0.05 s"):
        context.wait(context.run(flips()), 0.05)


def test_a_run_that_raises_fails_one_check_and_is_left_out_of_others() -> None:
    context = CheckContext(Backend(JobStatus.ERROR))
    assert [job.status() for job in context.failed_jobs()] == [JobStatus.ERROR]
    assert context.failed_jobs() == []
    assert context.failing_jobs() == []
    with pytest.raises(CheckFailed, match=r"run\(\) itself raised ValueError: too wide"):
        context.run_failing()


def test_a_running_job_is_started(calibrations: object) -> None:
    context = CheckContext(Backend(JobStatus.RUNNING, JobStatus.ERROR))
    assert context.start(1.0).status() is JobStatus.RUNNING
    with pytest.raises(CheckFailed, match=r"was never seen RUNNING, but became JobStatus\.ERROR"):
        context.start(1.0)


def test_a_backend_whose_run_does_the_work_cannot_start_a_job(
    calibrations: dict[Any, Calibration],
) -> None:
    calibrations[Backend, "scripted"] = Calibration(2, 1, 1, 1.0, False, synchronous=True)
    with pytest.raises(CheckFailed, match="only when the work was done"):
        CheckContext(Backend(JobStatus.DONE)).start()


def test_workers_are_busy_when_a_job_waits(calibrations: object) -> None:
    context = CheckContext(Backend(JobStatus.RUNNING, JobStatus.RUNNING, JobStatus.QUEUED))
    assert context.occupy_workers(1.0) == context.backend.jobs


def test_a_job_that_ends_much_too_soon_corrects_the_calibration(
    calibrations: dict[Any, Calibration],
) -> None:
    context = CheckContext(Backend(JobStatus.DONE, JobStatus.RUNNING))
    assert not context.recalibrate(3.0)  # no job was timed
    context.run_for(20.0)
    assert context._timed[0].result(60) > 30
    assert context.recalibrate(3.0)
    assert calibrations[Backend, "scripted"].seconds == pytest.approx(1 / 30)
    context.run_for(20.0)  # it goes on: nothing is known of its duration
    assert not context.recalibrate(3.0)


def test_circuits_are_transpiled_only_where_the_target_asks_for_it() -> None:
    context = CheckContext(simquay.get_backend("numpy"))
    known, unknown = QuantumCircuit(1), QuantumCircuit(1)
    known.ry(0.1, 0)
    known.barrier()
    assert context.fit_to_target(known) is known
    unknown.append(QuantumCircuit(1, name="nothing Qiskit knows").to_gate(), [0])
    assert set(context.fit_to_target(unknown).count_ops()) <= set(context.backend.operation_names)


def test_the_failing_circuit_is_new_each_time() -> None:
    given = flips()
    context = CheckContext(Backend(), failing=given)
    assert context.failing_circuit() == given
    assert context.failing_circuit() is not given
    assert CheckContext(Backend()).failing_circuit().num_qubits == 100
