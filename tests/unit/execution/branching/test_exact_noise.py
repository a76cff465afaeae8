"""Means with noise over trajectories, and their standard errors, against density matrices."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import Pauli

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.branching.compiler import compile_steps
from simquay.execution.branching.deferral import defer
from simquay.execution.branching.exact import clean_share
from simquay.execution.observables.values import Estimates
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, RunContext
from simquay.program import Channel, Measure, Operation, Program, Reset
from tests.support.noisy_programs import damping, depolarizing, evolved, measured
from tests.support.observables import observable
from tests.support.small_gates import cx, h, plenty, ry

LABELS = ["ZII", "XXI", "IYZ", "ZZZ"]


def means(program: Program, error: float, engine: Engine | None = None, seed: int = 0) -> Outcome:
    some = tuple([observable(3, {label: 1.0}) for label in LABELS])
    wanted = {
        "expectation": Estimates(some, (tuple(range(len(some))),), error),
        "probabilities": True,
    }
    context = RunContext(shots=0, seed=seed, method="trajectories", wanted=wanted)
    engine = engine or ReferenceEngine()
    return run_program(program, engine, context, Control(), memory=plenty())


def faint(strength: float) -> list[Operation]:
    channel = Channel(depolarizing(strength, 2), (0, 1))
    return [ry(0.3, 0), cx(0, 1), channel, h(2), cx(1, 2), channel, ry(0.2, 1), channel]


@pytest.mark.parametrize("engine", [ReferenceEngine(), DenseEngine()])
@pytest.mark.parametrize("strength", [1e-3, 0.05])
def test_means_are_those_of_the_density_matrix_within_their_errors(
    strength: float, engine: Engine
) -> None:
    # Each mean is within 5 standard errors of it.
    operations = faint(strength)
    state = evolved(operations, 3)
    outcome = means(Program(3, 0, tuple(operations)), 0.01, engine)
    [found, errors] = outcome["expectation"]
    expected = [state.expectation_value(Pauli(label)).real for label in LABELS]
    assert (np.abs(found - expected) <= 5 * errors + 1e-9).all()
    share = 1 - (1 - strength) ** 3
    assert errors.max() <= 0.011 * share**0.5
    assert outcome.metadata["method"] == "trajectories"
    assert 1 < outcome.metadata["evolutions"] < 100


@pytest.mark.parametrize("strength", [1e-3, 0.05])
def test_the_distribution_is_that_of_the_density_matrix(strength: float) -> None:
    operations = faint(strength)
    outcome = means(measured(operations, 3), 0.01)
    keys, weights = outcome["probabilities"]
    assert weights.sum() == pytest.approx(1)
    exact = np.zeros(8)
    exact[keys[:, 0].astype(int)] = weights
    # The whole error is that of the share with errors.
    share = 1 - (1 - strength) ** 3
    expected = evolved(operations, 3).probabilities()
    np.testing.assert_allclose(exact, expected, atol=0.05 * share)


def test_strong_noise_and_parts_without_a_default_are_means_over_all_trajectories() -> None:
    operations = [ry(0.3, 0), Channel(damping(0.4), (0,)), h(1), cx(0, 1), cx(1, 2)]
    state = evolved(operations, 3)
    outcome = means(Program(3, 0, tuple(operations)), 0.02)
    [found, errors] = outcome["expectation"]
    expected = [state.expectation_value(Pauli(label)).real for label in LABELS]
    assert (np.abs(found - expected) <= 5 * errors + 1e-9).all()
    assert errors.max() <= 0.021


def test_the_share_without_errors_is_the_product_of_all_defaults() -> None:
    channel = Channel(depolarizing(0.1), (0,))
    gates = [one for _ in range(100) for one in (h(0), channel)]

    def share(*operations: Operation) -> float:
        return clean_share(compile_steps(defer(Program(1, 1, operations))))

    assert share(*gates) == pytest.approx(0.9**100)
    assert share(h(0), channel, Measure(0, 0)) == pytest.approx(0.9)
    # A measurement in the middle makes several states without an error.
    assert share(h(0), channel, Reset(0), h(0)) == 0.0
    assert share(h(0), Channel(damping(0.1), (0,))) < 1e-300


def test_a_precision_takes_fewer_trajectories_where_most_have_no_error() -> None:
    few = means(Program(3, 0, tuple(faint(1e-3))), 0.01).metadata["evolutions"]
    many = means(Program(3, 0, tuple(faint(0.05))), 0.01).metadata["evolutions"]
    assert few < many
