"""Bit helpers against plain loops over single bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simquay.program.bits import bit_counts, bits_of, deposit, extract, mask_of, spread

few_bits = st.lists(st.integers(0, 30), unique=True, max_size=12)
values = st.integers(0, 2**40 - 1)


def bit(value: int, position: int) -> int:
    return (value >> position) % 2


@given(st.lists(st.integers(0, 200)))
def test_a_mask_has_its_bits_set_and_no_others(bits: list[int]) -> None:
    mask = mask_of(bits)
    assert [position for position in range(201) if bit(mask, position)] == sorted(set(bits))
    assert mask < 2**201
    assert bits_of(mask) == sorted(set(bits))


@given(st.integers(0, 2**300))
def test_bits_and_mask_undo_each_other(mask: int) -> None:
    assert mask_of(bits_of(mask)) == mask


@given(st.lists(st.lists(st.integers(0, 2**62), min_size=2, max_size=2)))
def test_bits_are_counted_in_arrays_of_any_shape(masks: list[list[int]]) -> None:
    array = np.array(masks, dtype=np.int64).reshape(-1, 2)
    for view in (array, array.T):
        expected = [[value.bit_count() for value in row] for row in view.tolist()]
        np.testing.assert_array_equal(bit_counts(view), np.reshape(expected, view.shape))


@given(values, few_bits)
def test_deposit_puts_bit_j_at_bits_j(value: int, bits: list[int]) -> None:
    expected = sum(bit(value, j) * (1 << position) for j, position in enumerate(bits))
    assert deposit(value, bits) == expected


@given(values, few_bits)
def test_extract_puts_bits_j_at_bit_j(value: int, bits: list[int]) -> None:
    expected = sum(bit(value, position) * (1 << j) for j, position in enumerate(bits))
    assert extract(value, bits) == expected


@given(st.lists(values, max_size=5), few_bits, st.sampled_from([np.int64, np.uint64, np.intp]))
def test_arrays_are_moved_entry_by_entry(numbers: list[int], bits: list[int], dtype: type) -> None:
    array: NDArray[np.integer[Any]] = np.array(numbers, dtype=dtype)
    before = array.copy()
    for move in (deposit, extract):
        moved = move(array, bits)
        assert moved.tolist() == [move(number, bits) for number in numbers]
        assert moved.dtype == dtype
        assert moved.shape == array.shape
    np.testing.assert_array_equal(array, before)


@given(few_bits)
def test_spread_deposits_every_index(bits: list[int]) -> None:
    found = spread(bits)
    assert found.tolist() == [deposit(index, bits) for index in range(1 << len(bits))]
    assert found.dtype == np.intp
    assert extract(found, bits).tolist() == list(range(1 << len(bits)))


@pytest.mark.parametrize("shape", [(), (2, 3)])
def test_arrays_keep_their_shape(shape: tuple[int, ...]) -> None:
    array = np.full(shape, 0b101)
    np.testing.assert_array_equal(deposit(array, (4, 0, 1)), np.full(shape, 0b10010))
    np.testing.assert_array_equal(extract(array, (2, 1)), np.full(shape, 0b01))
