"""Runs on an engine's backend: the job contract's points that need a real run, and the backend."""

from __future__ import annotations

import copy
import gc
import pickle
import time
import weakref
from typing import Any

import numpy as np
import psutil
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.exceptions import QiskitError
from qiskit.providers import BackendV2, JobError, JobStatus, JobV1

import simquay
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.memory import ledger_for
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.errors import JobFailedError
from simquay.provider import find_backend
from simquay.registry import Resolution
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.engine.task import EngineTask
from tests.support.job_doubles import LONG, until


@pytest.fixture
def backend() -> EngineBackend:
    return EngineBackend(ReferenceEngine(), name="reference")


def flips(count: int = 1) -> QuantumCircuit:
    """A circuit whose one outcome is all ones."""
    circuit = QuantumCircuit(count, count, name="flips")
    circuit.x(range(count))
    circuit.measure(range(count), range(count))
    return circuit


def long_circuit(qubits: int = 20, layers: int = 5000) -> QuantumCircuit:
    """Work for minutes, in many passes."""
    circuit = QuantumCircuit(qubits)
    layer = QuantumCircuit(qubits)
    for index in range(qubits):
        layer.rx(0.1 + index, index)
    for index in range(qubits - 1):
        layer.cx(index, index + 1)
    for _ in range(layers // 20):
        circuit.compose(layer, inplace=True)
    circuit.measure_all()
    return circuit


def test_it_is_a_qiskit_backend(backend: EngineBackend) -> None:
    assert isinstance(backend, BackendV2)
    assert backend.name == "reference"
    assert backend.description == "the engine reference"
    assert backend.backend_version == simquay.__version__
    assert backend.max_circuits is None
    assert backend.num_qubits is None
    assert {"h", "measure", "if_else"} <= set(backend.operation_names)
    assert len(backend.operations) == len(backend.operation_names)
    assert repr(backend) == "<EngineBackend 'reference'>"


def test_a_deep_copy_has_options_of_its_own(backend: EngineBackend) -> None:
    other = copy.deepcopy(backend)
    other.set_options(shots=3)
    assert backend.options.shots == 1024
    assert other.run(flips()).result(LONG).get_counts() == {"1": 3}
    assert other.engine is backend.engine
    assert other.target is not backend.target


def test_the_factories_make_new_backends_that_share_an_engine() -> None:
    first, second = (simquay.get_backend("numpy") for _ in range(2))
    assert first is not second
    assert first.engine is second.engine
    assert (first.name, first.engine.name) == ("numpy", "numpy")
    assert simquay.get_backend("reference").engine.name == "reference"
    assert first.description


def test_several_circuits_transpile_at_once(backend: EngineBackend) -> None:
    circuits = transpile([flips(2), flips(3)], backend)
    assert backend.run(circuits, shots=2).result(LONG).get_counts() == [{"11": 2}, {"111": 2}]


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


def test_j33_an_unpickled_job_finds_its_backend_by_name() -> None:
    job = simquay.get_backend("reference").run(flips())
    job.result(LONG)
    again = pickle.loads(pickle.dumps(job))
    assert again.result().get_counts() == {"1": 1024}
    assert again.backend().name == "reference"
    assert again.backend() is again.backend()
    assert pickle.loads(pickle.dumps(again)).backend().name == "reference"


def test_j33_an_unpickled_job_of_an_unknown_backend_says_so() -> None:
    backend = EngineBackend(ReferenceEngine(), name="nowhere")
    job = backend.run(flips())
    job.result(LONG)
    with pytest.raises(QiskitError, match=r"'nowhere' did not come from simquay\.get_backend"):
        pickle.loads(pickle.dumps(job)).backend()
    backend.simquay_finder = find_backend
    with pytest.raises(QiskitError, match="'nowhere' cannot be made here"):
        pickle.loads(pickle.dumps(job)).backend()


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


def test_a_job_is_a_jobv1_and_results_carry_its_id(backend: EngineBackend) -> None:
    job = backend.run(flips())
    assert isinstance(job, JobV1)
    assert job.result(LONG).job_id == job.job_id()


def test_a_million_shots(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(3)
    circuit.h(range(3))
    circuit.measure_all()
    result = backend.run(circuit, shots=1_000_000, memory=True, seed_simulator=5).result(LONG)
    counts = result.get_counts()
    # 8 outcomes of 1/8 each: 6.5 standard deviations of sqrt(N p q); false alarm 8e-11 each.
    assert len(counts) == 8
    assert all(abs(count - 125_000) < 6.5 * 331 for count in counts.values())
    assert len(result.data()["memory"]) == 1_000_000


def test_equal_seeds_give_equal_counts_on_numpy_and_reference(backend: EngineBackend) -> None:
    circuits = [long_circuit(5, 60), long_circuit(3, 100)]
    other = EngineBackend(DenseEngine(), name="numpy")
    options = {"seed_simulator": 17, "shots": 2000, "memory": True}
    left, right = (one.run(circuits, **options).result(LONG) for one in (backend, other))
    assert left.get_counts() == right.get_counts()
    assert left.get_memory(0) == right.get_memory(0)


def test_circuits_of_a_job_draw_different_numbers(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(6)
    circuit.h(range(6))
    circuit.measure_all()
    first, second = backend.run([circuit, circuit], seed_simulator=1).result().get_counts()
    assert first != second


def test_numpy_arrays_of_single_precision_agree(backend: EngineBackend) -> None:
    circuit = long_circuit(5, 60).remove_final_measurements(inplace=False)
    double, single = (
        backend.run(circuit, statevector=True, precision=one).result().get_statevector().data
        for one in ("double", "single")
    )
    assert np.max(np.abs(double - single)) < 1e-4
