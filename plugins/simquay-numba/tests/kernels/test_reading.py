"""Loops that read, project and reorder a vector, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from simquay_numba.kernels.reading import (
    add_marginal,
    apply_string,
    permute_copy,
    project,
)

BITS = 6
INDEX = np.arange(1 << BITS)


def vector(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=1 << BITS) + 1j * rng.normal(size=1 << BITS)
    return drawn.astype(np.complex128)


def test_marginals_go_to_their_places_or_nowhere() -> None:
    """Six bits: 0 to 3 are a block's, of which bit 1 must be 1; bit 4 is kept, bit 5 summed
    over."""
    state = vector(1)
    low = np.arange(16)
    places = np.where(low >> 1 & 1, low >> 2 & 1, -1)  # bit 2 is kept as bit 0 of the result
    sums, result = np.zeros(16), np.zeros(4)
    at = state.ctypes.data
    kept_offsets, kept_places = np.array([0, 16 * 16]), np.array([0, 2])
    free_offsets = np.array([0, 32 * 16])
    unit = np.float64(0)
    tables = (kept_offsets, kept_places, free_offsets, places)
    add_marginal(unit, 16, at, *tables, sums, sums.ctypes.data, result)
    chosen = INDEX >> 1 & 1 == 1
    outcome = (INDEX >> 2 & 1) | (INDEX >> 4 & 1) << 1
    norms = np.abs(state) ** 2
    expected = [norms[chosen & (outcome == value)].sum() for value in range(4)]
    np.testing.assert_allclose(result, expected, rtol=1e-13)


def test_projection_keeps_and_scales_what_has_the_value() -> None:
    state = vector(3)
    before = state.copy()
    project(state, 0b100100, 0b000100, 2.0, 0, 40)
    kept = (INDEX & 0b100100) == 0b000100
    np.testing.assert_array_equal(state[:40], np.where(kept, 2 * before, 0)[:40])
    np.testing.assert_array_equal(state[40:], before[40:])


@pytest.mark.parametrize("bit", range(BITS))
def test_exchange_is_x_on_a_bit(bit: int) -> None:
    state = vector(4)
    before = state.copy()
    apply_string(state, 1 << bit, 0, 0, 20)
    apply_string(state, 1 << bit, 0, 20, 32)
    np.testing.assert_array_equal(state, before[INDEX ^ 1 << bit])


def test_a_copy_in_another_order() -> None:
    state, result = vector(5), np.zeros(1 << BITS, dtype=complex)

    # Bits 0, 1, 2 go to bits 5, 1, 0, and bits 3, 4, 5 to bits 2, 3, 4.
    def deposit(bits: list[int]) -> np.ndarray:
        low = np.arange(8)
        moved = np.zeros(8, dtype=np.int64)
        for place, bit in enumerate(bits):
            moved |= (low >> place & 1) << bit
        return moved

    inside, outside = ([0, 1, 2], [5, 1, 0]), ([3, 4, 5], [2, 3, 4])
    bases = [deposit(bits) for bits in outside]
    places = [deposit(bits) for bits in inside]
    permute_copy(state, result, *bases, *places)
    expected = state.reshape((2,) * 6).transpose([5 - bit for bit in (0, 5, 4, 3, 1, 2)])
    np.testing.assert_array_equal(result, expected.ravel())
