"""The loop over gates for several vectors: each has numbers of its own."""

from __future__ import annotations

import numpy as np
import pytest

from simquay_numba.buffers import address, aligned_bytes
from simquay_numba.kernels.gates import DIAGONAL, MATRIX, PERMUTATION, PREPARE
from simquay_numba.kernels.rows import room_blocks, run_rows
from simquay_numba.kernels.vectors import BLOCK_BYTES

ROWS = 21  # more than a vector's lanes, and no multiple of them


def run(code: list[int], numbers: np.ndarray, constants: list[complex], kind: type) -> np.ndarray:
    """Vectors (row + 1) * (1, 2, 3, 4) after gates; the last row is left alone."""
    vectors = np.arange(1, ROWS + 1)[:, None] * np.array([[1, 2, 3, 4]], dtype=kind)
    memory = aligned_bytes(room_blocks(2, 2) * BLOCK_BYTES)
    offsets = np.empty(4, dtype=np.int64)
    run_rows(
        vectors.real.dtype.type(0),
        vectors.real.itemsize,
        np.array(code, dtype=np.int64),
        numbers.astype(complex),
        np.array(constants, dtype=complex),
        vectors,
        4,
        0,
        ROWS - 1,
        address(memory),
        offsets,
        offsets.ctypes.data,
    )
    assert vectors[-1].tolist() == [ROWS * entry for entry in (1, 2, 3, 4)]
    return vectors[:-1] / np.arange(1, ROWS)[:, None]


KINDS = pytest.mark.parametrize("kind", [np.complex64, np.complex128])
OWN = np.arange(ROWS)[:, None]
NONE = np.empty((ROWS, 0))


@KINDS
def test_a_matrix_of_each_row_with_a_control(kind: type) -> None:
    # (0, row; 1j, 0) on bit 0 where bit 1 is 1.
    numbers = OWN * [0, 1, 0, 0] + [0, 0, 1j, 0]
    found = run([MATRIX, 2, 2, 0, 1, 0], numbers, [], kind)
    np.testing.assert_allclose(found, [[1, 2, 4 * row, 3j] for row in range(ROWS - 1)], rtol=1e-6)


@KINDS
def test_gates_that_wait_and_constants(kind: type) -> None:
    """A diagonal of each row on bit 1, then X on it, whose numbers are constants."""
    code = [DIAGONAL, 0, 0, 0, 1, 1, MATRIX, 0, 0, 2, 1, 1]
    found = run(code, OWN * [1, 1j], [0, 1, 1, 0], kind)
    wanted = [[3j * row, 4j * row, row, 2 * row] for row in range(ROWS - 1)]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@KINDS
def test_permutations(kind: type) -> None:
    cycle = [PERMUTATION, 0, 0, 0, 2, 0, 1, 1, 2, 3, 0]  # amplitude i moves to i + 1
    flip_where_0 = [PERMUTATION, 1, 0, 0, 1, 1, 1, 0]  # X on bit 1 where bit 0 is 0
    found = run([*cycle, *flip_where_0], NONE, [], kind)
    np.testing.assert_allclose(found, np.tile([2, 1, 4, 3], (ROWS - 1, 1)), rtol=1e-6)


@KINDS
def test_a_matrix_on_two_bits_and_a_preparation(kind: type) -> None:
    # Its qubit 0 is bit 1, its qubit 1 is bit 0: CX with the control at bit 1.
    matrix = np.eye(4)[[0, 3, 2, 1]].ravel().tolist()
    code = [MATRIX, 0, 0, 2, 2, 1, 0, PREPARE, 0, 0, 0, 1, 0]
    found = run(code, OWN * [1, 0] + [0, 2], matrix, kind)  # (row, 2) on bit 0
    wanted = [[row, 2, 4 * row, 8] for row in range(ROWS - 1)]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
