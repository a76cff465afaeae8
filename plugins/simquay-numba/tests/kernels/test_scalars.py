"""Single numbers in memory, read and written by address."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from simquay_numba.kernels.scalars import (
    add_norms,
    bit_count,
    get,
    get_long,
    get_word,
    load_acquire,
    put,
    spin_until,
    store_release,
    yield_cpu,
)
from simquay_numba.kernels.vectors import VECTOR_BYTES

njit: Any = numba.njit  # its types do not fit a function that returns a number


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_reals_are_read_and_written_in_their_precision(kind: Any) -> None:
    def double(unit: Any, source: int, target: int) -> None:
        put(unit, target, 2 * get(unit, source))

    numbers = np.array([1.5, -3, 0, 7], dtype=kind)
    at = numbers.ctypes.data
    njit(double)(kind(0), at + numbers.itemsize, at + 2 * numbers.itemsize)
    np.testing.assert_array_equal(numbers, [1.5, -3, -6, 7])


def test_integers_keep_their_sign() -> None:
    def read(word: int, long: int) -> Any:
        return get_word(word), get_long(long)

    words = np.array([5, -7], dtype=np.int32)
    longs = np.array([-(1 << 40)], dtype=np.int64)
    assert njit(read)(words.ctypes.data + 4, longs.ctypes.data) == (-7, -(1 << 40))


def test_bits_of_a_number_are_counted() -> None:
    def count(number: int) -> Any:
        return bit_count(number)

    assert [njit(count)(number) for number in (0, 5, -1)] == [0, 2, 64]


def test_a_store_is_seen_by_a_load_after_the_cpu_was_yielded() -> None:
    def exchange(address: int, value: int) -> Any:
        before = load_acquire(address)
        store_release(address, value)
        yield_cpu()
        return 100 * before + load_acquire(address)

    words = np.array([3, 0], dtype=np.int64)
    assert njit(exchange)(words.ctypes.data, 8) == 308
    np.testing.assert_array_equal(words, [8, 0])


@pytest.mark.parametrize("kind", [np.complex64, np.complex128])
def test_norms_are_added_in_double_precision(kind: Any) -> None:
    def add(unit: Any, source: int, sums: int) -> None:
        add_norms(unit, source, sums)

    width = 2 * VECTOR_BYTES // np.dtype(kind).itemsize
    rng = np.random.default_rng(0)
    amplitudes = (rng.normal(size=width) + 1j * rng.normal(size=width)).astype(kind)
    sums = np.arange(width + 1, dtype=np.float64)
    njit(add)(amplitudes.real.dtype.type(0), amplitudes.ctypes.data, sums.ctypes.data)
    exact = np.arange(width) + np.abs(amplitudes.astype(np.complex128)) ** 2
    np.testing.assert_allclose(sums[:-1], exact, rtol=1e-15)
    assert sums[-1] == width


def test_arrived_adds_up_one_word_a_line() -> None:
    words = np.zeros(24, dtype=np.int64)
    words[[0, 8, 16]] = 3, 4, 100
    address = words.ctypes.data
    assert spin_until(address, 2, 7, 1)
    assert not spin_until(address, 2, 8, 3)
    assert spin_until(address, 3, 107, 1)
    assert not spin_until(address, 3, 107, 0)
