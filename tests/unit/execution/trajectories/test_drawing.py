"""The errors of shots against a loop over sites and parts, with the same draws."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.execution.sampling.randomness import Randomness
from simquay.execution.trajectories.drawing import draw_errors
from simquay.execution.trajectories.segments import Error, Segment
from simquay.program import Channel
from tests.support.noisy_programs import MIXTURES, depolarizing, mixtures


def by_loop(
    segment: Segment, start: int, randomness: Randomness, first: int, shot: int
) -> list[Error]:
    """The errors of one shot."""
    errors: list[Error] = []
    site, taken, survival = start, 0, 1.0
    draw = randomness.of(first, np.array([shot]))[0]
    while site < len(segment.channels):
        mixture = segment.channels[site].mixture
        default = mixture.parts[0].ndim == 2
        before = survival
        survival *= mixture.probabilities[0] if default else 0.0
        if draw >= survival:
            rest = (before - draw) / (before - survival)
            weights = mixture.probabilities[int(default) :]
            [passed] = np.nonzero(np.cumsum(weights) / weights.sum() > rest)
            part = int(passed[0]) + int(default) if len(passed) else len(mixture.parts) - 1
            errors.append((site, part))
            if mixture.parts[part].ndim == 3:
                return errors
            taken, survival = taken + 1, 1.0
            draw = randomness.of(first + taken, np.array([shot]))[0]
        site += 1
    return errors


@pytest.mark.parametrize("seed", range(12))
def test_errors_are_those_of_a_loop_over_sites(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known = mixtures(rng)
    kinds = [*MIXTURES[:2], "relaxation", "phase flip"] if seed % 3 else MIXTURES
    chosen = [known[str(kind)] for kind in rng.choice(kinds, size=int(rng.integers(1, 60)))]
    segment = Segment([Channel(one, tuple(range(one.num_qubits))) for one in chosen])
    shots = np.flatnonzero(rng.random(3000) < 0.2)
    numbers = rng.integers(0, 4, len(shots))
    start = int(rng.integers(0, len(chosen)))
    found = draw_errors(segment, start, Randomness(seed, 0), numbers, shots)
    expected = {
        place: errors
        for place, (number, shot) in enumerate(zip(numbers.tolist(), shots.tolist(), strict=True))
        if (errors := by_loop(segment, start, Randomness(seed, 0), number, shot))
    }
    assert found == expected
    assert [*found] == sorted(found)


def test_each_part_comes_as_often_as_it_should() -> None:
    # Each number is within 5 standard deviations: a false alarm in about 10**5 seeds.
    segment = Segment([Channel(depolarizing(0.3, 2), (0, 1))] * 3)
    shots = np.arange(40_000)
    found = draw_errors(segment, 0, Randomness(5, 0), np.zeros_like(shots), shots)
    errors = [error for some in found.values() for error in some]
    for site in range(3):
        seen = np.bincount([part for place, part in errors if place == site], minlength=16)
        assert seen[0] == 0
        assert np.abs(seen[1:] - 800).max() < 5 * np.sqrt(800)


def test_a_shot_without_errors_takes_one_draw_and_is_left_out() -> None:
    segment = Segment([Channel(depolarizing(0.0), (0,))] * 4)
    shots = np.arange(100)
    assert draw_errors(segment, 0, Randomness(1, 0), np.zeros_like(shots), shots) == {}
