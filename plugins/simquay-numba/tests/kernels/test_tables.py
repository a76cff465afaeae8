"""Diagonals whose tables depend on the tile, against the interpreter of tiled plans."""

from __future__ import annotations

import numpy as np
import pytest
from stage_passes import BOTH, compare, factors

from simquay.engine_api import DiagonalGroup, DiagonalStage, DiagonalTerm, Precision


@BOTH
@pytest.mark.parametrize("mask", [0, 1 << 8, 0b1, 1 << 8 | 1])
@pytest.mark.parametrize("bits", [(), (2,), (7,), (1, 2, 3), (5, 6, 7), (1, 2, 4, 5, 6, 7)])
def test_diagonals(precision: Precision, mask: int, bits: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(bits))
    places = tuple(range(len(bits)))
    whole = DiagonalTerm(places, (), factors(rng, len(bits)))
    outer = DiagonalTerm(places[:1], (0, 1), factors(rng, len(places[:1]) + 2))
    same = DiagonalTerm(places[:1], (1,), factors(rng, len(places[:1]) + 1), 1, 1)
    group = DiagonalGroup(bits, (whole, outer, same))
    alone = DiagonalGroup(bits, (whole,), mask, mask & 1)
    met = DiagonalGroup(bits, (DiagonalTerm(places, (), whole.table, 2, 2),), mask, mask & ~1)
    compare(precision, [DiagonalStage((group,))])
    compare(precision, [DiagonalStage((alone,)), DiagonalStage((met,))])
    compare(precision, [DiagonalStage((group, alone, met, group, alone, group))])


@BOTH
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_real_diagonals(precision: Precision, count: int) -> None:
    rng = np.random.default_rng(count)
    groups = []
    for first in range(count):
        bits = (first, first + 2, first + 3)
        table = DiagonalTerm((0, 1, 2), (), rng.uniform(-1, 1, 8).astype(np.complex128))
        outer = DiagonalTerm((1,), (0,), rng.uniform(-1, 1, 4).astype(np.complex128))
        groups.append(DiagonalGroup(bits, (table, outer)[: 1 + first % 2], is_real=True))
    compare(precision, [DiagonalStage(tuple(groups))])
    mixed = DiagonalGroup((1, 6), (DiagonalTerm((0, 1), (), factors(rng, 2)),))
    compare(precision, [DiagonalStage((*groups, mixed))])


@BOTH
def test_wide_diagonals(precision: Precision) -> None:
    rng = np.random.default_rng(4)
    places = tuple(range(8))
    table = DiagonalTerm(places, (1,), factors(rng, 9))
    compare(precision, [DiagonalStage((DiagonalGroup(places, (table,)),))])
