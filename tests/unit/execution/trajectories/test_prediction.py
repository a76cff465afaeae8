"""The predicted work against that of drawn trajectories, counted one by one."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.execution.trajectories.prediction import predicted_evolutions
from simquay.program import Channel, Mixture, Operation, Program
from tests.support.small_gates import h

PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def depolarizing(strength: float) -> Mixture:
    probabilities = np.array([1 - 3 * strength / 4, *[strength / 4] * 3])
    return Mixture(probabilities, tuple(PAULIS))


def drawn(operations: list[Operation], shots: int, rng: np.random.Generator) -> float:
    """The work of drawn trajectories, by a walk of all shots."""
    groups: dict[tuple[tuple[int, int], ...], int] = {(): shots}
    work = 0
    for place, one in enumerate(operations):
        if not isinstance(one, Channel):
            work += len(groups)
            continue
        after: dict[tuple[tuple[int, int], ...], int] = {}
        for errors, count in groups.items():
            for part, number in enumerate(rng.multinomial(count, one.mixture.probabilities)):
                if number:
                    after[(*errors, (place, part)) if part else errors] = int(number)
        groups = after
    return work / sum(not isinstance(one, Channel) for one in operations)


@pytest.mark.parametrize("strength", [1e-4, 1e-3, 1e-2, 0.1])
@pytest.mark.parametrize("shots", [1, 100, 1000])
@pytest.mark.parametrize("sites", [1, 20, 100])
def test_the_prediction_is_that_of_drawn_trajectories(
    strength: float, shots: int, sites: int
) -> None:
    mixture = depolarizing(strength)
    operations: list[Operation] = []
    for _ in range(sites):
        operations += [h(0), Channel(mixture, (0,))]
    operations += [h(0)] * (100 // sites)
    rng = np.random.default_rng(17)
    repeats = 3 if strength > 1e-2 else 15
    expected = np.mean([drawn(operations, shots, rng) for _ in range(repeats)])
    predicted = predicted_evolutions(Program(1, 0, tuple(operations)), shots)
    assert predicted == pytest.approx(expected, rel=0.25)


def test_without_channels_or_shots_there_is_one_evolution() -> None:
    assert predicted_evolutions(Program(1, 0, (h(0),)), 1000) == 1.0
    assert predicted_evolutions(Program(1, 0, (h(0), Channel(depolarizing(0.1), (0,)))), 0) == 1.0


@pytest.mark.parametrize("probability", [1.0, 0.25])
def test_kraus_operators_count_as_they_are_likely_in_a_mixed_state(probability: float) -> None:
    """Amplitude damping: its operators have the shares 0.9 and 0.1 there."""
    damping = np.array([[[1, 0], [0, np.sqrt(0.8)]], [[0, np.sqrt(0.2)], [0, 0]]])
    rest = 1 - probability
    weights = np.array([one for one in (rest, probability) if one])
    ours = Mixture(weights, (PAULIS[0], damping)[-len(weights) :])
    shares = sorted([rest, 0.9 * probability, 0.1 * probability], reverse=True)
    alike = Mixture(np.array(shares), tuple(PAULIS[:3]))
    predicted = [
        predicted_evolutions(Program(1, 0, (h(0), Channel(one, (0,)), h(0)) * 30), 500)
        for one in (ours, alike)
    ]
    assert predicted[0] == pytest.approx(predicted[1])
    assert predicted[0] > 50
