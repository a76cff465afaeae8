"""Primitives with noise: known values, by both methods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp

import simquay
from simquay.errors import SimquayWarning
from simquay.primitives import EstimatorV2, SamplerV2
from simquay.simulators.options import RunOptionError
from tests.support.flips import Flips
from tests.support.job_doubles import LONG

NOISE = Flips({"x": 0.25}, misread=0.1)
"""A bit that is 1 without it is 0 with the probability 0.25 * 0.9 + 0.75 * 0.1 = 0.3."""

METHODS = pytest.mark.parametrize("method", ["automatic", "density_matrix", "trajectories"])


def one() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.x(0)
    return circuit


def measured() -> QuantumCircuit:
    circuit: QuantumCircuit = one().measure_all(inplace=False)
    return circuit


@METHODS
def test_shots_have_the_noise(method: str) -> None:
    options = {"noise_model": NOISE, "method": method}
    job = SamplerV2("numpy", seed=5, options=options).run([measured()], shots=10_000)
    counts = job.result(LONG)[0].data.meas.get_counts()
    assert abs(counts["0"] - 3000) < 5 * 46  # five standard deviations
    backend = simquay.get_backend("numpy", noise_model=NOISE, method=method)
    of_backend = SamplerV2(backend, seed=5).run([measured()], shots=10_000).result(LONG)
    assert of_backend[0].data.meas.get_counts() == counts
    run = backend.run(measured(), shots=10_000, seed_simulator=5).result(LONG)
    assert run.get_counts() == counts
    figures = of_backend[0].metadata["simulator_metadata"]
    assert figures["method"] == run.results[0].metadata["method"]
    assert method in (figures["method"], "automatic")


def test_probabilities_are_exact() -> None:
    sampler = SamplerV2("numpy", options={"noise_model": NOISE})
    result = sampler.probabilities([measured()]).result(LONG)[0]
    np.testing.assert_allclose(result.data.meas, [0.3, 0.7], atol=1e-12)
    assert result.joint() == pytest.approx({"0": 0.3, "1": 0.7}, abs=1e-12)
    assert result.metadata["simulator_metadata"]["method"] == "density_matrix"


@METHODS
def test_values_are_exact_or_say_how_far(method: str) -> None:
    options = {"noise_model": NOISE, "method": method}
    circuit = QuantumCircuit(1)
    for _ in range(3):
        circuit.x(0)
    result = EstimatorV2("numpy", seed=2, options=options).run([(circuit, "Z")]).result(LONG)[0]
    assert abs(result.data.evs + 0.5**3) <= 5 * result.data.stds + 1e-12
    figures = result.metadata["simulator_metadata"]
    if method == "trajectories":
        assert 0 < result.data.stds <= 0.01
        assert figures["method"] == method
        assert 2 <= figures["trajectories"] <= 8
        assert figures["evolutions"] > 1
    else:
        assert (figures["method"], result.data.stds) == ("density_matrix", 0)


@METHODS
def test_values_are_as_precise_as_is_asked_for(method: str) -> None:
    options = {"noise_model": NOISE, "method": method}
    values = []
    for seed in range(60):
        estimator = EstimatorV2("numpy", default_precision=0.1, seed=seed, options=options)
        result = estimator.run([(one(), "Z")]).result(LONG)[0]
        assert result.data.stds == pytest.approx(0.1)
        values.append(float(result.data.evs))
    # Of 60 normal values: a mean and a deviation so far off come once in a million times.
    assert abs(np.mean(values) + 0.5) < 5 * 0.1 / np.sqrt(60)
    assert 0.055 < np.std(values) < 0.15


def test_large_values_take_as_many_trajectories_as_their_precision_needs() -> None:
    options = {"noise_model": NOISE, "method": "trajectories"}
    circuit = QuantumCircuit(2)
    for _ in range(3):
        circuit.x([0, 1])
    large = SparsePauliOp(["ZI", "IZ"], [6.0, 5.0])
    estimator = EstimatorV2("numpy", default_precision=0.5, seed=4, options=options)
    result = estimator.run([(circuit, large)]).result(LONG)[0]
    assert 0.5 <= result.data.stds < 0.6
    assert abs(result.data.evs + 11 * 0.5**3) < 5 * 0.6


def test_points_have_the_noise() -> None:
    angle = Parameter("angle")
    circuit = QuantumCircuit(1)
    circuit.rx(angle, 0)
    estimator = EstimatorV2("numpy", options={"noise_model": Flips({"rx": 0.25})})
    job = estimator.run([(circuit, "Z", [[0.0], [np.pi]])])
    np.testing.assert_allclose(job.result(LONG)[0].data.evs, [0.5, -0.5], atol=1e-12)


def test_noise_that_changes_nothing_is_told() -> None:
    options = {"noise_model": Flips({"sx": 0.5})}
    with pytest.warns(SimquayWarning, match="errors of sx, and the circuits have x") as caught:
        job = EstimatorV2("numpy", options=options).run([(one(), "Z")])
    assert [one.filename for one in caught] == [__file__]
    assert job.result(LONG)[0].data.evs == -1


@pytest.mark.parametrize("kind", [SamplerV2, EstimatorV2])
def test_what_is_no_noise_model_is_refused_at_once(kind: Any) -> None:
    with pytest.raises(RunOptionError, match="no noise model"):
        kind("numpy", options={"noise_model": 3})
