"""Rounds: few targets each, and all stages once."""

from __future__ import annotations

import pytest

from simquay.planning.tiled.block_types import Block, block_type
from simquay.planning.tiled.scheduling.graph import Graph
from simquay.planning.tiled.scheduling.rounds import make_rounds

H = block_type("dense", 1)
CZ = block_type("diagonal", 2, is_real=True)


def hadamards(count: int) -> list[Block]:
    return [(H, (wire,), 0) for wire in range(count)]


def test_without_a_span_there_is_one_round():
    assert make_rounds(Graph.of(hadamards(3)), [2, 0, 1], 0) == [[2, 0, 1]]


@pytest.mark.parametrize("span", [1, 2, 3, 5])
def test_a_round_has_no_more_targets_than_the_span(span):
    rounds = make_rounds(Graph.of(hadamards(5)), [0, 1, 2, 3, 4], span)
    assert all(len(stages) <= span for stages in rounds)
    assert len(rounds) == -(-5 // span)
    assert sorted(stage for stages in rounds for stage in stages) == [0, 1, 2, 3, 4]


def test_a_block_with_more_targets_is_alone_in_its_round():
    wide = block_type("dense", 3)
    blocks = [(H, (0,), 0), (wide, (0, 1, 2), 0), (H, (0,), 0)]
    assert make_rounds(Graph.of(blocks), [0, 1, 2], 2) == [[0], [1], [2]]


def test_diagonals_come_before_the_block_that_depends_on_them():
    blocks = [(H, (0,), 0), (CZ, (0, 1), 0), (H, (1,), 0)]
    assert make_rounds(Graph.of(blocks), [0, [1], 2], 1) == [[0], [[1], 2]]
