"""The NumPy engine's state: what it stores, and views by storage bit."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engines.numpy.state import DenseState, exchange_parts, split_bits
from simquay.errors import ProgramError
from simquay.planning import Layout
from simquay.program import Precision


def a_state(capacity: int = 3) -> DenseState:
    buffer = np.full((2, 1 << capacity), np.nan, dtype=complex)
    buffer[:, 0] = 1, 1j
    return DenseState(5, capacity, Precision.DOUBLE, Layout(), buffer)


def test_growing_adds_zeros_above() -> None:
    state = a_state()
    state.grow([4])
    state.grow([0, 2])
    assert state.layout == Layout((4, 0, 2))
    np.testing.assert_array_equal(state.vector[:, 0], [1, 1j])
    assert not state.vector[:, 1:].any()


def test_it_does_not_grow_past_its_capacity() -> None:
    state = a_state(2)
    with pytest.raises(ProgramError, match=r"stores 3 qubits.*allocated for 2"):
        state.grow([0, 1, 2])


def test_a_released_state_has_no_vector() -> None:
    state = a_state()
    state.buffer = np.empty((2, 0), dtype=complex)
    with pytest.raises(ProgramError, match="released"):
        _ = state.vector


@pytest.mark.parametrize("positions", [[], [0], [4], [3, 1], [0, 1, 2, 3, 4], [4, 0]])
def test_each_split_bit_is_an_axis(positions: list[int]) -> None:
    width = 5
    vector = np.arange(2 << width).reshape(2, -1).astype(complex)
    view, axes = split_bits(vector, width, positions)
    assert np.shares_memory(view, vector)
    assert sorted(axes) == sorted(positions)
    assert view.ndim <= 2 * len(positions) + 2
    for value in range(1 << len(positions)):
        index: list[int | slice] = [slice(None)] * view.ndim
        for bit, position in enumerate(positions):
            index[axes[position]] = value >> bit & 1
        expected = [
            number
            for number in range(2 << width)
            if all((number >> p & 1) == value >> bit & 1 for bit, p in enumerate(positions))
        ]
        assert view[tuple(index)].ravel().real.tolist() == expected


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("place", [0, 7, 16])
def test_the_parts_of_amplitudes_are_exchanged_with_a_bit(place: int, threads: int) -> None:
    """Of a real vector, whose bit 0 is the part: bits 0 and ``place + 1`` change places."""
    width = 17
    reals = np.random.default_rng(place).normal(size=(2, 2 << width))
    buffer = np.zeros((2, 2 << width), dtype=complex)
    buffer[:, : 1 << width] = reals.view(complex)
    layout = Layout(tuple(range(width)))
    state = DenseState(width, width + 1, Precision.DOUBLE, layout, buffer)
    exchange_parts(state, place, threads)
    index = np.arange(2 << width)
    differ = (index ^ index >> place + 1) & 1
    expected = np.take(reals, index ^ differ ^ differ << place + 1, axis=1)
    np.testing.assert_array_equal(state.vector, expected.view(complex))
    assert not buffer[:, 1 << width :].any()
