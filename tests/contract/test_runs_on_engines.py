"""Real runs on engines: the points that need one (J02, J06, J07, J12, J18, J32, J35 to J37)."""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import psutil
import pytest
from qiskit.providers import JobError, JobStatus

from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.memory import ledger_for
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.errors import JobFailedError
from simquay.registry import Resolution
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.engine.task import EngineTask
from tests.support.engine_circuits import flips, long_circuit
from tests.support.job_doubles import LONG, until


@pytest.fixture
def backend() -> EngineBackend:
    return EngineBackend(ReferenceEngine(), name="reference")


def test_j02_run_gives_a_submitted_job_of_a_snapshot() -> None:
    pool = WorkerPool(1)
    backend = EngineBackend(ReferenceEngine(), name="reference", pool=pool)
    circuit = flips(2)
    circuit.metadata = {"a": [1]}
    options: dict[str, Any] = {"tag": "mine"}
    circuits = [circuit]
    blocker = backend.run(long_circuit(16))  # the job below waits while the changes are made
    job = backend.run(circuits, shots=10, metadata=options)
    circuit.x(0)
    circuit.name = "changed"
    circuit.metadata["a"].append(2)
    circuits.append(flips())
    options["tag"] = "yours"
    backend.set_options(shots=99, memory=True, precision="single")
    assert job.status() is JobStatus.QUEUED
    with pytest.raises(JobError, match="submitted already"):
        job.submit()
    assert blocker.cancel()
    result = job.result(LONG)
    assert result.get_counts() == {"11": 10}
    assert "memory" not in result.data()
    header = result.results[0].header
    assert (header["name"], header["metadata"]) == ("flips", {"a": [1]})
    assert job.metadata["tag"] == "mine"
    assert job.metadata["precision"] == "double"
    pool.stop()


def test_j06_the_very_backend_object(backend: EngineBackend) -> None:
    job = backend.run(flips())
    assert job.backend() is backend
    job.result(LONG)
    assert job.backend() is backend


def test_j07_metadata_says_what_ran(backend: EngineBackend) -> None:
    job = backend.run(flips(), metadata={"owner": "me"}, precision="single")
    assert job.metadata == {
        "owner": "me",
        "backend": "reference",
        "engine": "reference",
        "device": "cpu",
        "precision": "single",
        "fallback": None,
    }


def test_j07_metadata_says_which_fallback_was_taken(backend: EngineBackend) -> None:
    backend.simquay_resolution = Resolution(
        "gpu", "reference", "simquay", "1", "cpu", fallback_from="gpu", reason="no device"
    )
    assert backend.run(flips()).metadata["fallback"] == {
        "requested": "gpu",
        "from": "gpu",
        "reason": "no device",
    }


class Breaking(ReferenceEngine):
    """An engine that fails at circuits of three qubits."""

    def allocate(self, num_qubits: int, *arguments: Any, **keywords: Any) -> Any:
        if num_qubits == 3:
            raise RuntimeError("three is a crowd")
        return super().allocate(num_qubits, *arguments, **keywords)


def test_j12_the_error_names_the_circuit_and_keeps_what_succeeded() -> None:
    backend = EngineBackend(Breaking(), name="breaking")
    third = flips(3)
    third.name = "crowded"
    job = backend.run([flips(2), third, flips(1)], shots=4)
    with pytest.raises(JobFailedError) as caught:
        job.result(LONG)
    text = str(caught.value)
    assert "circuit 'crowded' (number 1 of the job) failed" in text
    assert "RuntimeError: three is a crowd" in text
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert caught.value.__cause__.__traceback__ is None
    assert "in allocate" in str(caught.value.__cause__.__cause__)
    partial = caught.value.partial_result
    assert partial is not None
    assert partial.success
    assert partial.get_counts() == [{"11": 4}, {"1": 4}]
    assert job.error_message() == text
    assert job.status() is JobStatus.ERROR


def test_j12_a_job_where_nothing_succeeded_has_no_partial_result() -> None:
    job = EngineBackend(Breaking(), name="breaking").run([flips(3), flips(3)])
    with pytest.raises(JobFailedError, match="2 of 2 circuits failed") as caught:
        job.result(LONG)
    assert caught.value.partial_result is None


