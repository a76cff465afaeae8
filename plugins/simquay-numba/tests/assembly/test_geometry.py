"""Index lists of kernels, against loops over bits and matrices."""

from __future__ import annotations

import numpy as np
import pytest

from simquay_numba.assembly.geometry import (
    block_distances,
    block_groups,
    by_place,
    compact_codes,
    diagonal_indices,
    factor_codes,
    index_within,
    local_offsets,
    matrix_codes,
    permutation_codes,
    prepare_codes,
)
from simquay_numba.assembly.template import Shape
from simquay_numba.kernels.packing import ONE, ZERO
from simquay_numba.kernels.vectors import BLOCK_BYTES, VECTOR_BYTES


def test_groups_are_the_blocks_whose_bits_are_0_and_whose_condition_holds() -> None:
    found = block_groups(Shape(7, 2, 8), (1, 3), 0b10001, 0b10000)
    wanted = [b for b in range(32) if not b & 0b01010 and b & 0b10001 == 0b10000]
    np.testing.assert_array_equal(found, np.array(wanted) * BLOCK_BYTES)
    assert found.dtype == np.int32


MOVED = Shape(5, 2, 8, masks=(0b010, 0b011, 0b110), origin=0b101)
"""Block 0 is at place 5; block 1, whose lowest bit is 1, at place 5 ^ 2, and so on."""

PLACES = [5, 7, 6, 4, 3, 1, 0, 2]


