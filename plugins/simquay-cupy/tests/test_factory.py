"""The backend that the factory makes, as users get it: found, refused with a reason, replaced, and
run by jobs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from threading import Event, Semaphore
from typing import Any

import numpy as np
import pytest
from host_device import HostDevice

from simquay.engine_api import OutOfMemoryError
from simquay.errors import BackendUnavailableError, SimquayFallbackWarning
from simquay.plugin import Available
from simquay.testing.engines import new_memory_ledgers
from simquay_cupy import factory
from simquay_cupy import probe as probe_module
from simquay_cupy.engine import CupyEngine

pytest.importorskip("qiskit", reason="backends are Qiskit's; engines run without it")

from qiskit import QuantumCircuit  # what follows needs Qiskit
from qiskit.providers import JobError, JobStatus

from simquay import Provider  # it remembers what probes said: one a test


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_module, "driver_version", lambda: None)


@pytest.fixture
def gpu(
    make_host_engine: Callable[[], CupyEngine], monkeypatch: pytest.MonkeyPatch
) -> Iterator[CupyEngine]:
    """A machine whose GPU is the host in disguise."""
    engine = make_host_engine()
    monkeypatch.setattr(probe_module, "probe", Available)
    monkeypatch.setattr(factory, "_engine", engine)
    with new_memory_ledgers():
        yield engine


def ghz(qubits: int) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits)
    circuit.h(0)
    for qubit in range(qubits - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_the_backend_is_listed_with_the_reason() -> None:
    (info,) = [info for info in Provider().backends(all=True) if info.name == "cupy"]
    assert info.device == "gpu"
    assert "no NVIDIA driver" in info.reason
    with pytest.raises(BackendUnavailableError, match=r'no NVIDIA driver.*"\.\[cuda13\]"'):
        Provider().get_backend("cupy")


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_the_fallback_runs_and_says_so() -> None:
    with pytest.warns(SimquayFallbackWarning):
        backend = Provider().get_backend("gpu", fallback="cpu")
    job = backend.run(ghz(4), shots=50, seed_simulator=1)
    assert set(job.result().get_counts()) <= {"0000", "1111"}
    assert job.metadata["device"] == "cpu"
    assert job.metadata["fallback"]


@pytest.mark.parametrize("name", ["cupy", "gpu-statevector", "gpu", "simquay-cupy:cupy"])
@pytest.mark.usefixtures("gpu")
def test_every_name_gives_the_gpu(name: str) -> None:
    backend = Provider().get_backend(name)
    assert backend.name == "cupy"
    job = backend.run(ghz(5), shots=100, seed_simulator=3)
    counts = job.result().get_counts()
    assert (
        counts
        == Provider()
        .get_backend("numpy")
        .run(ghz(5), shots=100, seed_simulator=3)
        .result()
        .get_counts()
    )
    assert job.metadata["engine"] == "cupy"
    assert job.metadata["device"] == "gpu"


@pytest.mark.usefixtures("gpu")
def test_a_state_vector_and_a_mid_circuit_measurement() -> None:
    circuit = QuantumCircuit(13)
    for qubit in range(13):
        circuit.ry(0.1 + qubit, qubit)
        circuit.cx(qubit, (qubit + 1) % 13)
    cupy, numpy = (
        Provider().get_backend(name).run(circuit, statevector=True).result().get_statevector()
        for name in ("cupy", "numpy")
    )
    assert np.abs(np.asarray(cupy) - np.asarray(numpy)).max() < 1e-12
    teleport = QuantumCircuit(3, 3)
    teleport.ry(1.0, 0)
    teleport.h(1)
    teleport.cx(1, 2)
    teleport.cx(0, 1)
    teleport.h(0)
    teleport.measure([0, 1], [0, 1])
    with teleport.if_test((1, 1)):
        teleport.x(2)
    with teleport.if_test((0, 1)):
        teleport.z(2)
    teleport.measure(2, 2)
    one, other = (
        Provider()
        .get_backend(name)
        .run(teleport, shots=2000, seed_simulator=5)
        .result()
        .get_counts()
        for name in ("cupy", "numpy")
    )
    assert one == other


def test_too_large_a_run_fails_with_both_numbers_and_the_next_one_runs(
    gpu: CupyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(gpu.on, HostDevice)
    monkeypatch.setattr(gpu.on, "available_bytes", lambda: 64 << 20)
    backend = Provider().get_backend("cupy")
    job = backend.run(ghz(24), shots=10)
    with pytest.raises(JobError, match=r"256 MiB|272 MiB") as caught:
        job.result(timeout=60)
    assert "64 MiB" in str(caught.value)
    assert isinstance(caught.value.__cause__, OutOfMemoryError)
    assert backend.run(ghz(20), shots=10).result(timeout=60).get_counts()


def test_a_job_that_would_fit_alone_waits_for_the_memory(
    gpu: CupyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(gpu.on, HostDevice)
    # One state of 16 MiB, with 16 MiB for the rest, but not two.
    monkeypatch.setattr(gpu.on, "available_bytes", lambda: 48 << 20)
    began, go = Semaphore(0), Event()
    apply = CupyEngine.apply

    def hold(self: CupyEngine, state: Any, plan: Any, control: Any) -> None:
        began.release()
        assert go.wait(60)
        apply(self, state, plan, control)

    monkeypatch.setattr(CupyEngine, "apply", hold)
    backend = Provider().get_backend("cupy")
    first = backend.run(ghz(20), shots=10)
    assert began.acquire(timeout=60)
    second = backend.run(ghz(20), shots=10)
    assert not began.acquire(timeout=0.3)
    assert second.status() is JobStatus.QUEUED
    go.set()
    for job in (first, second):
        assert set(job.result(timeout=60).get_counts()) <= {"0" * 20, "1" * 20}


def test_the_factory_starts_no_cuda_before_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "simquay_cupy.device.cuda", raising=False)
    for _ in Provider().backends(all=True):
        pass
    assert "simquay_cupy.device.cuda" not in sys.modules
