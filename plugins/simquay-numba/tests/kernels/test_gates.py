"""The loop over gates: single gates with known results, and words that name no qubit."""

from __future__ import annotations

import numpy as np
import pytest

from simquay_numba.kernels.gates import DIAGONAL, MATRIX, PERMUTATION, PREPARE, run_gates

BOTH = pytest.mark.parametrize("real", [np.float32, np.float64])


def run(code: list[int], numbers: list[complex], vector: list[complex], real: type) -> np.ndarray:
    """The vector after the gates."""
    factors = np.array(numbers, dtype=complex)
    amplitudes = np.array(vector, dtype=complex)
    re: np.ndarray = amplitudes.real.astype(real)
    im: np.ndarray = amplitudes.imag.astype(real)
    run_gates(
        np.array(code, dtype=np.int64),
        factors.real.astype(real),
        factors.imag.astype(real),
        re,
        im,
        np.empty(8, dtype=real),
        np.empty(8, dtype=real),
    )
    return np.asarray(re + 1j * im)


@BOTH
def test_a_matrix_with_a_control(real: type) -> None:
    # Y on bit 0 where bit 1 is 1.
    code = [MATRIX, 2, 2, 0, 1, 0]
    found = run(code, [0, -1j, 1j, 0], [1, 2, 3, 4], real)
    assert found.tolist() == [1, 2, -4j, 3j]


@BOTH
def test_a_matrix_on_two_bits_in_the_gates_order(real: type) -> None:
    # Its qubit 0 is bit 1, its qubit 1 is bit 0: CX with the control at bit 1.
    matrix = np.eye(4)[[0, 3, 2, 1]].ravel().tolist()
    found = run([MATRIX, 0, 0, 0, 2, 1, 0], matrix, [1, 2, 3, 4], real)
    assert found.tolist() == [1, 2, 4, 3]


@BOTH
def test_a_diagonal_and_a_global_factor(real: type) -> None:
    code = [DIAGONAL, 0, 0, 0, 1, 1, DIAGONAL, 0, 0, 2, 0]
    found = run(code, [1, 1j, -1], [1, 2, 3, 4], real)
    assert found.tolist() == [-1, -2, -3j, -4j]


@BOTH
def test_permutations(real: type) -> None:
    cycle = [PERMUTATION, 0, 0, 0, 2, 0, 1, 1, 2, 3, 0]  # amplitude i moves to i + 1
    flip_where_0 = [PERMUTATION, 1, 0, 0, 1, 1, 1, 0]  # X on bit 1 where bit 0 is 0
    assert run(cycle, [], [1, 2, 3, 4], real).tolist() == [4, 1, 2, 3]
    assert run(flip_where_0, [], [1, 2, 3, 4], real).tolist() == [3, 2, 1, 4]
    assert run([*cycle, *flip_where_0], [], [1, 2, 3, 4], real).tolist() == [2, 1, 4, 3]


@BOTH
def test_a_prepared_qubit(real: type) -> None:
    found = run([PREPARE, 0, 0, 0, 1, 1], [0.5, 0.5j], [2, 4, 0, 0], real)
    assert found.tolist() == [1, 2, 1j, 2j]