def test_lists_lead_to_the_places_of_blocks() -> None:
    bases = block_groups(MOVED, (1,), 0b100, 0b100)
    assert (bases // BLOCK_BYTES).tolist() == sorted([PLACES[0b100], PLACES[0b101]])
    distances = block_distances(MOVED, (1, 2)) // BLOCK_BYTES
    assert [PLACES[0b001] ^ one for one in distances.tolist()] == [PLACES[b] for b in (1, 3, 5, 7)]
    assert [MOVED.distance(bit) // BLOCK_BYTES for bit in range(3)] == [2, 3, 6]
    numbers = np.arange(8, dtype=np.int32)
    np.testing.assert_array_equal(by_place(MOVED, numbers)[PLACES], numbers)
    offsets, differences = local_offsets(MOVED, (0, 4), 0b00010, 0b00010)
    real_bytes = VECTOR_BYTES >> 2
    at = [PLACES[i >> 2] * BLOCK_BYTES + (i & 3) * real_bytes for i in range(32)]
    assert offsets.tolist() == [at[0b00010], at[0b00110], at[0b01010], at[0b01110]]
    found = [offsets[1] ^ one for one in differences.tolist()]
    assert found == [at[0b00110], at[0b00111], at[0b10110], at[0b10111]]


def test_offsets_of_amplitudes_lead_to_their_lanes() -> None:
    lanes, real_bytes = 2, VECTOR_BYTES >> 2
    bases, places = local_offsets(Shape(4, lanes, 8), (3, 0), 0b0010, 0b0010)
    # A local index's low bits are its lane, which is so many reals into the block.
    at = [(i >> lanes) * BLOCK_BYTES + (i & 3) * real_bytes for i in range(16)]
    assert bases.tolist() == [at[0b0010], at[0b0110]]
    assert places.tolist() == [at[0], at[0b1000], at[0b0001], at[0b1001]]


def test_blocks_outside_of_a_condition_take_the_entry_after_the_last() -> None:
    found = diagonal_indices(Shape(5, 2, 8), (2, 0), 0b010, 0b010) // BLOCK_BYTES
    wanted = [(b >> 2 & 1) | (b & 1) << 1 if b & 0b010 else 4 for b in range(8)]
    assert found.tolist() == wanted


@pytest.mark.parametrize("complex_form", [True, False])
@pytest.mark.parametrize(("lanes", "high"), [((), 1), ((1,), 1), ((0, 2), 0)])
def test_the_kernel_s_sums_with_these_coefficients_are_the_matrix(
    lanes: tuple[int, ...], high: int, complex_form: bool
) -> None:
    """As the kernel: the sum over columns and flips of coefficients times flipped blocks."""
    width, k = 8, len(lanes)
    mask, value = (0b010, 0b010) if 1 not in lanes else (0b001, 0)
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(1 << k + high,) * 2) + 1j * complex_form * rng.normal()
    numbers = np.ascontiguousarray(matrix, dtype=np.complex128).view(np.float64).ravel()
    codes = matrix_codes(width, lanes, high, mask, value, complex_form)
    reals = np.where(codes == ONE, 1, np.where(codes == ZERO, 0, numbers[codes]))
    parts = 1 + complex_form
    shaped = reals.reshape(1 << high, 1 << high, 1 << k, parts, width)
    coefficients = shaped[:, :, :, 0] + 1j * shaped[:, :, :, -1] * complex_form
    blocks = rng.normal(size=(1 << high, width)) + 1j * rng.normal(size=(1 << high, width))
    lane = np.arange(width)
    found = np.zeros_like(blocks)
    for r, c, s in np.ndindex(1 << high, 1 << high, 1 << k):
        flip = sum(1 << bit for j, bit in enumerate(lanes) if s >> j & 1)
        found[r] += coefficients[r, c, s] * blocks[c, lane ^ flip]
    expected = blocks.copy()
    for h, i in np.ndindex(1 << high, width):
        if i & mask != value:
            continue
        row = h << k | sum((i >> bit & 1) << j for j, bit in enumerate(lanes))
        total = 0j
        for column in range(1 << k + high):
            other = i & ~sum(1 << bit for bit in lanes)
            other |= sum((column >> j & 1) << bit for j, bit in enumerate(lanes))
            total += matrix[row, column] * blocks[column >> k, other]
        expected[h, i] = total
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_codes_of_a_known_matrix_have_no_numbers() -> None:
    table = np.array([2, 0, 1, 3])
    codes = matrix_codes(4, (), 2, 0, 0, False)
    found = permutation_codes(codes, table).reshape(4, 4, 4)[:, :, 0]
    np.testing.assert_array_equal(found == ONE, np.eye(4)[table])
    assert set(found.ravel().tolist()) == {ONE, ZERO}


def test_codes_of_a_preparation_take_the_first_column() -> None:
    codes = prepare_codes(matrix_codes(4, (), 1, 0, 0, True), 2)
    shaped = codes.reshape(2, 2, 2, 4)[..., 0]  # row, column, part
    assert shaped[:, 0].tolist() == [[0, 1], [2, 3]]
    assert set(shaped[:, 1].ravel().tolist()) == {ZERO}


def test_a_table_of_factors_ends_with_ones() -> None:
    codes = factor_codes(2, (1,), 1, 0b01, 0b01).reshape(3, 2, 4)
    # Lanes 1 and 3 take factors; lane bit 1 is the lowest bit of the factor's number.
    assert codes[0].tolist() == [[ONE, 0, ONE, 2], [ZERO, 1, ZERO, 3]]
    assert codes[1].tolist() == [[ONE, 4, ONE, 6], [ZERO, 5, ZERO, 7]]
    assert codes[2].tolist() == [[ONE] * 4, [ZERO] * 4]
    assert compact_codes(1).tolist() == [0, 1, 2, 3, ONE, ZERO]


def test_an_index_within_another_one() -> None:
    assert index_within(3, (2, 0)).tolist() == [0, 2, 0, 2, 1, 3, 1, 3]


def test_lists_that_are_shared_cannot_be_written_to() -> None:
    for shape in (Shape(5, 2, 8), MOVED):
        assert not block_groups(shape, (0,), 0, 0).flags.writeable
    shape = Shape(5, 2, 8)
    assert block_groups(shape, (0,), 0, 0) is block_groups(shape, (0,), 0, 0)
