"""One pass of given stages, run by the engine and by the interpreter of tiled plans."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from simquay.engine_api import (
    ALWAYS,
    Condition,
    Control,
    DenseState,
    Layout,
    Plan,
    Precision,
    Profile,
    Round,
    Stage,
    TilePass,
    apply_tile_pass,
)
from simquay_numba.engine import NumbaEngine

WIDTH = 11


ACTIVE = (0, 1, 2, 3, 4, 6, 7, 9, 10)


LOCAL = len(ACTIVE)


STORE = tuple(range(LOCAL))


TOLERANCE = {Precision.DOUBLE: 1e-13, Precision.SINGLE: 2e-6}


BOTH = pytest.mark.parametrize("precision", list(Precision))


ENGINE = NumbaEngine(threads=2)


CONDITIONS = [
    ALWAYS,
    Condition(outer_mask=0b11, outer_value=0b10),
    Condition(local_mask=1 << 8, local_value=0),
    Condition(local_mask=0b1, local_value=0b1),
    Condition(1 << 8 | 0b10, 0b10, 0b01, 0b01),
]


def compare(
    precision: Precision,
    stages: list[Stage],
    *,
    store: tuple[int, ...] = STORE,
    before: int = WIDTH,
    zero: int = 0,
    seed: int = 0,
) -> None:
    """One pass of these stages on two random vectors; local bits ``zero`` are |0> in them."""
    rng = np.random.default_rng(seed)
    pass_ = TilePass(before, WIDTH, ACTIVE, (Round((), tuple(stages)),), store)
    vectors = rng.normal(size=(2, 1 << WIDTH)) + 1j * rng.normal(size=(2, 1 << WIDTH))
    for bit in range(LOCAL):
        if zero >> bit & 1:
            vectors[:, (np.arange(1 << WIDTH) >> ACTIVE[bit] & 1) == 1] = 0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[:, 1 << before :] = np.nan
    state = ENGINE.allocate(WIDTH, precision, capacity=WIDTH, batch=2)
    state.buffer[...] = vectors
    state.layout = Layout(tuple(range(before)))
    plan = Plan(Profile("tiled", tile=LOCAL), state.layout, Layout(tuple(range(WIDTH))), [pass_])
    ENGINE.apply(state, plan, Control())
    apply_tile_pass(vectors, pass_)
    assert isinstance(state, DenseState)
    np.testing.assert_allclose(state.vector, vectors, atol=TOLERANCE[precision])


def factors(rng: np.random.Generator, bits: int) -> NDArray[np.complex128]:
    """Random factors of modulus 1, shape ``(2**bits,)``."""
    angles = 2 * np.pi * rng.random(1 << bits)
    return np.cos(angles) + 1j * np.sin(angles)
