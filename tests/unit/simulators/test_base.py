"""What every backend of Simquay has: its choice, told in jobs; its provider, pickle and
configuration."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from types import SimpleNamespace
from typing import Any

import pytest
from qiskit import QuantumCircuit

import simquay
from simquay import Provider
from simquay.engines.reference import ReferenceEngine
from simquay.errors import OptionError, SimquayFallbackWarning
from simquay.jobs.errors import UnknownJobError
from simquay.simulators import adapt
from simquay.simulators.engine.backend import EngineBackend


def test_a_fallback_is_told_with_its_reason() -> None:
    backend = EngineBackend(ReferenceEngine(), name="reference")

    def told() -> object:
        return backend.run(bell()).metadata["fallback"]

    assert told() is None
    taken = SimpleNamespace(
        requested="gpu",
        fallback_from="cupy",
        reason="no GPU",
        distribution="simquay",
        name="reference",
    )
    backend.simquay_resolution = taken
    assert told() == {"requested": "gpu", "from": "cupy", "reason": "no GPU"}
    taken.fallback_from = None
    assert told() is None


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize("name", ["numpy", "reference", "basic"])
def test_client_libraries_find_what_they_ask_of_a_backend(name: str) -> None:
    provider = Provider()
    backend = provider.get_backend(name)
    assert backend.provider is provider
    assert type(backend.num_qubits) is int
    assert backend.target.num_qubits == backend.num_qubits
    configuration = backend.configuration()
    assert configuration.backend_name == backend.name == name
    assert configuration.n_qubits == configuration.num_qubits == backend.num_qubits
    assert (configuration.simulator, configuration.local) == (True, True)
    assert configuration.coupling_map is None
    assert {"h", "cx", "u"} <= set(configuration.basis_gates) <= set(backend.operation_names)
    assert "measure" not in configuration.basis_gates
    assert configuration.max_shots >= 10**9
    assert not hasattr(configuration, "max_experiments")  # mthree divides by it
    assert configuration.to_dict()["n_qubits"] == backend.num_qubits


@pytest.mark.parametrize("name", ["numpy", "basic"])
def test_circuits_by_the_keywords_of_other_simulators(name: str) -> None:
    backend = simquay.get_backend(name)
    for given in ({"run_input": bell()}, {"circuits": bell()}, {"circuits": [bell()]}):
        nothing = {"shots": None, "parameter_binds": None, "noise_model": None}
        counts = backend.run(**given, **nothing).result().get_counts()
        assert set(counts) == {"00", "11"}
        assert sum(counts.values()) == 1024
    with pytest.raises(OptionError, match="no option is named 'circuits'"):
        backend.run(bell(), circuits=bell())
    with pytest.raises(TypeError, match="cannot run an object of type NoneType"):
        backend.run(shots=5)


@pytest.mark.parametrize("name", ["numpy", "basic"])
def test_the_provider_finds_a_job_by_its_id(name: str) -> None:
    backend = simquay.get_backend(name)
    job = backend.run(bell(), shots=10)
    assert backend.provider.job(job.job_id()) is job
    counts = job.result().get_counts()
    assert Provider().job(job.job_id()).result().get_counts() == counts
    with pytest.raises(UnknownJobError, match="'nobody'"):
        backend.provider.job("nobody")


@pytest.mark.parametrize("name", ["numpy", "basic"])
def test_a_backend_pickles_by_its_name_with_its_options(name: str) -> None:
    backend = simquay.get_backend(name)
    with ThreadPoolExecutor(1) as executor:
        backend.set_options(shots=77, seed_simulator=5, metadata={"who": "me"}, executor=executor)
        arrived = pickle.loads(pickle.dumps(backend))
    backend.set_options(executor=None)
    assert type(arrived) is type(backend)
    assert (arrived.name, arrived.options.shots) == (name, 77)
    mine, theirs = (one.run(bell()) for one in (backend, arrived))
    assert theirs.metadata == mine.metadata
    assert theirs.result().get_counts() == mine.result().get_counts()


def test_a_pickled_backend_still_tells_of_its_fallback() -> None:
    with pytest.warns(SimquayFallbackWarning):
        backend = simquay.get_backend("gpu", fallback="numpy")
    arrived = pickle.loads(pickle.dumps(backend))
    assert arrived.run(bell()).metadata["fallback"]["requested"] == "gpu"


def counts_of(backend: Any) -> dict[str, int]:
    counts: dict[str, int] = backend.run(bell()).result().get_counts()
    return counts


@pytest.mark.slow
def test_a_backend_goes_to_a_process_pool() -> None:
    backend = simquay.get_backend("numpy")
    backend.set_options(shots=33, seed_simulator=2)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(counts_of, backend).result(60) == counts_of(backend)


def test_an_engine_backend_made_by_hand_does_not_pickle() -> None:
    backend = EngineBackend(ReferenceEngine(), name="mine")
    with pytest.raises(pickle.PicklingError, match=r"'mine' was made by hand.*simquay.get_backend"):
        pickle.dumps(backend)
    with pytest.raises(pickle.PicklingError, match="'mine' was made by hand"):
        pickle.dumps(adapt(backend, name="other"))
    copied = copy.copy(backend)
    assert (copied.name, copied.options.shots) == ("mine", 1024)


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_backend_adapted_by_hand_pickles_with_its_foreign_backend(isolation: str) -> None:
    backend = adapt(simquay.get_backend("numpy"), name="mine", isolation=isolation)
    backend.set_options(shots=77, seed_simulator=5, metadata={"who": "me"})
    arrived = pickle.loads(pickle.dumps(backend))
    assert (arrived.name, arrived.isolation, arrived.options.shots) == ("mine", isolation, 77)
    assert arrived.foreign.name == "numpy"
    mine, theirs = (one.run(bell()) for one in (backend, arrived))
    assert theirs.metadata == mine.metadata
    assert theirs.result().get_counts() == mine.result().get_counts()
