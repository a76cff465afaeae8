"""The data of tiled plans."""

from __future__ import annotations

import numpy as np

from simquay.planning.tiled.passes import PermuteStage, Round, TilePass
from tests.support.tiled_gates import NOT


def test_outer_bits_are_those_that_are_not_active():
    pass_ = TilePass(3, 5, (0, 3, 4), (), (0, 1, 2))
    assert pass_.outer == (1, 2)


def test_stages_are_those_of_all_rounds():
    stages = [PermuteStage((bit,), NOT) for bit in range(3)]
    rounds = (Round((0, 1), tuple(stages[:2])), Round((2,), (stages[2],)))
    assert TilePass(3, 3, (0, 1, 2), rounds, (0, 1, 2)).stages == tuple(stages)


def test_a_flip_is_x_on_one_bit():
    assert PermuteStage((1,), NOT).is_flip
    assert not PermuteStage((1,), np.array([0, 1])).is_flip
    assert not PermuteStage((0, 1), np.array([1, 0, 3, 2])).is_flip
