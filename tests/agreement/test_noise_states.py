"""Final density matrices of noisy circuits, beside Aer's.

The engines run random circuits; the forms of models and channels are read on one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import HGate, UnitaryGate
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import DensityMatrix
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, amplitude_damping_error, depolarizing_error

from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.simulators.engine.backend import EngineBackend
from simquay_numba.engine import NumbaEngine
from tests.support.noise_models import KINDS, random_circuit, random_model
from tests.support.noisy_states import density_matrix
from tests.support.random_circuits import random_unitary

ENGINES: dict[str, Callable[[], Engine]] = {
    "numpy": DenseEngine,
    "reference": ReferenceEngine,
    "numba": NumbaEngine,
    "numba in small tiles": lambda: NumbaEngine(tile=(6, 5), low=(4, 3), small=0, threads=2),
}


@pytest.fixture(scope="module", params=ENGINES)
def backend(request: pytest.FixtureRequest) -> EngineBackend:
    return EngineBackend(ENGINES[request.param](), name="tested")


@pytest.fixture(scope="module")
def numpy() -> EngineBackend:
    return EngineBackend(DenseEngine(), name="numpy")


def by_aer(circuit: QuantumCircuit, model: Any) -> NDArray[np.complex128]:
    saved = circuit.copy()
    saved.save_density_matrix()
    simulator = AerSimulator(method="density_matrix", noise_model=model)
    return np.asarray(simulator.run(saved, shots=1).result().data(0)["density_matrix"])


def by_us(backend: EngineBackend, circuit: QuantumCircuit, **options: Any) -> NDArray[Any]:
    options = {"density_matrix": True, "method": "density_matrix", "shots": 1} | options
    result = backend.run(circuit, **options).result()
    return np.asarray(result.data(0)["density_matrix"])


@cache
def case(
    seed: int, size: int, kinds: tuple[str, ...] = tuple(KINDS)
) -> tuple[QuantumCircuit, Any, NDArray[np.complex128]]:
    """A circuit, a model with errors of these kinds, and the state by Aer."""
    random = np.random.default_rng(seed)
    model, _ = random_model(random, size, kinds)
    circuit = random_circuit(random, size, 12 + 3 * size, channels=len(kinds) > 1)
    return circuit, model, by_aer(circuit, model)


@pytest.mark.parametrize("seed", range(10))
def test_the_oracle_is_right(seed: int) -> None:
    random = np.random.default_rng(seed)
    size = 1 + seed % 4
    model, table = random_model(random, size)
    circuit = random_circuit(random, size, 20)
    found = density_matrix(circuit, table)
    np.testing.assert_allclose(found, by_aer(circuit, model), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_error(backend: EngineBackend, kind: str) -> None:
    circuit, model, expected = case(list(KINDS).index(kind), 3, (kind,))
    found = by_us(backend, circuit, noise_model=model)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(10))
def test_all_kinds_together(backend: EngineBackend, seed: int) -> None:
    circuit, model, expected = case(100 + seed, 2 + seed % 5)
    found = by_us(backend, circuit, noise_model=model)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    single = by_us(backend, circuit, noise_model=model, precision="single")
    np.testing.assert_allclose(single, expected, rtol=0, atol=2e-6)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(300))
def test_many_circuits(backend: EngineBackend, seed: int) -> None:
    circuit, model, expected = case(1000 + seed, 1 + seed % 6)
    found = by_us(backend, circuit, noise_model=model)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_channels_in_the_circuit_alone(numpy: EngineBackend, seed: int) -> None:
    circuit = random_circuit(np.random.default_rng(200 + seed), 4, 30)
    found = by_us(numpy, circuit)
    np.testing.assert_allclose(found, by_aer(circuit, None), rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_dictionaries_of_models(numpy: EngineBackend, seed: int) -> None:
    circuit, model, expected = case(300 + seed, 3)
    found = by_us(numpy, circuit, noise_model=model.to_dict())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_instructions_inside_definitions_have_errors(numpy: EngineBackend, seed: int) -> None:
    random = np.random.default_rng(400 + seed)
    model, _ = random_model(random, 4)
    inner = random_circuit(random, 3, 10)
    circuit = random_circuit(random, 4, 5)
    circuit.append(inner.to_instruction(), [3, 0, 2])
    flat = circuit.decompose(inner.name)
    found = by_us(numpy, circuit, noise_model=model)
    np.testing.assert_allclose(found, by_aer(flat, model), rtol=0, atol=1e-10)


def test_errors_added_twice_act_one_after_the_other(numpy: EngineBackend) -> None:
    random = np.random.default_rng(500)
    model = NoiseModel()
    for kind in ("kraus", "coherent", "relaxation"):
        error = KINDS[kind](random, 1)
        model.add_all_qubit_quantum_error(error, ["u", "sx"], warnings=False)
        model.add_quantum_error(error, ["u"], [1], warnings=False)
    circuit = random_circuit(random, 3, 20, channels=False)
    found = by_us(numpy, circuit, noise_model=model)
    np.testing.assert_allclose(found, by_aer(circuit, model), rtol=0, atol=1e-10)


def test_models_of_a_fake_device(numpy: EngineBackend) -> None:
    device = GenericBackendV2(5, seed=3)
    circuit = random_circuit(np.random.default_rng(600), 4, 15, channels=False)
    for qubit in range(4):
        circuit.delay(2250 * (qubit + 1), qubit)
        circuit.h(qubit)
    circuit = transpile(circuit, device, optimization_level=0, seed_transpiler=1)
    model = NoiseModel.from_backend(device)
    expected = by_aer(circuit, model)
    # Aer's own states are 4e-10 from those of the maps that its model has.
    for one in (device, device.target, model):
        found = by_us(numpy, circuit, noise_model=one)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_a_label_comes_before_a_name(numpy: EngineBackend) -> None:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.3, 1), ["h", "mine"])
    model.add_all_qubit_quantum_error(amplitude_damping_error(0.2), ["x", "unitary"])
    circuit = QuantumCircuit(2)
    for label in (None, "mine", "other", "x"):
        circuit.append(HGate(label=label), [0])
        circuit.append(UnitaryGate(random_unitary(1, 5), label=label), [1])
        circuit.cx(0, 1)
    found = by_us(numpy, circuit, noise_model=model)
    np.testing.assert_allclose(found, by_aer(circuit, model), rtol=0, atol=1e-10)


def test_states_are_states(backend: EngineBackend) -> None:
    circuit, model, _ = case(7, 6)
    state = DensityMatrix(by_us(backend, circuit, noise_model=model))
    assert state.is_valid(atol=1e-9)
    assert state.purity().real < 0.9


def test_a_model_without_errors_gives_the_pure_state(numpy: EngineBackend) -> None:
    circuit = random_circuit(np.random.default_rng(8), 4, 20, channels=False)
    circuit.data = [item for item in circuit.data if item.name != "reset"]
    found = by_us(numpy, circuit, noise_model=NoiseModel())
    np.testing.assert_allclose(found, DensityMatrix(circuit).data, rtol=0, atol=1e-12)
