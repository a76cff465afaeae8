"""Reading and writing tiles: any order of bits, new qubits, flips at the end of a pass."""

from __future__ import annotations

import numpy as np
import pytest
from stage_passes import ACTIVE, BOTH, LOCAL, STORE, WIDTH, compare

from simquay.engine_api import (
    ALWAYS,
    Condition,
    DenseStage,
    PermuteStage,
    Precision,
    Round,
    Stage,
    TilePass,
)
from simquay.testing.engines import random_unitary
from simquay_numba.assembly.assemble import assemble
from simquay_numba.kernels.run import FLIP
from simquay_numba.kernels.vectors import lane_count


@BOTH
@pytest.mark.parametrize("seed", range(12))
def test_any_order_is_written_back(precision: Precision, seed: int) -> None:
    rng = np.random.default_rng(seed)
    store = list(range(LOCAL))
    if seed < 4:
        store = rng.permutation(LOCAL).tolist()
    else:  # as planners do: some of the lowest bits change places with others
        lanes = lane_count(precision.real_dtype.itemsize)
        for lane in rng.permutation(lanes)[: 1 + seed % lanes].tolist():
            other = int(rng.integers(lanes, LOCAL))
            store[lane], store[other] = store[other], store[lane]
    stages: list[Stage] = [DenseStage((1, 7), random_unitary(4, rng))]
    compare(precision, stages, store=tuple(store), seed=seed)


@BOTH
@pytest.mark.parametrize("before", [9, 10])
def test_a_state_grows(precision: Precision, before: int) -> None:
    matrix = random_unitary(4, np.random.default_rng(0))
    compare(precision, [DenseStage((1, 8), matrix)], before=before)


@BOTH
@pytest.mark.parametrize("seed", range(12))
def test_flips_at_the_end_are_done_by_the_writing(precision: Precision, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stages: list[Stage] = [DenseStage((1, 7), random_unitary(4, rng))]
    for _ in range(rng.integers(1, 6)):
        bit, control = rng.permutation(range(4, LOCAL))[:2].tolist()
        where = Condition(1 << control, int(rng.integers(2)) << control)
        stages.append(
            PermuteStage((bit,), np.array([1, 0]), where if rng.random() < 0.8 else ALWAYS)
        )
    store = STORE
    if seed % 3 == 1:
        store = (*range(4), *(4 + rng.permutation(LOCAL - 4)).tolist())
    elif seed % 3 == 2:
        store = tuple(rng.permutation(LOCAL).tolist())
    else:
        stages.insert(1, PermuteStage((6,), np.array([1, 0]), Condition(0, 0, 0b10, 0b10)))
    pass_ = TilePass(WIDTH, WIDTH, ACTIVE, (Round((), tuple(stages)),), store)
    program = assemble(pass_, precision).program(pass_)
    flips = np.count_nonzero(program.code[0, : program.lines, 0] == FLIP)
    assert flips == {0: 1, 1: 0}.get(seed % 3, flips)
    compare(precision, stages, store=store, seed=seed)
