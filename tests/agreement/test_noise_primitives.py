"""Expectation values and samples of noisy circuits through the primitives.

Exact values are compared to 1e-10. Estimated ones are to be within 6 of their standard errors: a
right estimator fails one of the about 400 comparisons here with probability 1e-6 (seeds are fixed).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import DensityMatrix, SparsePauliOp
from qiskit_aer.noise import NoiseModel
from scipy import stats

from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.primitives import EstimatorV2, SamplerV2
from simquay.simulators.engine.backend import EngineBackend
from simquay_numba.engine import NumbaEngine
from tests.support.noise_models import random_circuit, random_dynamic, random_model
from tests.support.noisy_states import Table, chi_square, density_matrix, distribution

ENGINES = {"numpy": DenseEngine, "reference": ReferenceEngine, "numba": NumbaEngine}


@pytest.fixture(scope="module", params=ENGINES)
def backend(request: pytest.FixtureRequest) -> EngineBackend:
    return EngineBackend(ENGINES[request.param](), name="tested")


@pytest.fixture(scope="module")
def numpy() -> EngineBackend:
    return EngineBackend(DenseEngine(), name="numpy")


def observables(random: np.random.Generator, size: int) -> list[SparsePauliOp]:
    letters = list("IXYZ")
    found = []
    for terms in (1, 1, 3, 6):
        labels = ["".join(random.choice(letters, size)) for _ in range(terms)]
        found.append(SparsePauliOp(labels, random.normal(size=terms)))
    return found


def exact(circuit: QuantumCircuit, table: Table, wanted: list[SparsePauliOp]) -> NDArray[Any]:
    state = DensityMatrix(density_matrix(circuit, table))
    return np.array([state.expectation_value(one).real for one in wanted])


@pytest.mark.parametrize("seed", range(6))
def test_exact_values(backend: EngineBackend, seed: int) -> None:
    random = np.random.default_rng(seed)
    size = 2 + seed % 4
    model, table = random_model(random, size)
    circuit, wanted = random_circuit(random, size, 20), observables(random, size)
    estimator = EstimatorV2(backend, options={"noise_model": model})
    data = estimator.run([(circuit, wanted)]).result()[0].data
    np.testing.assert_allclose(data.evs, exact(circuit, table, wanted), rtol=0, atol=1e-10)
    np.testing.assert_array_equal(data.stds, 0)


@pytest.mark.parametrize("seed", range(6))
def test_values_of_trajectories(backend: EngineBackend, seed: int) -> None:
    random = np.random.default_rng(100 + seed)
    size = 2 + seed % 4
    model, table = random_model(random, size)
    circuit, wanted = random_circuit(random, size, 20), observables(random, size)
    options = {"noise_model": model, "method": "trajectories"}
    estimator = EstimatorV2(backend, options=options, seed=3)
    data = estimator.run([(circuit, wanted)], precision=0.03).result()[0].data
    apart = abs(data.evs - exact(circuit, table, wanted))
    assert (apart <= 6 * data.stds + 1e-9).all()


@pytest.mark.parametrize("seed", range(6))
def test_values_of_dynamic_circuits(numpy: EngineBackend, seed: int) -> None:
    random = np.random.default_rng(200 + seed)
    model, table = random_model(random, 3)
    circuit, wanted = random_dynamic(random, 3, 2, 6), observables(random, 3)
    estimator = EstimatorV2(numpy, options={"noise_model": model}, seed=4)
    data = estimator.run([(circuit, wanted)], precision=0.03).result()[0].data
    apart = abs(data.evs - exact(circuit, table, wanted))
    assert (apart <= 6 * data.stds + 1e-9).all()


def test_the_stated_errors_are_the_errors(numpy: EngineBackend) -> None:
    """Of 30 runs, the sum of squares in units of the stated errors is chi-square."""
    random = np.random.default_rng(5)
    model, table = random_model(random, 3)
    circuit, wanted = random_circuit(random, 3, 20), [SparsePauliOp(["XYZ"])]
    expected = exact(circuit, table, wanted)
    options = {"noise_model": model, "method": "trajectories"}
    total = 0.0
    for seed in range(30):
        estimator = EstimatorV2(numpy, options=options, seed=seed)
        data = estimator.run([(circuit, wanted)], precision=0.1).result()[0].data
        total += float(((data.evs - expected) / data.stds)[0] ** 2)
    assert 1e-6 < stats.chi2.sf(total, 30) < 1 - 1e-6


@pytest.mark.parametrize("method", ["automatic", "trajectories", "density_matrix"])
def test_sweeps(backend: EngineBackend, method: str) -> None:
    random = np.random.default_rng(6)
    model, table = random_model(random, 3)
    angles = ParameterVector("t", 4)
    circuit = QuantumCircuit(3)
    circuit.u(angles[0], angles[1], 0.2, 0)
    circuit.cx(0, 1)
    circuit.rzz(angles[2] + 0.5, 1, 2)
    circuit.u(1.0, angles[3], 0.1, 2)
    points = random.uniform(-3, 3, (5, 4))
    wanted = observables(random, 3)
    options = {"noise_model": model, "method": method}
    estimator = EstimatorV2(backend, options=options, seed=7)
    pub = circuit, [[one] for one in wanted], points
    precision = 0.03 if method == "trajectories" else 0.0
    data = estimator.run([pub], precision=precision).result()[0].data
    for place, point in enumerate(points):
        expected = exact(circuit.assign_parameters(point), table, wanted)
        limit = 6 * data.stds[:, place] + 1e-9
        assert (abs(data.evs[:, place] - expected) <= limit).all()
    measured = circuit.measure_all(inplace=False)
    sampler = SamplerV2(backend, options=options, seed=8)
    bits = sampler.run([(measured, points)], shots=4000).result()[0].data.meas
    for place, point in enumerate(points):
        counts = bits.get_int_counts(place)
        chances = distribution(measured.assign_parameters(point), table)
        assert chi_square(counts, chances) > 1e-6


def test_a_backend_with_a_model_gives_it_to_the_primitives() -> None:
    random = np.random.default_rng(9)
    model, table = random_model(random, 3)
    circuit, wanted = random_circuit(random, 3, 20), observables(random, 3)
    backend = EngineBackend(DenseEngine(), name="noisy", noise_model=model)
    data = EstimatorV2(backend).run([(circuit, wanted)]).result()[0].data
    np.testing.assert_allclose(data.evs, exact(circuit, table, wanted), rtol=0, atol=1e-10)
    ideal = EstimatorV2(backend, options={"noise_model": NoiseModel()})
    other = ideal.run([(circuit, wanted)]).result()[0].data
    assert abs(other.evs - data.evs).max() > 1e-3