@pytest.mark.serial
@pytest.mark.parametrize("engine", [DenseEngine, ReferenceEngine])
def test_j18_a_running_run_stops_and_frees_its_memory(engine: Any) -> None:
    backend = EngineBackend(engine(), name="any")
    ledger, process = ledger_for(backend.engine), psutil.Process()
    job = backend.run(long_circuit())
    assert until(job.running)
    time.sleep(0.05)
    assert ledger.reserved > 0
    assert job.cancel()
    assert until(lambda: ledger.reserved == 0, 5.0)
    used = sum(process.cpu_times()[:2])
    time.sleep(0.3)
    assert sum(process.cpu_times()[:2]) - used < 0.2
    assert job.cancelled()


def test_j18_cancelling_between_the_circuits_of_a_job(backend: EngineBackend) -> None:
    job = backend.run([flips(4)] * 3000)
    assert until(lambda: job.progress() > 0)
    assert job.cancel()
    assert until(lambda: ledger_for(backend.engine).reserved == 0, 5.0)
    assert job.progress() < 1


def test_j32_run_returns_before_the_work_is_done(backend: EngineBackend) -> None:
    job = backend.run(long_circuit())
    assert not job.in_final_state()
    job.cancel()


class Weak(ReferenceEngine):
    """An engine that knows whether its states live; it can be told to fail."""

    def __init__(self, fail: bool = False) -> None:
        super().__init__()
        self.states: list[weakref.ref[Any]] = []
        self.fail = fail

    def allocate(self, *arguments: Any, **keywords: Any) -> Any:
        state = super().allocate(*arguments, **keywords)
        self.states.append(weakref.ref(state.vectors))
        return state

    def apply(self, state: Any, *arguments: Any) -> None:
        if self.fail:
            raise RuntimeError("told to fail")
        super().apply(state, *arguments)
        self.states.append(weakref.ref(state.vectors))


@pytest.mark.parametrize("end", [JobStatus.DONE, JobStatus.ERROR, JobStatus.CANCELLED])
def test_j35_a_final_job_holds_no_circuit_and_no_state(end: JobStatus) -> None:
    engine = Weak(fail=end is JobStatus.ERROR)
    backend = EngineBackend(engine, name="weak")
    circuit = long_circuit(12) if end is JobStatus.CANCELLED else flips(3)
    job = backend.run(circuit)
    held = weakref.ref(circuit)
    del circuit
    gc.collect()
    assert held() is None  # already: the job has a program, not the circuit
    if end is JobStatus.CANCELLED:
        assert until(lambda: bool(engine.states))
        job.cancel()
    job.wait_for_final_state(LONG)
    assert job.status() is end
    assert engine.states
    assert until(lambda: all(state() is None for state in engine.states), 5.0)

    def programs() -> list[EngineTask]:
        works = [one for one in gc.get_objects() if type(one) is EngineTask]
        return [work for work in works if work._engine is engine]

    assert until(lambda: not programs(), 5.0)
    assert job.in_final_state()


def test_j36_two_runs_that_fit_only_alone_take_turns() -> None:
    class Narrow(ReferenceEngine):
        """A device of its own that holds one state of ten qubits, and not two."""

        device = "narrow"
        live = most = 0

        def required_bytes(self, num_qubits: int, *_: Any, **__: Any) -> int:
            return 600

        def available_bytes(self) -> int:
            return 1000

        def allocate(self, *arguments: Any, **keywords: Any) -> Any:
            Narrow.live += 1
            Narrow.most = max(Narrow.most, Narrow.live)
            return super().allocate(*arguments, **keywords)

        def release(self, state: Any) -> None:
            Narrow.live -= 1
            super().release(state)

    backend = EngineBackend(Narrow(), name="narrow", pool=WorkerPool(4))
    first = backend.run(long_circuit())
    assert until(first.running)
    jobs = [backend.run(flips(6)) for _ in range(6)]
    assert not until(lambda: any(job.status() is not JobStatus.QUEUED for job in jobs), 0.2)
    assert first.cancel()
    for job in jobs:
        assert job.result(LONG).success
    assert Narrow.most == 1


def test_j37_progress_of_a_real_run(backend: EngineBackend) -> None:
    job = backend.run([long_circuit(4, 400)] * 5)
    seen = []
    while not job.in_final_state():
        seen.append(job.progress())
        time.sleep(0.002)
    job.result()
    assert seen == sorted(seen)
    assert any(0 < one < 1 for one in seen)
    assert job.progress() == 1.0
