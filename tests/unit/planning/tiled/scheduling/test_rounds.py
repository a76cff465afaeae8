"""Rounds: few targets each, and all stages once."""

from __future__ import annotations

import pytest

from simquay.planning.tiled.block_types import diagonal_type, matrix_type
from simquay.planning.tiled.blocks.blocks import Blocks
from simquay.planning.tiled.scheduling.graph import Graph
from simquay.planning.tiled.scheduling.rounds import make_rounds

H = matrix_type(1, 0, 0, 0)
CZ = diagonal_type(2, 0, 0, True)


def hadamards(count: int) -> Blocks:
    return Blocks([H] * count, [(wire,) for wire in range(count)], [0] * count)


def test_without_a_span_there_is_one_round():
    assert make_rounds(Graph.of(hadamards(3)), [2, 0, 1], 0) == [[2, 0, 1]]


@pytest.mark.parametrize("span", [1, 2, 3, 5])
def test_a_round_has_no_more_targets_than_the_span(span):
    rounds = make_rounds(Graph.of(hadamards(5)), [0, 1, 2, 3, 4], span)
    assert all(len(stages) <= span for stages in rounds)
    assert len(rounds) == -(-5 // span)
    assert sorted(stage for stages in rounds for stage in stages) == [0, 1, 2, 3, 4]


def test_a_block_with_more_targets_is_alone_in_its_round():
    wide = matrix_type(3, 0, 0, 0)
    blocks = Blocks([H, wide, H], [(0,), (0, 1, 2), (0,)], [0] * 3)
    assert make_rounds(Graph.of(blocks), [0, 1, 2], 2) == [[0], [1], [2]]


def test_diagonals_come_before_the_block_that_depends_on_them():
    blocks = Blocks([H, CZ, H], [(0,), (0, 1), (1,)], [0] * 3)
    assert make_rounds(Graph.of(blocks), [0, [1], 2], 1) == [[0], [[1], 2]]
