"""Passes that have been applied to many amplitudes: flips of high bits move no blocks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from stage_passes import ACTIVE, BOTH, LOCAL, STORE, WIDTH, compare, factors

from simquay.engine_api import (
    ALWAYS,
    Condition,
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    PermuteStage,
    Precision,
    Round,
    Stage,
    TilePass,
)
from simquay.testing.engines import random_unitary
from simquay_numba.assembly.assemble import assemble
from simquay_numba.kernels.run import FLIP
from simquay_numba.runtime import programs

X = np.array([1, 0])


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_LARGE", 0)


def flip(rng: np.random.Generator) -> Stage:
    """X on any bit, mostly controlled by one other; now and then by two, or in some tiles only."""
    bit, *controls = rng.permutation(LOCAL).tolist()
    mask = sum(1 << one for one in controls[: rng.choice([0, 1, 1, 1, 2])])
    outer = (1, int(rng.integers(2))) if rng.random() < 0.1 else (0, 0)
    return PermuteStage((bit,), X, Condition(mask, int(rng.integers(1 << LOCAL)) & mask, *outer))


def other(rng: np.random.Generator) -> Stage:
    """A stage of any other kind."""
    order = rng.permutation(LOCAL).tolist()
    kind = rng.integers(5)
    if kind == 0:  # one qubit without a condition: a trip or a chain of several
        return DenseStage((order[0],), random_unitary(2, rng))
    if kind == 1:
        control = Condition(1 << order[-1], 1 << order[-1]) if rng.random() < 0.5 else ALWAYS
        size = int(rng.integers(1, 5))
        return DenseStage(
            tuple(sorted(order[:size])), random_unitary(1 << size, rng), "complex", control
        )
    if kind == 2:
        bits = tuple(sorted(order[:4]))
        terms: tuple[DiagonalTerm, ...] = (DiagonalTerm((0, 1, 2, 3), (), factors(rng, 4)),)
        if rng.random() < 0.5:
            terms += (DiagonalTerm((1,), (0,), factors(rng, 2)),)
        return DiagonalStage((DiagonalGroup(bits, terms),))
    size = int(rng.integers(2, 4))
    source: NDArray[np.intp] = rng.permutation(1 << size)
    return PermuteStage(tuple(sorted(order[:size])), source)


def stages_of(seed: int) -> list[Stage]:
    rng = np.random.default_rng(seed)
    return [flip(rng) if rng.random() < 0.6 else other(rng) for _ in range(25)]


@BOTH
@pytest.mark.parametrize("seed", range(60))
def test_any_stages_between_flips(precision: Precision, seed: int) -> None:
    store = STORE
    if seed % 2:
        store = tuple(np.random.default_rng(seed).permutation(LOCAL).tolist())
    compare(precision, stages_of(seed), store=store, before=WIDTH - seed % 3, seed=seed)


def test_controlled_flips_of_blocks_take_no_instruction() -> None:
    bits = range(4, LOCAL)
    matrix = random_unitary(4, np.random.default_rng(0))
    stages: list[Stage] = [
        PermuteStage((bit,), X, Condition(1 << control, value << control))
        for bit in bits
        for control in bits
        for value in (0, 1)
        if bit != control
    ]
    pass_ = TilePass(
        WIDTH, WIDTH, ACTIVE, (Round((), (*stages, DenseStage((4, 6), matrix))),), STORE
    )
    for large, count in ((False, len(stages)), (True, 0)):
        program = assemble(pass_, Precision.DOUBLE, large).program(pass_)
        assert np.count_nonzero(program.code[0, : program.lines, 0] == FLIP) == count
