"""Operators that are tried side by side: the samples are those of a stop at each error."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.branching.steps import KrausEvent
from simquay.program import Measure, Operation, Precision, Program, Save
from tests.support.branching import on, saved
from tests.support.noisy_programs import evolved, likelihood, measured, random_noisy
from tests.support.small_gates import NoMemory, h

ENGINES: list[Engine] = [ReferenceEngine(), DenseEngine()]


def noisy(seed: int, kinds: tuple[str, ...] = ("relaxation", "pauli")) -> list[Operation]:
    return random_noisy(np.random.default_rng(seed), 3, 40, kinds)


@pytest.fixture
def stops(monkeypatch):
    """The states in which a single shot has stopped for an error that depends on them."""
    found: list[int] = []
    weights = KrausEvent.weights

    def counted(self, engine, state):
        found.append(state.batch)
        return weights(self, engine, state)

    monkeypatch.setattr(KrausEvent, "weights", counted)
    return found


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("seed", range(3))
def test_samples_are_those_of_stops(
    engine: Engine, precision: Precision, seed: int, stops: list[int]
) -> None:
    program = measured([h(0), h(1), h(2), *noisy(seed)], 3)
    options = {"shots": 60, "seed": seed, "precision": precision, "method": "trajectories"}
    expected = on(engine, program, 1, **options)
    each = sum(stops)
    stops.clear()
    found = on(engine, program, 200, **options)
    assert sum(stops) < each / 2  # of branches of several shots, and of a second such error
    np.testing.assert_array_equal(found["samples"], expected["samples"])
    assert found.metadata["branches"] == expected.metadata["branches"]


@pytest.mark.parametrize("kind", ["damping", "kraus", "mixed", "several kraus"])
def test_parts_of_any_kind_are_tried(kind: str) -> None:
    program = measured(noisy(5, (kind,))[:25], 3)
    expected = on(DenseEngine(), program, 1, shots=40, seed=1, method="trajectories")
    for together in (7, 50):
        found = on(DenseEngine(), program, together, shots=40, seed=1, method="trajectories")
        np.testing.assert_array_equal(found["samples"], expected["samples"])


def test_the_distribution_is_that_of_the_density_matrix() -> None:
    # A false alarm in 10**5 seeds.
    operations = noisy(8)
    program = measured(operations, 3)
    outcome = on(DenseEngine(), program, None, shots=1500, seed=3, method="trajectories")
    assert likelihood(outcome["samples"][:, 0], evolved(operations, 3).probabilities()) > 1e-5


def test_states_keep_norm_1() -> None:
    save = Save("p", "probabilities", "list", qubits=(0, 1, 2))
    program = Program(3, 1, (*noisy(4), save, Measure(0, 0)))
    outcome = on(DenseEngine(), program, 100, shots=50, method="trajectories")
    sums = np.array(saved(outcome, "p")).sum(axis=1)
    np.testing.assert_allclose(sums, 1, atol=1e-12)


def test_without_memory_for_another_vector_shots_stop_at_their_errors() -> None:
    program = measured(noisy(2), 3)
    expected = on(DenseEngine(), program, 50, shots=40, seed=2, method="trajectories")
    found = on(DenseEngine(), program, 50, NoMemory(), shots=40, seed=2, method="trajectories")
    np.testing.assert_array_equal(found["samples"], expected["samples"])
