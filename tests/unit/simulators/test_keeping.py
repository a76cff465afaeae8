"""Jobs that are kept, and resumed: what comes is what would have come."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.providers import JobStatus
from qiskit.result import Result

import simquay
from simquay.errors import SimquayWarning
from simquay.gradients import gradient_job
from simquay.jobs.base import BaseJob
from simquay.jobs.errors import JobStateError
from simquay.jobs.store.kept import KeptSource, kept_job
from simquay.jobs.store.store import JobStore
from simquay.primitives import SamplerV2
from simquay.provider import find_backend
from simquay.simulators import keeping
from simquay.simulators.engine.backend import EngineBackend
from tests.support.dead_jobs import left_by_a_dead_process, tasks_kept
from tests.support.job_doubles import LONG

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    monkeypatch.setenv("SIMQUAY_JOB_STORE", str(tmp_path / "store"))
    return JobStore.default()


def turning(name: str = "turning", qubits: int = 3) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits, name=name, metadata={"of": (name, [1.5, None])})
    for qubit in range(qubits):
        circuit.ry(0.4 + qubit, qubit)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def dynamic() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, name="dynamic")
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.ry(1.0, 1)
    circuit.measure(1, 1)
    return circuit


def saving() -> QuantumCircuit:
    pytest.importorskip("qiskit_aer")
    circuit = QuantumCircuit(2, 1, name="saving")
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.save_statevector("each", pershot=True, conditional=True)
    circuit.ry(0.3, 1)
    circuit.save_expectation_value(_z(), [0, 1], "value")
    return circuit


def _z() -> Any:
    from qiskit.quantum_info import SparsePauliOp

    return SparsePauliOp("ZX")


ANGLE = Parameter("a")


def swept() -> QuantumCircuit:
    circuit = QuantumCircuit(2, name="swept")
    circuit.rx(ANGLE, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def noise() -> Any:
    pytest.importorskip("qiskit_aer")
    from qiskit_aer.noise import NoiseModel, depolarizing_error

    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["ry"])
    return model


SHOTS = {"max_shots_per_task": 30}

RUNS: dict[str, Callable[[], tuple[Any, dict[str, Any]]]] = {
    "one task": lambda: ([turning(), dynamic()], {}),
    "memory": lambda: ([turning()], {"memory": True, **SHOTS}),
    "many circuits": lambda: (
        [turning(str(number)) for number in range(5)],
        {"max_circuits_per_task": 2, **SHOTS},
    ),
    "dynamic": lambda: ([dynamic(), turning()], SHOTS),
    "noise": lambda: ([turning()], {"noise_model": noise(), **SHOTS}),
    "saves": lambda: ([saving()], SHOTS),
    "state": lambda: (
        [QuantumCircuit(2, name=str(number)) for number in range(3)],
        {"statevector": True, "max_circuits_per_task": 1},
    ),
    "binds": lambda: (
        [swept()],
        {"parameter_binds": [{ANGLE: [0.1, 0.7, 2.0]}], "max_circuits_per_task": 1, **SHOTS},
    ),
}


def plain(result: Result) -> list[dict[str, Any]]:
    """What must not depend on how a job ran."""
    found = []
    for one in result.results:
        data = {name: _plain(value) for name, value in one.data.to_dict().items()}
        header = one.header if isinstance(one.header, dict) else one.header.to_dict()
        found.append({"data": data, "header": header, "shots": one.shots, "seed": one.seed})
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return np.asarray(value).tolist() if hasattr(value, "__array__") else value


@pytest.mark.parametrize("name", RUNS)
def test_a_run_whose_process_died_gives_what_it_would_have_given(
    name: str, store: JobStore
) -> None:
    circuits, options = RUNS[name]()
    backend = simquay.get_backend("numpy")
    job = backend.run(circuits, shots=100, seed_simulator=5, **options)
    expected = job.result(LONG)
    assert job.kept
    every = tasks_kept(store, job.job_id())
    assert len(every) == (0 if job.tasks == 1 else job.tasks)
    for done in ({*()}, {*every} - {1}, every):
        left_by_a_dead_process(store, job.job_id(), done)
        assert store.facts(job.job_id()).status is JobStatus.ERROR
        again = keeping.resume(store, job.job_id(), find_backend)
        result = again.result(LONG)
        assert plain(result) == plain(expected)
        assert (again.job_id(), again.metadata, again.created) == (
            job.job_id(),
            job.metadata,
            job.created,
        )
        from_store = {
            number
            for number, task in enumerate(result.to_dict()["metadata"].get("tasks", ()))
            if task.get("from_store")
        }
        assert from_store == done
        assert store.facts(job.job_id()).status is JobStatus.DONE
        assert tasks_kept(store, job.job_id()) == every
        assert plain(store.result(job.job_id())) == plain(expected)
    assert store.facts(job.job_id()).resumed == 3


def test_a_job_that_is_cancelled_is_resumed_by_the_live_object(store: JobStore) -> None:
    with ThreadPoolExecutor(1) as executor:
        backend = EngineBackend(simquay.get_backend("numpy").engine, name="by-hand")
        expected = backend.run(turning(), shots=90, seed_simulator=3, keep=False).result(LONG)
        release = Event()
        executor.submit(release.wait, LONG)
        job = backend.run(turning(), shots=90, seed_simulator=3, executor=executor, **SHOTS)
        with pytest.raises(JobStateError, match="QUEUED"):
            job.resume()
        assert job.cancel()
        release.set()
    again = job.resume()
    assert again is not job
    assert again.result(LONG).get_counts() == expected.get_counts()
    assert again.resume() is again
    with pytest.raises(JobStateError, match="is DONE"):
        job.resume()
    assert simquay.get_backend("numpy").provider.job(job.job_id()) is again


def test_a_resume_takes_an_executor(store: JobStore) -> None:
    backend = simquay.get_backend("numpy")
    job = backend.run(turning(), shots=90, seed_simulator=3)
    expected = job.result(LONG).get_counts()
    left_by_a_dead_process(store, job.job_id())
    with ThreadPoolExecutor(1) as executor:
        result = keeping.resume(store, job.job_id(), find_backend, executor=executor).result(LONG)
    assert result.get_counts() == expected
    assert result.to_dict()["metadata"]["executor"] == "ThreadPoolExecutor"


def test_other_processes_run_what_is_missing(store: JobStore, processes: Executor) -> None:
    backend = simquay.get_backend("numpy")
    circuits = [turning("a"), dynamic()]
    job = backend.run(circuits, shots=90, seed_simulator=3, executor=processes, **SHOTS)
    expected = job.result(LONG)
    every = tasks_kept(store, job.job_id())
    assert len(every) == 6
    left_by_a_dead_process(store, job.job_id(), {1, 4})
    again = keeping.resume(store, job.job_id(), find_backend, executor=processes)
    result = again.result(LONG)
    assert plain(result) == plain(expected)
    tasks = result.to_dict()["metadata"]["tasks"]
    assert [place for place, one in enumerate(tasks) if one.get("from_store")] == [1, 4]
    assert tasks_kept(store, job.job_id()) == every


def test_a_pickled_job_is_kept_and_resumed(store: JobStore) -> None:
    job = simquay.get_backend("numpy").run(turning(), shots=90, seed_simulator=3, **SHOTS)
    counts = job.result(LONG).get_counts()
    left_by_a_dead_process(store, job.job_id(), {0})
    lost = keeping.resume(store, job.job_id(), find_backend, executor=None)
    assert lost.result(LONG).get_counts() == counts
    failed = simquay.get_backend("numpy").run(turning("large", 20), max_memory_mb=1)
    failed.wait_for_final_state(LONG)
    for one in (lost, failed):
        again = pickle.loads(pickle.dumps(one))
        assert again.kept
        resumed = again.resume()
        resumed.wait_for_final_state(LONG)
        assert (resumed.job_id(), resumed.error_message()) == (one.job_id(), one.error_message())


def test_progress_counts_the_tasks_that_have_ended(store: JobStore) -> None:
    backend = simquay.get_backend("numpy")
    job = backend.run(turning(), shots=120, **SHOTS)
    job.result(LONG)
    left_by_a_dead_process(store, job.job_id(), {0, 1, 2})
    with ThreadPoolExecutor(1) as executor:
        release = Event()
        executor.submit(release.wait, LONG)
        again = keeping.resume(store, job.job_id(), find_backend, executor=executor)
        assert again.progress() == 0.75
        release.set()
        again.result(LONG)


def test_failed_circuits_run_again_and_their_partial_result_is_gone(
    store: JobStore,
) -> None:
    backend = simquay.get_backend("numpy")
    circuits = [turning("good"), turning("large", 20)]
    job = backend.run(circuits, seed_simulator=1, max_circuits_per_task=1, max_memory_mb=4)
    job.wait_for_final_state(LONG)
    assert store.facts(job.job_id()).status is JobStatus.ERROR
    assert store.facts(job.job_id()).error == job.error_message()
    assert store.partial_result(job.job_id()).get_counts() is not None
    assert tasks_kept(store, job.job_id()) == {0}
    again = job.resume()
    again.wait_for_final_state(LONG)
    assert again.error_message() == job.error_message()


def test_what_is_not_resumed_says_why(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = simquay.get_backend("numpy")
    job = backend.run(turning())
    job.result(LONG)
    with pytest.raises(JobStateError, match="is DONE and belongs to process"):
        keeping.resume(store, job.job_id(), find_backend)
    left_by_a_dead_process(store, job.job_id())
    monkeypatch.setattr("simquay.simulators.engine.request._REQUEST_FORMAT", 99)
    with pytest.raises(JobStateError, match=r"was kept by Simquay .*has format 1, expected 99"):
        keeping.resume(store, job.job_id(), find_backend)
    monkeypatch.undo()
    by_hand = EngineBackend(backend.engine, name="by-hand")
    job = by_hand.run(turning(), keep=True)
    job.result(LONG)
    left_by_a_dead_process(JobStore.default(), job.job_id())
    with pytest.raises(JobStateError, match="did not come from simquay"):
        keeping.resume(JobStore.default(), job.job_id(), find_backend)
    not_kept = backend.run(turning(), keep=False)
    not_kept.wait_for_final_state(LONG)
    assert not not_kept.kept
    assert not_kept.resume() is not_kept


def test_a_job_is_kept_where_it_says_so_or_the_environment_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = simquay.get_backend("numpy")
    monkeypatch.delenv("SIMQUAY_JOB_STORE", raising=False)
    assert not backend.run(turning()).kept
    monkeypatch.setenv("SIMQUAY_JOB_STORE", str(tmp_path))
    assert backend.run(turning()).kept
    assert not backend.run(turning(), keep=False).kept
    backend.set_options(keep=False)
    assert not backend.run(turning()).kept
    job = backend.run(turning(), keep=True, tags=["a", "b"])
    assert job.metadata["tags"] == ["a", "b"]
    assert JobStore.default().facts(job.job_id()).tags == ("a", "b")
    (circuit,) = JobStore.default().circuits(job.job_id())
    assert circuit == turning()


def test_a_store_that_cannot_be_written_harms_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("SIMQUAY_JOB_STORE", str(tmp_path / "file"))
    backend = simquay.get_backend("numpy")
    with pytest.warns(SimquayWarning, match="goes on, but is not kept") as caught:
        job = backend.run(turning(), shots=10)
    assert len(caught) == 1
    assert not job.kept
    assert sum(job.result(LONG).get_counts().values()) == 10


def test_a_job_of_a_moved_engine_is_not_resumed(store: JobStore) -> None:
    backend = simquay.get_backend("numpy")
    job = backend.run(turning())
    job.result(LONG)
    left_by_a_dead_process(store, job.job_id())
    with pytest.raises(JobStateError, match="has 'reference' here"):
        keeping.resume(store, job.job_id(), lambda name: simquay.get_backend("reference"))


def unwritable() -> QuantumCircuit:
    """A circuit that QPY cannot hold."""
    circuit = turning()
    circuit.metadata = {"object": object()}
    return circuit


def test_a_run_where_warnings_are_errors_is_kept_and_does_not_stay_queued(
    store: JobStore, caplog: pytest.LogCaptureFixture
) -> None:
    backend = simquay.get_backend("numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        job = backend.run(unwritable(), shots=10)
        assert sum(job.result(LONG).get_counts().values()) == 10
    assert "is kept without the circuits" in caplog.text
    assert [one.status for one in store.list()] == [JobStatus.DONE]


def test_the_answer_of_another_format_is_run_again(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = simquay.get_backend("numpy")
    job = backend.run([turning(), turning("b")], max_circuits_per_task=1, seed_simulator=4)
    expected = job.result(LONG).get_counts()
    left_by_a_dead_process(store, job.job_id(), {0, 1})
    monkeypatch.setattr("simquay.simulators.engine.request._ANSWER_FORMAT", 99)
    with pytest.warns(SimquayWarning, match=r"task [01] of job .* runs again.*has format 1"):
        again = keeping.resume(store, job.job_id(), find_backend)
    result = again.result(LONG)
    assert result.get_counts() == expected
    assert not any("from_store" in task for task in result.metadata["tasks"])


def _gradient() -> BaseJob:
    return gradient_job("numpy", [(swept().remove_final_measurements(inplace=False), "ZZ", [0.2])])


def _foreign_sampler() -> BaseJob:
    return SamplerV2(simquay.get_backend("basic")).run([turning()], shots=5)


@pytest.mark.parametrize(
    ("start", "why"),
    [(_gradient, "with your observables and values"), (_foreign_sampler, "run your pubs again")],
)
def test_jobs_of_other_kinds_say_why_they_are_not_resumed(
    store: JobStore, start: Callable[[], BaseJob], why: str
) -> None:
    job = start()
    job.result(LONG)
    assert job.kept
    left_by_a_dead_process(store, job.job_id())
    with pytest.raises(JobStateError, match=why):
        keeping.resume(store, job.job_id(), find_backend)


def test_a_live_job_and_the_kept_one_tell_the_same(store: JobStore) -> None:
    live = simquay.get_backend("numpy").run(turning(), shots=5)
    live.result(LONG)
    assert simquay.job(live.job_id()) is live
    facts = store.facts(live.job_id())
    kept = kept_job(facts, KeptSource(store, None, keeping.resume))
    copied = pickle.loads(pickle.dumps(live))
    for job in (live, copied):
        assert (job.created, job.started, job.ended) == (kept.created, kept.started, kept.ended)
        assert (job.host, job.versions) == (kept.host, kept.versions)
        assert job.circuits() == kept.circuits() == [turning()]
    assert live.tasks == kept.tasks == 1
    names = {name for name in dir(kept) if name[0] != "_"} - {"facts"}
    assert names <= set(dir(live))


def test_a_live_job_that_is_not_kept_has_times_but_no_circuits() -> None:
    job = simquay.get_backend("numpy").run(turning(), shots=5, keep=False)
    job.result(LONG)
    assert job.started is not None
    assert job.ended is not None
    assert job.created <= job.started <= job.ended
    with pytest.raises(JobStateError, match=r"not kept \(keep=True\), so it has no circuits"):
        job.circuits()
