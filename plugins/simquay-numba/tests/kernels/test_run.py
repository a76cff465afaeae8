"""Stages that have no vector kernel, against the interpreter of tiled plans."""

from __future__ import annotations

import numpy as np
import pytest
from stage_passes import BOTH, CONDITIONS, compare

from simquay.engine_api import PermuteStage, Precision, PrepareStage
from simquay.testing.engines import random_unitary


@BOTH
@pytest.mark.parametrize("size", [2, 3, 5])
def test_permutations(precision: Precision, size: int) -> None:
    rng = np.random.default_rng(size)
    for _ in range(12):
        bits = tuple(sorted(rng.permutation(8)[:size].tolist()))
        where = CONDITIONS[2] if rng.random() < 0.5 else CONDITIONS[1]
        compare(precision, [PermuteStage(bits, rng.permutation(1 << size), where)])


@BOTH
@pytest.mark.parametrize("bits", [(0,), (8,), (2, 7), (0, 3, 6), (5, 6, 7, 8)])
def test_preparations(precision: Precision, bits: tuple[int, ...]) -> None:
    amplitudes = random_unitary(1 << len(bits), np.random.default_rng(1))[0]
    compare(precision, [PrepareStage(bits, amplitudes)], zero=sum(1 << bit for bit in bits))
