"""Passes that enlarge a state: stages skip blocks that are known to be 0."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engine_api import (
    ALWAYS,
    Condition,
    Control,
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    Layout,
    PermuteStage,
    Plan,
    Precision,
    Profile,
    Round,
    Stage,
    TilePass,
    apply_tile_pass,
)
from simquay.testing.engines import random_unitary
from simquay_numba.engine import NumbaEngine

WIDTH = 10


ENGINE = NumbaEngine(threads=2)


BOTH = pytest.mark.parametrize("precision", list(Precision))


def random_stage(rng: np.random.Generator) -> Stage:
    """A stage on any local bits, that are |0> or not."""
    size = int(rng.choice([1, 1, 1, 2, 2, 3]))
    chosen = rng.permutation(WIDTH)[: size + 2].tolist()
    bits = tuple(sorted(chosen[:size]))
    condition = ALWAYS
    if rng.random() < 0.3:
        mask = sum(1 << bit for bit in chosen[size : size + int(rng.integers(1, 3))])
        condition = Condition(mask, mask & int(rng.integers(0, 1 << WIDTH)))
    kind = rng.choice(["dense", "dense", "permute", "diagonal"])
    if kind == "dense":
        return DenseStage(bits, random_unitary(1 << size, rng), "complex", condition)
    if kind == "permute":
        return PermuteStage(bits, rng.permutation(1 << size).astype(np.intp), condition)
    table = np.exp(1j * rng.normal(size=1 << size))
    term = DiagonalTerm(tuple(range(size)), (), table)
    return DiagonalStage((DiagonalGroup(bits, (term,)),))


@BOTH
@pytest.mark.parametrize("before", [0, 1, 3, 5, 8])
@pytest.mark.parametrize("seed", range(12))
def test_random_stages(precision: Precision, before: int, seed: int) -> None:
    rng = np.random.default_rng([seed, before])
    everything = tuple(range(WIDTH))
    stages = tuple([random_stage(rng) for _ in range(int(rng.integers(1, 25)))])
    store = tuple(rng.permutation(WIDTH).tolist()) if rng.random() < 0.5 else everything
    pass_ = TilePass(before, WIDTH, everything, (Round((), stages),), store)
    vectors = np.full((2, 1 << WIDTH), np.nan, dtype=complex)
    known = rng.normal(size=(2, 1 << before)) + 1j * rng.normal(size=(2, 1 << before))
    vectors[:, : 1 << before] = known / np.linalg.norm(known, axis=1, keepdims=True)
    state = ENGINE.allocate(WIDTH, precision, capacity=WIDTH, batch=2)
    state.buffer[...] = vectors
    state.layout = Layout(everything[:before])
    plan = Plan(Profile("tiled", tile=WIDTH), state.layout, Layout(everything), [pass_])
    ENGINE.apply(state, plan, Control())
    apply_tile_pass(vectors, pass_)
    tolerance = 1e-13 if precision is Precision.DOUBLE else 3e-6
    np.testing.assert_allclose(state.vector, vectors, atol=tolerance)
