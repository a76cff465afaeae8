"""The loop over gates: single gates with known results, and words that name no qubit."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engine_api import bit_counts
from simquay_numba.kernels.gates import DIAGONAL, MATRIX, PERMUTATION, PREPARE, READ, run_gates

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
        np.empty(code.count(READ)),
    )
    return np.asarray(re + 1j * im)


@BOTH
def test_a_matrix_with_a_control(real: type) -> None:
    # Y on bit 0 where bit 1 is 1.
    code = [MATRIX, 2, 2, 0, 1, 0]
    found = run(code, [0, -1j, 1j, 0], [1, 2, 3, 4], real)
    assert found.tolist() == [1, 2, -4j, 3j]


@BOTH
@pytest.mark.parametrize("bits", [2, 3, 4, 5, 9])
def test_real_matrices_on_each_bit(bits: int, real: type) -> None:
    rng = np.random.default_rng(bits)
    vector = rng.normal(size=(2**bits, 2)) @ [1, 1j]
    for bit in range(bits):
        matrix = rng.normal(size=(2, 2))
        found = run([MATRIX, 0, 0, 0, 1, bit], matrix.ravel().tolist(), vector.tolist(), real)
        wanted = np.einsum("ij,ajb->aib", matrix, vector.reshape(-1, 2, 2**bit)).ravel()
        np.testing.assert_allclose(found, wanted, rtol=0, atol=50 * np.finfo(real).eps)


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


@BOTH
@pytest.mark.parametrize("width", [3, 8])
def test_strings_between_gates(real: type, width: int) -> None:
    """Gates that wait are applied before what is read depends on them, and no others."""
    rng = np.random.default_rng(width)
    size = 1 << width
    vector = rng.normal(size=size) + 1j * rng.normal(size=size)
    index: np.ndarray = np.arange(size, dtype=np.int64)
    code: list[int] = []
    numbers: list[complex] = []
    expected = []
    after = vector.copy()
    for _ in range(60):
        bit = int(rng.integers(width))
        own = rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2))
        kind = MATRIX if rng.random() < 0.5 else DIAGONAL
        own = np.linalg.qr(own)[0]
        if kind == DIAGONAL:
            own = np.diag(np.exp(1j * rng.uniform(0, 6, 2)))
        code += [kind, 0, 0, len(numbers), 1, bit]
        numbers += own.ravel().tolist() if kind == MATRIX else own.diagonal().tolist()
        parts = after.reshape(-1, 2, 1 << bit)
        after = np.einsum("ij,ajb->aib", own, parts).ravel()
        x, z, fixed, values = (int(one) for one in rng.integers(0, size, 4))
        fixed &= ~(x | z) if rng.random() < 0.5 else 0
        x = 0 if rng.random() < 0.3 else x
        code += [READ, fixed, values & fixed, z, 1, x]
        signs = 1j ** (x & z).bit_count() * (-1.0) ** bit_counts(index & z)
        moved = np.zeros_like(after)
        moved[index ^ x] = signs * (index & fixed == values & fixed) * after
        expected.append(np.vdot(after, moved).real)
    means = np.empty(60)
    re: np.ndarray = vector.real.astype(real)
    im: np.ndarray = vector.imag.astype(real)
    factors = np.array(numbers)
    given = factors.real.astype(real), factors.imag.astype(real), re, im, *np.empty((2, 8), real)
    run_gates(np.array(code, dtype=np.int64), *given, means)
    tolerance = 1e-4 if real is np.float32 else 1e-12
    np.testing.assert_allclose(means, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(re + 1j * im, after, rtol=tolerance, atol=tolerance)
