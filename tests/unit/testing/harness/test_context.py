"""The context of a check, on a backend whose jobs do what the test says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.providers import JobStatus
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.transpiler import Target

import simquay
from simquay.simulators import adapt
from simquay.testing import CHECKS_IN_ORDER, CheckContext, CheckFailed, run_check
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
    context = CheckContext(Backend(JobStatus.ERROR), failing=flips())
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


class Wide(BasicSimulator):
    """It answers wide circuits, as simulators of matrix product states do, and has no T gate."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "wide"
        gates = get_standard_gate_name_mapping()
        self._target = Target(num_qubits=None)
        for name in ("h", "s", "x", "cx", "swap", "measure"):
            self._target.add_instruction(gates[name], properties=None, name=name)

    def run(self, run_input: Any, **options: Any) -> Any:
        circuits = run_input if isinstance(run_input, list) else [run_input]
        wide = [one for one in circuits if one.num_qubits == 100]
        return super().run([flips() for _ in wide] or circuits, **options)


def test_a_backend_that_runs_wide_circuits_gets_a_gate_that_nothing_defines() -> None:
    context = CheckContext(adapt(Wide(), isolation="thread"))
    assert context.failing_circuit().count_ops()["undefined"] == 1
    assert context.run_failing().status() is JobStatus.ERROR


def test_what_the_gates_of_the_target_cannot_express_is_said() -> None:
    circuit = QuantumCircuit(1, name="eighth")
    circuit.t(0)
    text = r"cannot express the circuit 'eighth' \(t\); .* expect this check to fail"
    with pytest.raises(CheckFailed, match=text):
        CheckContext(adapt(Wide())).fit_to_target(circuit)


@pytest.mark.parametrize("check", ["B03", "B07"])
def test_a_backend_of_clifford_gates_passes(check: str) -> None:
    context = CheckContext(adapt(Wide(), isolation="thread"))
    run_check(next(one for one in CHECKS_IN_ORDER if one.id == check), context)
