"""Stages of a pass: blocks that run, and diagonals that gather."""

from __future__ import annotations

import numpy as np

from simquay.planning.tiled.block_types import BlockType, block_type
from simquay.planning.tiled.scheduling.graph import Graph
from simquay.planning.tiled.scheduling.stages import next_alone, run_blocks

H = block_type("dense", 1)
CZ = block_type("diagonal", 2, is_real=True)
CU = block_type("dense", 1, 1, 1)


def graph_of(*blocks: tuple[BlockType, tuple[int, ...]]) -> Graph:
    return Graph.of([(type_, wires, 0) for type_, wires in blocks])


def test_diagonals_wait_for_the_block_that_depends_on_them():
    graph = graph_of((H, (0,)), (CZ, (0, 1)), (CZ, (0, 2)), (H, (1,)), (H, (2,)))
    stages, rest, targets = run_blocks(graph, range(5), 0b111)
    assert stages == [0, [1, 2], 3, 4]
    assert (rest, targets) == ([], 0)


def test_a_block_whose_targets_are_not_active_blocks_the_ones_after_it():
    graph = graph_of((H, (0,)), (CU, (3, 0)), (H, (0,)), (H, (1,)))
    stages, rest, targets = run_blocks(graph, range(4), 0b011)
    assert stages == [0, 3]
    assert rest == [1, 2]  # the second H on wire 0 must come after the control
    assert targets == 0b1001


def test_diagonals_on_which_no_block_depends_stay_pending():
    graph = graph_of((H, (0,)), (CZ, (0, 1)))
    assert run_blocks(graph, range(2), 0b1) == ([0], [1], 0)


def test_all_ready_diagonals_run_before_a_block_that_depends_on_one():
    graph = graph_of((CZ, (0, 1)), (H, (1,)), (CZ, (1, 2)), (CZ, (0, 2)))
    assert next_alone(graph, range(4)) == ([0, 3], 1, [2], 0)
    assert next_alone(graph, [1, 2]) == ([], 1, [2], 0)


def test_no_diagonals_run_before_a_block_that_depends_on_none():
    graph = graph_of((CZ, (0, 1)), (H, (1,)), (H, (2,)), (CU, (1, 3)))
    assert next_alone(graph, range(4)) == ([], 2, [0, 1, 3], 0b10)


def test_stages_keep_the_order_of_blocks_that_do_not_commute():
    rng = np.random.default_rng(0)
    for _ in range(100):
        blocks: list[tuple[BlockType, tuple[int, ...]]] = []
        for _ in range(25):
            type_ = (H, CZ, CU)[int(rng.integers(3))]
            blocks.append((type_, tuple(rng.permutation(5)[: type_.total].tolist())))
        graph = graph_of(*blocks)
        stages, rest, _ = run_blocks(graph, range(25), int(rng.integers(1, 32)))
        order = [b for stage in stages for b in ([stage] if isinstance(stage, int) else stage)]
        order += rest
        assert sorted(order) == list(range(25))
        position = {block: place for place, block in enumerate(order)}
        for late in range(25):
            for early in range(late):
                moved = graph.targets[early] | graph.targets[late]
                both = set(blocks[early][1]) & set(blocks[late][1])
                if any(moved >> wire & 1 for wire in both):
                    assert position[early] < position[late]
