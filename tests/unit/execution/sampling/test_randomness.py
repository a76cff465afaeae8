"""Draws are words of Philox streams, however they are asked for."""

from __future__ import annotations

import numpy as np

from simquay.execution.sampling.randomness import Randomness


def test_a_draw_is_a_word_of_a_philox_stream() -> None:
    key = np.random.SeedSequence(11, spawn_key=(4,)).generate_state(2, np.uint64)
    for draw in (0, 1, 7):
        stream = np.random.Generator(np.random.Philox(key=key, counter=draw << 128))
        expected = stream.random(50)  # NumPy's own way from words to numbers in [0, 1)
        np.testing.assert_array_equal(Randomness(11, 4).consecutive(draw, 0, 50), expected)


def test_draws_do_not_depend_on_how_shots_are_asked_for() -> None:
    whole = Randomness(5, 0).consecutive(2, 0, 100_000)
    generator = np.random.default_rng(1)
    for first, count in ((0, 1), (1, 5), (3, 1000), (16_383, 3), (99_999, 1)):
        part = Randomness(5, 0).consecutive(2, first, count)
        np.testing.assert_array_equal(part, whole[first : first + count])
    scattered = np.sort(generator.choice(100_000, 5000, replace=False))
    randomness = Randomness(5, 0)
    for _ in range(2):  # the second time from what was kept
        np.testing.assert_array_equal(randomness.of(2, scattered), whole[scattered])
    for few in ([7], [0, 2], [5, 900, 40_000], [3, 4, 5, 6, 7, 9], [1, 2, 3, 50_000, 99_999]):
        np.testing.assert_array_equal(randomness.of(2, np.array(few)), whole[few])
    np.testing.assert_array_equal(randomness.of(2, range(5, 50)), whole[5:50])
    for draw in range(60):  # more than are kept
        randomness.of(draw, scattered)
    np.testing.assert_array_equal(randomness.of(2, scattered), whole[scattered])
    assert randomness.of(2, np.empty(0, dtype=np.int64)).size == 0


def test_streams_of_seeds_circuits_and_draws_differ() -> None:
    streams = [
        Randomness(seed, circuit).consecutive(draw, 0, 8)
        for seed in (0, 1, 1 << 32, 1 << 64, 1 << 200)
        for circuit in (0, 1, 2)
        for draw in (0, 1)
    ]
    assert len({stream.tobytes() for stream in streams}) == len(streams)


def test_draws_are_uniform() -> None:
    # Chi-square with 255 degrees of freedom: above 392 with probability 1e-7.
    numbers = Randomness(3, 0).consecutive(0, 0, 256_000)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts = np.bincount((numbers * 256).astype(int), minlength=256)
    assert ((counts - 1000) ** 2 / 1000).sum() < 392


def test_each_shot_may_take_another_draw() -> None:
    rng = np.random.default_rng(2)
    randomness = Randomness(4, 1, first_shot=7)
    shots = rng.permutation(500)[:200]
    for draws in (rng.integers(0, 5, 200), np.full(200, 3)):
        for order in (shots, np.sort(shots)):
            found = randomness.each(draws, order)
            expected = [
                randomness.consecutive(draw, shot, 1)[0]
                for draw, shot in zip(draws.tolist(), order.tolist(), strict=True)
            ]
            np.testing.assert_array_equal(found, expected)
    assert len(randomness.each(draws[:0], shots[:0])) == 0
