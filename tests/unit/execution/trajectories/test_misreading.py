"""Misread bits of shots and distributions against loops over shots and values."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from simquay.execution.trajectories.misreading import misread_distribution, misread_samples
from simquay.program import Misread


def random_misread(rng: np.random.Generator, clbits: tuple[int, ...]) -> Misread:
    size = 1 << len(clbits)
    probabilities = rng.random((size, size)) * (rng.random((size, size)) < 0.7)
    probabilities += np.eye(size)
    return Misread(clbits, probabilities / probabilities.sum(axis=1, keepdims=True))


def recorded(value: int, misread: Misread, after: int) -> int:
    for place, clbit in enumerate(misread.clbits):
        value = value & ~(1 << clbit) | (after >> place & 1) << clbit
    return value


def row_of(value: int, misread: Misread) -> int:
    return sum((value >> clbit & 1) << place for place, clbit in enumerate(misread.clbits))


def integers(rows: np.ndarray) -> list[int]:
    return [sum(int(word) << 64 * place for place, word in enumerate(row)) for row in rows]


@pytest.mark.parametrize("clbits", [(0,), (3,), (70,), (5, 1), (64, 0, 2), (63, 66)])
def test_each_shot_is_recorded_as_its_draw_says(clbits: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(clbits))
    misread = random_misread(rng, clbits)
    samples = rng.integers(0, 1 << 63, (500, 2), dtype=np.uint64)
    draws = rng.random(500)
    expected = []
    for value, draw in zip(integers(samples), draws, strict=True):
        after, passed = -1, 0.0
        while passed <= draw:
            after += 1
            passed += misread.probabilities[row_of(value, misread), after]
        expected.append(recorded(value, misread, after))
    misread_samples(samples, misread, draws)
    assert integers(samples) == expected


@pytest.mark.parametrize("clbits", [(0,), (70,), (1, 0), (64, 0, 2)])
def test_a_distribution_is_that_of_each_outcome(clbits: tuple[int, ...]) -> None:
    rng = np.random.default_rng(7 + len(clbits))
    misread = random_misread(rng, clbits)
    outcomes = np.unique(rng.integers(0, 8, (6, 2), dtype=np.uint64), axis=0)
    weights = rng.dirichlet(np.ones(len(outcomes)))
    expected: defaultdict[int, float] = defaultdict(float)
    for value, weight in zip(integers(outcomes), weights, strict=True):
        for after, probability in enumerate(misread.probabilities[row_of(value, misread)]):
            if probability:
                expected[recorded(value, misread, after)] += weight * probability
    found, sums = misread_distribution(outcomes, weights, misread)
    assert dict(zip(integers(found), sums, strict=True)) == pytest.approx(expected)


def test_a_draw_of_almost_one_records_a_possible_value() -> None:
    misread = Misread((0, 1), np.array([[1 / 3, 1 / 3, 1 / 3, 0.0]] * 4))
    samples = np.zeros((1, 1), dtype=np.uint64)
    misread_samples(samples, misread, np.array([1 - 2.0**-53]))
    assert samples[0, 0] == 2
