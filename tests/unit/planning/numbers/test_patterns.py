"""Patterns: entries of gates by hand, and that clipping finds ones and zeros."""

from __future__ import annotations

import numpy as np

from simquay.planning.numbers.patterns import ONE, ZERO, diagonal_pattern, matrix_pattern

POOL = np.array([1, 2, 3, 4, 5, 0])


def entries(pattern: np.ndarray, start: int) -> list[int]:
    found: list[int] = POOL.take(pattern + start, mode="clip").tolist()
    return found


def test_a_matrix_on_the_higher_of_two_bits() -> None:
    found = entries(matrix_pattern(2, "m", (1,), (), 0, b""), 1)
    assert found == [2, 0, 3, 0, 0, 2, 0, 3, 4, 0, 5, 0, 0, 4, 0, 5]


def test_a_control_that_must_be_0() -> None:
    found = entries(matrix_pattern(2, "d", (0,), (1,), 0, b""), 3)
    assert found == [4, 0, 0, 0, 0, 5, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_a_preparation_keeps_its_first_column_alone() -> None:
    assert entries(matrix_pattern(1, "s", (0,), (), 0, b""), 2) == [3, 0, 4, 0]


def test_a_permutation_has_ones_and_zeros_alone() -> None:
    table = np.array([1, 2, 3, 0], dtype=np.intp)  # the amplitude at i moves to table[i]
    rows = matrix_pattern(2, "p", (0, 1), (), 0, table.tobytes()).reshape(4, 4)
    assert set(rows.ravel().tolist()) == {ONE, ZERO}
    assert (rows == ONE).argmax(axis=0).tolist() == table.tolist()


def test_a_diagonal_with_a_control_and_chosen_entries() -> None:
    extra = np.array([3, 0], dtype=np.intp).tobytes()
    assert entries(diagonal_pattern(2, (1,), (0,), 1, extra), 1) == [1, 5, 1, 2]
    assert entries(diagonal_pattern(1, (0,), (), 0, b""), 1) == [2, 3]
