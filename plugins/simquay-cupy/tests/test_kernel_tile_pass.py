"""The kernel tile_pass, stage by stage, against the NumPy interpreter of tiled plans."""

from __future__ import annotations

import numpy as np
import pytest
from tile_stages import (
    BOTH,
    EVERY_KERNEL,
    HADAMARD,
    check,
    one_qubit,
    random_stage,
    rx,
    tile_pass,
    unitary,
    vectors,
)

from simquay.engine_api import DenseStage, PermuteStage, Precision, PrepareStage, Stage
from simquay_cupy.encoding.geometry import geometry_for
from simquay_cupy.engine import CupyEngine


@EVERY_KERNEL
def test_one_qubit_matrices_of_every_form_at_every_position(
    engine: CupyEngine, precision: Precision, tile: int
) -> None:
    rng = np.random.default_rng(1)
    for bit in range(tile):
        for stage in one_qubit(rng, bit):
            check(engine, precision, [tile_pass(precision, [stage], tile)], rng)


@EVERY_KERNEL
def test_two_qubit_matrices_at_every_pair(
    engine: CupyEngine, precision: Precision, tile: int
) -> None:
    rng = np.random.default_rng(2)
    for high in range(tile):
        for low in range(high):
            orthogonal = np.linalg.qr(rng.normal(size=(4, 4)))[0].astype(np.complex128)
            stages = [
                DenseStage((low, high), unitary(rng, 2)),
                DenseStage((low, high), orthogonal, "real"),
            ]
            check(engine, precision, [tile_pass(precision, stages, tile)], rng)


@EVERY_KERNEL
def test_wider_matrices_permutations_and_preparations(
    engine: CupyEngine, precision: Precision, tile: int
) -> None:
    rng = np.random.default_rng(3)
    for _ in range(12):
        for bits in (3, 4, 5):
            chosen = tuple(sorted(rng.permutation(tile)[:bits].tolist()))
            stages: list[Stage] = [
                DenseStage(chosen, unitary(rng, bits)),
                PermuteStage(chosen, rng.permutation(1 << bits)),
            ]
            check(engine, precision, [tile_pass(precision, stages, tile)], rng)
    for bits in (1, 3, tile - 2):
        amplitudes = vectors(rng, 1, bits)[0]
        stage = PrepareStage(tuple(range(tile - bits, tile)), amplitudes)
        grown = tile_pass(precision, [stage], tile, before=tile - bits)
        check(engine, precision, [grown], rng)


@BOTH
@pytest.mark.parametrize("width", [1, 2, 3, 4, 6, 9, 11, 12, 13, 15])
def test_random_passes(engine: CupyEngine, precision: Precision, width: int) -> None:
    rng = np.random.default_rng(100 + width)
    tile = min(geometry_for(precision, width).tile, width)
    for _ in range(6):
        stages = [random_stage(rng, tile, width - tile) for _ in range(12)]
        passes = [
            tile_pass(precision, stages[:6], width, rng=rng),
            tile_pass(precision, stages[6:], width, rng=rng),
        ]
        check(engine, precision, passes, rng, batch=int(rng.integers(1, 4)))


@BOTH
@pytest.mark.parametrize(("before", "width"), [(0, 1), (0, 5), (2, 9), (10, 12), (6, 14), (13, 15)])
def test_a_pass_that_stores_more_qubits_reads_nothing_of_them(
    engine: CupyEngine, precision: Precision, before: int, width: int
) -> None:
    rng = np.random.default_rng(7 * width + before)
    tile = min(geometry_for(precision, width).tile, width)
    stages = [random_stage(rng, tile, width - tile) for _ in range(5)]
    grown = tile_pass(precision, stages, width, before=before, rng=rng)
    check(engine, precision, [grown], rng, batch=2)


@EVERY_KERNEL
def test_many_rotations_keep_the_norm_though_their_factors_come_late(
    engine: CupyEngine, precision: Precision, tile: int
) -> None:
    rng = np.random.default_rng(9)
    stages: list[Stage] = []
    for _ in range(40):
        for bit in range(tile):
            stages.append(DenseStage((bit,), HADAMARD, "hadamard"))
            stages.append(DenseStage((bit,), rx(rng), "rx_like"))
    check(engine, precision, [tile_pass(precision, stages, tile)], rng)
