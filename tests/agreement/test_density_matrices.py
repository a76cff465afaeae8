"""Density matrices of noisy circuits beside Aer's density matrix method, on every engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import pytest
from host_device import HostDevice, compile_host_kernels, find_compiler
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import Kraus, SparsePauliOp, random_quantum_channel, random_unitary
from qiskit_aer import AerSimulator
from qiskit_aer import library as aer
from qiskit_aer.noise import (
    QuantumError,
    amplitude_damping_error,
    coherent_unitary_error,
    depolarizing_error,
    kraus_error,
    pauli_error,
    phase_amplitude_damping_error,
    phase_damping_error,
    reset_error,
    thermal_relaxation_error,
)

import simquay
from simquay.simulators.engine.backend import EngineBackend
from simquay_cupy.engine import CupyEngine

_Random: TypeAlias = np.random.Generator


def _pauli(random: _Random) -> QuantumError:
    labels = ["IX", "ZY", "XX", "II"]
    return pauli_error([*zip(labels, random.dirichlet(np.ones(4)), strict=True)])


def _kraus(size: int, random: _Random) -> Kraus:
    return Kraus(random_quantum_channel(size, size, seed=int(random.integers(1000)), rank=3))


CHANNELS: Mapping[str, Callable[[_Random], Any]] = {
    "depolarizing": lambda random: depolarizing_error(random.uniform(0, 0.3), 1),
    "two-qubit depolarizing": lambda random: depolarizing_error(random.uniform(0, 0.3), 2),
    "pauli": _pauli,
    "amplitude damping": lambda random: amplitude_damping_error(random.uniform(0, 0.5), 0.1),
    "phase damping": lambda random: phase_damping_error(random.uniform(0, 0.5)),
    "both dampings": lambda random: phase_amplitude_damping_error(*random.uniform(0, 0.4, 2)),
    "relaxation, T2 < T1": lambda random: thermal_relaxation_error(50, 30, random.uniform(1, 20)),
    "relaxation, T2 > T1": lambda random: thermal_relaxation_error(50, 80, random.uniform(1, 20)),
    "coherent": lambda random: coherent_unitary_error(random_unitary(4, seed=random)),
    "reset": lambda random: reset_error(*random.uniform(0, 0.4, 2)),
    "kraus": lambda random: kraus_error(_kraus(2, random).data),
    "instruction kraus": lambda random: _kraus(4, random).to_instruction(),
}


@pytest.fixture(scope="module", params=["reference", "numpy", "numba", "cupy on the host"])
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    if request.param != "cupy on the host":
        return simquay.get_backend(request.param)
    if find_compiler() is None:
        pytest.skip("no C++ compiler to compile the kernels for the host with")
    folder = tmp_path_factory.getbasetemp().parent / "simquay-kernels"
    folder.mkdir(exist_ok=True)
    return EngineBackend(CupyEngine(HostDevice(compile_host_kernels(folder))), name="host")


def noisy_circuit(num_qubits: int, kinds: list[str], seed: int) -> QuantumCircuit:
    """Gates of many kinds with channels of ``kinds``, and resets, among them."""
    random = np.random.default_rng(seed)
    circuit = QuantumCircuit(num_qubits)
    for _ in range(6 * num_qubits):
        some = [int(qubit) for qubit in random.permutation(num_qubits)]
        angles = random.uniform(-3, 3, 3)
        match random.integers(12):
            case 0:
                circuit.h(some[0])
            case 1:
                circuit.s(some[0])
            case 2:
                circuit.rz(angles[0], some[0])
            case 3:
                circuit.cz(*some[:2])
            case 4:
                circuit.rzz(angles[0], *some[:2])
            case 5:
                circuit.swap(*some[:2])
            case 6:
                circuit.ecr(*some[:2])
            case 7 if num_qubits > 2:
                circuit.ccx(*some[:3])
            case 8 if num_qubits > 2:
                circuit.mcp(angles[0], some[1:], some[0])
            case 9:
                circuit.reset(some[0])
            case 10:
                circuit.cx(*some[:2])
            case _:
                circuit.u(*angles, some[0])
        channel = CHANNELS[kinds[random.integers(len(kinds))]](random)
        if random.random() < 0.5:
            circuit.append(channel, some[: channel.num_qubits])
    return circuit


def data(circuit: QuantumCircuit, backend: Any) -> Mapping[str, Any]:
    if backend is AER:
        circuit = transpile(circuit, AER, optimization_level=0)
    result = backend.run(circuit, method="density_matrix", shots=10).result()
    saved: Mapping[str, Any] = result.data(0)
    return saved


AER = AerSimulator(method="density_matrix")


@pytest.mark.parametrize("kind", CHANNELS)
@pytest.mark.parametrize("num_qubits", range(2, 7))
def test_a_kind_of_channel(backend: Any, num_qubits: int, kind: str) -> None:
    circuit = noisy_circuit(num_qubits, [kind], num_qubits)
    circuit.save_density_matrix()
    found, expected = (data(circuit, one)["density_matrix"] for one in (backend, AER))
    np.testing.assert_allclose(found.data, expected.data, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(8))
def test_all_kinds_together_and_every_save_that_a_density_matrix_has(
    backend: Any, seed: int
) -> None:
    num_qubits = 2 + seed % 5
    circuit = noisy_circuit(num_qubits, [*CHANNELS], seed)
    every = [*range(num_qubits)]
    operator = SparsePauliOp.from_list([("ZX", 1.5), ("YI", -2.0), ("XX", 0.7), ("II", 0.1)])
    circuit.append(aer.SaveDensityMatrix(2), [1, 0])
    circuit.append(aer.SaveProbabilities(num_qubits), every[::-1])
    circuit.append(aer.SaveProbabilitiesDict(2), [1, 0])
    circuit.append(aer.SaveAmplitudesSquared(num_qubits, [3, 0, 1]), every)
    circuit.append(aer.SaveExpectationValue(operator, label="mean"), [1, 0])
    circuit.append(aer.SaveExpectationValueVariance(operator, label="spread"), [0, 1])
    circuit.compose(noisy_circuit(num_qubits, [*CHANNELS], seed + 50), inplace=True)
    found, expected = (data(circuit, one) for one in (backend, AER))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, dict):
            assert found[name] == pytest.approx(value, abs=1e-10)
        else:
            np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-10)


@pytest.mark.parametrize("precision", ["single", "double"])
def test_counts_follow_the_density_matrix(backend: Any, precision: str) -> None:
    """Chi-square of 200,000 shots with 31 degrees of freedom: above 92 with chance 1e-7."""
    circuit = noisy_circuit(5, [*CHANNELS], 3)
    saved = circuit.copy()
    saved.save_probabilities()
    weights = data(saved, AER)["probabilities"]
    circuit.measure_all()
    job = backend.run(
        circuit, method="density_matrix", shots=200_000, seed_simulator=4, precision=precision
    )
    assert job.result().results[0].metadata["method"] == "density_matrix"
    counts = np.zeros(32)
    for key, count in job.result().get_counts().int_outcomes().items():
        counts[key] = count
    possible = weights > 1e-12
    assert not counts[~possible].any()
    means = 200_000 * weights[possible]
    assert means.min() > 10
    assert ((counts[possible] - means) ** 2 / means).sum() < 92
