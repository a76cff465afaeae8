"""Primitives with noise: known values, by both methods."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit import QuantumCircuit

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
