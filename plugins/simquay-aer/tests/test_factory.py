"""The backends that the factory makes give what Aer gives, and their jobs keep the contract."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

import psutil
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Gate
from qiskit.providers import JobError
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

import simquay
from simquay.jobs.workers.pool import default_workers
from simquay.simulators.options import RunOptionError
from simquay_aer import plugin
from simquay_aer.factory import memory_needed

pytestmark = pytest.mark.timeout(120)


PATIENCE = 60.0


def clifford() -> QuantumCircuit:
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.s(1)
    circuit.cx(1, 2)
    circuit.h(2)
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize("name", plugin.METHODS)
def test_it_gives_what_aer_gives(name: str) -> None:
    method = plugin.METHODS[name][0]
    bare = AerSimulator(method=method).run(clifford(), shots=300, seed_simulator=4).result()
    job = simquay.get_backend(name).run(clifford(), shots=300, seed_simulator=4)
    result = job.result(PATIENCE)
    assert result.get_counts() == bare.get_counts()
    assert result.results[0].metadata["method"] == method
    assert result.backend_name == job.metadata["backend"] == name
    assert job.metadata["isolation"] == "process"


def test_aers_own_options_are_taken() -> None:
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.5, 1), ["h", "s"])
    backend = simquay.get_backend("aer-density-matrix")
    backend.set_options(noise_model=noise)
    noisy = backend.run(clifford(), shots=400, seed_simulator=1).result(PATIENCE).get_counts()
    bare = AerSimulator(method="density_matrix", noise_model=noise)
    assert noisy == bare.run(clifford(), shots=400, seed_simulator=1).result().get_counts()
    assert "noise_model" in str(vars(backend.options))
    with pytest.raises(AttributeError, match="did you mean 'noise_model'"):
        backend.run(clifford(), noise_modle=noise)


def test_a_circuit_with_parameters_takes_aers_binds() -> None:
    from qiskit.circuit import Parameter

    angle = Parameter("angle")
    circuit = QuantumCircuit(1, 1)
    circuit.rx(angle, 0)
    circuit.measure(0, 0)
    job = simquay.get_backend("aer").run(
        circuit, shots=10, parameter_binds=[{angle: [0.0, 3.141592653589793]}]
    )
    assert job.result(PATIENCE).get_counts() == [{"0": 10}, {"1": 10}]


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_what_aer_reports_as_failed_is_a_failed_job(isolation: str) -> None:
    wide = QuantumCircuit(60, name="much too wide")
    wide.h(range(60))
    wide.cx(range(59), range(1, 60))
    wide.measure_all()
    assert AerSimulator(method="statevector").run(wide).result().success is False
    job = simquay.get_backend("aer").run([clifford(), wide], shots=10, isolation=isolation)
    with pytest.raises(
        JobError, match=r"'much too wide' \(number 1 .*Insufficient memory"
    ) as caught:
        job.result(PATIENCE)
    assert job.status().name == "ERROR"
    assert sum(caught.value.partial_result.get_counts().values()) == 10


def test_what_aer_does_not_know_is_a_failed_job_that_names_the_circuit() -> None:
    strange = QuantumCircuit(1, name="strange")
    strange.append(Gate("what", 1, []), [0])
    strange.measure_all()
    job = simquay.get_backend("aer").run([clifford(), strange], shots=10)
    with pytest.raises(JobError, match=r"'strange' \(number 1 of the job\).*what") as caught:
        job.result(PATIENCE)
    assert sum(caught.value.partial_result.get_counts().values()) == 10


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_it_runs_on_an_executor(kind: str) -> None:
    bare = AerSimulator(method="statevector").run(
        [clifford(), clifford()], shots=300, seed_simulator=4, memory=True
    )
    backend = simquay.get_backend("aer")
    executor: Executor
    if kind == "threads":
        executor = ThreadPoolExecutor(1)
    else:
        executor = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    with executor:
        job = backend.run(
            [clifford(), clifford()], shots=300, seed_simulator=4, memory=True, executor=executor
        )
        result = job.result(PATIENCE)
        assert job.metadata["isolation"] == ("process" if kind == "threads" else "executor")
        (task,) = result.metadata["tasks"]
        assert (task["pid"] == os.getpid()) is (kind == "threads")
        for index in range(2):
            assert result.get_memory(index) == bare.result().get_memory(index)
        if kind == "processes":
            with pytest.raises(ValueError, match="option noise_model"):
                backend.run(clifford(), executor=executor, noise_model=NoiseModel())
            saved = clifford()
            saved.save_statevector()
            with pytest.raises(ValueError, match="save_statevector"):
                backend.run(saved, executor=executor)


def test_the_memory_of_a_state_of_known_size_is_reserved() -> None:
    wide = QuantumCircuit(30)
    wide.h(range(30))
    assert memory_needed(wide, {"method": "statevector"}) == 16 << 30
    assert memory_needed(wide, {"method": "statevector", "precision": "single"}) == 8 << 30
    assert memory_needed(wide, {"method": "matrix_product_state"}) == 0
    assert memory_needed(wide, {"method": "statevector", "device": "GPU"}) == 0
    assert memory_needed(clifford(), {"method": "density_matrix"}) == 16 << 6
    idle = QuantumCircuit(40)
    idle.h([0, 39])
    idle.barrier()
    assert memory_needed(idle, {"method": "statevector"}) == 16 << 2
    for name, (method, *_) in plugin.METHODS.items():
        assert dict(simquay.get_backend(name).options)["method"] == method


@pytest.mark.serial
def test_cancelling_kills_the_worker_and_the_next_job_runs() -> None:
    backend = simquay.get_backend("aer")
    long = QuantumCircuit(22)
    for layer in range(400):
        for qubit in range(22):
            long.rx(0.1 + layer, qubit)
        long.cx(range(21), range(1, 22))
    long.measure_all()
    job = backend.run(long, fusion_enable=False)
    deadline = time.monotonic() + PATIENCE
    while not job.running():
        assert time.monotonic() < deadline
    pids = default_workers().pids()
    assert job.cancel() is True
    deadline = time.monotonic() + 1.0
    while all(psutil.pid_exists(pid) for pid in pids):
        assert time.monotonic() < deadline, "the worker is not gone within a second"
    assert sum(backend.run(clifford(), shots=10).result(PATIENCE).get_counts().values()) == 10


def noisy_device() -> GenericBackendV2:
    return GenericBackendV2(3, seed=5)


@pytest.mark.parametrize(
    "given",
    [
        noisy_device,
        lambda: noisy_device().target,
        lambda: NoiseModel.from_backend(noisy_device()).to_dict(),
    ],
    ids=["device", "target", "dictionary"],
)
def test_devices_targets_and_dictionaries_are_noise_models(given: Callable[[], object]) -> None:
    circuit = transpile(clifford(), noisy_device(), seed_transpiler=1)
    model = NoiseModel.from_backend(noisy_device())
    bare = AerSimulator(method="density_matrix", noise_model=model)
    expected = bare.run(circuit, shots=4000, seed_simulator=3).result().get_counts()
    backend = simquay.get_backend("aer-density-matrix")
    run = backend.run(circuit, shots=4000, seed_simulator=3, noise_model=given())
    assert run.result(PATIENCE).get_counts() == expected
    assert len(expected) > 2
    backend.set_options(noise_model=given())
    assert isinstance(backend.options.noise_model, NoiseModel)


@pytest.mark.parametrize("given", [3, "noise", {"errors": 1}])
def test_what_is_no_noise_model_is_the_callers_error(given: object) -> None:
    with pytest.raises(RunOptionError, match="expected an Aer NoiseModel, its to_dict"):
        simquay.get_backend("aer").run(clifford(), noise_model=given)
