"""Gradients with noise, against differences of density matrices that Qiskit and Aer evolve."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import RXGate, efficient_su2
from qiskit.circuit.library import standard_gates as library
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import (
    DensityMatrix,
    Kraus,
    SparsePauliOp,
    random_pauli_list,
    random_quantum_channel,
    random_statevector,
)
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    NoiseModel,
    amplitude_damping_error,
    depolarizing_error,
    phase_damping_error,
    reset_error,
    thermal_relaxation_error,
)

from simquay.circuits.lowering.angles import DIFFERENCES
from simquay.errors import ProgramError, SimquayWarning
from simquay.gradients import gradient_job, value_and_gradient
from simquay.jobs.errors import JobFailedError
from simquay.primitives import EstimatorV2
from simquay.simulators.options import RunOptionError

ENGINES = ["numpy", "reference"]


def an_observable(num_qubits, seed=0):
    paulis = random_pauli_list(num_qubits, 6, seed=seed, phase=False)
    return SparsePauliOp(paulis, np.random.default_rng(seed).uniform(-1, 1, 6))


def aers_state(circuit, noise):
    saved = circuit.copy()
    saved.save_density_matrix()
    simulator = AerSimulator(method="density_matrix", noise_model=noise)
    return DensityMatrix(simulator.run(saved, shots=1).result().data(0)["density_matrix"])


def differences(value, values, step=4):
    """The gradient of ``value``, whose error is some 1e-12 for the few gates here."""
    found = np.zeros(len(values))
    for place in range(len(values)):
        for shift, weight in DIFFERENCES:
            moved = np.array(values)
            moved[place] += step * shift
            found[place] += weight / step * value(moved)
    return found


def check(circuit, observable, values, state, engine="numpy", **options):
    """``state`` gives the density matrix of a circuit."""

    def value(row):
        found = state(circuit.assign_parameters(row)).expectation_value(observable)
        return float(np.real(found))

    found = value_and_gradient(engine, circuit, observable, values, **options)
    assert found.values == pytest.approx(value(values), abs=1e-12)
    np.testing.assert_allclose(found.gradients, differences(value, values), rtol=0, atol=1e-9)


def damping(strength):
    return Kraus([np.diag([1, (1 - strength) ** 0.5]), [[0, strength**0.5], [0, 0]]])


def dephasing(strength):
    return Kraus([np.diag([1, (1 - strength) ** 0.5]), np.diag([0, strength**0.5])])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(8))
def test_channels_in_random_circuits(engine, seed):
    rng = np.random.default_rng(seed)
    angles = ParameterVector("a", 3)
    circuit = QuantumCircuit(5, global_phase=angles[0] * angles[1])
    if seed % 2:
        circuit.prepare_state(random_statevector(4, seed=seed), [0, 2])
    kinds = [
        *((library.RXGate, 1), (library.CRYGate, 1), (library.PhaseGate, 1), (library.UGate, 3)),
        *((library.CU3Gate, 3), (library.RZZGate, 1), (library.RZXGate, 1), (library.RGate, 2)),
        *((library.CUGate, 4), (library.RYYGate, 1), (library.XXPlusYYGate, 2)),
    ]
    others = [library.CXGate(), library.SwapGate(), library.CZGate(), library.iSwapGate()]
    channels = [
        *(damping(0.1), damping(1.0), dephasing(0.2), dephasing(1.0)),
        Kraus(random_quantum_channel(4, 4, rank=2, seed=seed)),
    ]
    for _ in range(10):
        kind, count = kinds[rng.integers(len(kinds))]
        own = [angles[rng.integers(3)] * float(rng.uniform(-1, 1)) + 0.1 for _ in range(count)]
        gate = kind(*own)
        circuit.append(gate, rng.permutation(4)[: gate.num_qubits].tolist())
        circuit.append(others[rng.integers(4)], rng.permutation(4)[:2].tolist())
        channel = channels[rng.integers(5)]
        circuit.append(channel.to_instruction(), rng.permutation(4)[: channel.num_qubits].tolist())
    check(circuit, an_observable(5, seed), rng.uniform(-2, 2, 3), DensityMatrix, engine)


def a_model(strength):
    """Errors by names, by labels, and of certain qubits; of strength 1 none has an inverse."""
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(strength, 1), ["ry", "mine"])
    noise.add_all_qubit_quantum_error(depolarizing_error(strength, 2), ["cx"])
    noise.add_quantum_error(amplitude_damping_error(strength), ["rz"], [0])
    noise.add_quantum_error(phase_damping_error(strength), ["rz"], [1])
    noise.add_quantum_error(thermal_relaxation_error(50, 60, 80 * strength), ["rz"], [2])
    noise.add_quantum_error(reset_error(strength), ["rx"], [1])
    return noise


@pytest.mark.parametrize("strength", [0.01, 0.5, 1.0])
@pytest.mark.parametrize("engine", ENGINES)
def test_errors_of_a_model_hit_the_gates_of_their_names_and_labels(engine, strength):
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(3)
    circuit.ry(a, 0)
    circuit.append(RXGate(b, label="mine"), [2])
    circuit.cx(0, 1)
    circuit.rz(a * b, 0)
    circuit.rz(b, 1)
    circuit.rx(a, 1)
    circuit.cx(1, 2)
    circuit.rx(b, 1)
    circuit.rz(a, 2)
    circuit.cp(b, 2, 0)
    circuit.ry(b, 0)
    noise = a_model(strength)
    options = {"noise_model": noise}
    observable = SparsePauliOp(["ZII", "IZI", "XIX", "YZI", "IIX"], [1, 0.5, 0.3, -0.4, 0.9])
    check(circuit, observable, [0.6, -0.9], lambda one: aers_state(one, noise), engine, **options)


def test_many_strong_errors():
    """The inverses of all of them together would make errors of rounding 1e20 times as large."""
    circuit = efficient_su2(3, reps=6)
    noise = NoiseModel()
    for name in ("ry", "rz"):
        noise.add_quantum_error(depolarizing_error(0.97, 1), [name], [2])
    values = np.random.default_rng(3).uniform(-1, 1, circuit.num_parameters)
    observable = SparsePauliOp(["IZX", "IXZ", "ZII"], [1, 1, 100])
    check(circuit, observable, values, lambda one: aers_state(one, noise), noise_model=noise)


def test_points_run_together():
    circuit = efficient_su2(2, reps=1)
    values = np.random.default_rng(1).uniform(-1, 1, (7, 8))
    options = {"noise_model": a_model(0.3)}
    observables = [an_observable(2), "ZX"]
    together = value_and_gradient("numpy", circuit, observables, values, **options)
    assert together.gradients.shape == (7, 2, 8)
    for row, value, gradient in zip(values, *together, strict=True):
        alone = value_and_gradient("numpy", circuit, observables, row, **options)
        np.testing.assert_allclose(value, alone.values, atol=1e-13)
        np.testing.assert_allclose(gradient, alone.gradients, atol=1e-13)


def test_gates_that_only_their_matrix_tells():
    a = Parameter("a")
    circuit = QuantumCircuit(2)
    circuit.append(RXGate(a).power(0.3, annotated=True), [0])
    circuit.append(damping(0.3).to_instruction(), [0])
    circuit.cx(0, 1)
    circuit.ry(a, 1)
    check(circuit, an_observable(2), [0.7], DensityMatrix)


def test_the_noise_of_a_device_of_many_qubits():
    device = GenericBackendV2(80, seed=3, noise_info=True)
    circuit = transpile(efficient_su2(3, reps=1), device, seed_transpiler=1)
    observable = SparsePauliOp(["ZZI", "XIX"]).apply_layout(circuit.layout)
    values = np.linspace(-1, 1, circuit.num_parameters)
    estimator = EstimatorV2("numpy", options={"noise_model": device})
    moved = np.array([values, values, values])
    moved[1, 2] += np.pi / 2
    moved[2, 2] -= np.pi / 2
    value, plus, minus = estimator.run([(circuit, observable, moved)]).result()[0].data.evs
    found = value_and_gradient("numpy", circuit, observable, values, noise_model=device)
    assert found.values == pytest.approx(value, abs=1e-12)
    assert found.gradients[2] == pytest.approx((plus - minus) / 2, abs=1e-12)


def test_single_precision():
    circuit = efficient_su2(2, reps=2)
    values = np.linspace(-1, 1, circuit.num_parameters)
    noise = a_model(0.2)
    double, single = [
        value_and_gradient("numpy", circuit, "ZX", values, noise_model=noise, precision=one)
        for one in ("double", "single")
    ]
    assert 1e-12 < np.abs(single.gradients - double.gradients).max() < 1e-5


def test_what_is_refused_and_warned_of():
    circuit = efficient_su2(2, reps=1)
    noise = a_model(0.1)
    args = "numpy", circuit, "ZZ", np.zeros(8)
    with pytest.raises(RunOptionError, match="method='trajectories'"):
        value_and_gradient(*args, noise_model=noise, method="trajectories")
    measured = QuantumCircuit(1, 1)
    measured.ry(Parameter("a"), 0)
    measured.measure(0, 0)
    with pytest.raises(ProgramError, match="remove measurements"):
        value_and_gradient("numpy", measured, "Z", [0.1], noise_model=noise)
    other = NoiseModel()
    other.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["sx"])
    with pytest.warns(SimquayWarning, match="no errors of the instructions"):
        value_and_gradient(*args, noise_model=other)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gradient_job("numpy", [args[1:]], noise_model=noise).result()
    wide = efficient_su2(12, reps=1)
    with pytest.raises(JobFailedError, match="two density matrices, of 4"):
        value_and_gradient(
            "numpy", wide, "Z" * 12, np.zeros(48), noise_model=noise, max_memory_mb=100
        )
    wide = efficient_su2(25, reps=1)
    with pytest.raises(JobFailedError, match=r"available.*two density matrices"):
        value_and_gradient("numpy", wide, "Z" * 25, np.zeros(100), noise_model=noise)
