"""The search for the wires of a tile."""

from __future__ import annotations

import numpy as np

from simquay.planning.tiled.block_types import BlockType, block_type
from simquay.planning.tiled.scheduling.graph import (
    Graph,
    Limits,
    choose_wires,
    worth_their_price,
)
from simquay.planning.tiled.scheduling.stages import run_blocks
from simquay.program.bits import mask_of

H = block_type("dense", 1)
CZ = block_type("diagonal", 2, is_real=True)
CU = block_type("dense", 1, 1, 1)
FREE = [1.0] * 100


def graph_of(*blocks: tuple[BlockType, tuple[int, ...]]) -> Graph:
    return Graph.of([(type_, wires, 0) for type_, wires in blocks])


def chosen(graph: Graph, most: int) -> int:
    def fits(wires: int) -> bool:
        return wires.bit_count() <= most

    pending = range(len(graph.targets))
    return choose_wires(graph, pending, graph.union, Limits(most, most, fits, -1, FREE))


def test_targets_are_the_wires_along_which_amplitudes_move():
    graph = graph_of(
        (H, (3,)), (CZ, (0, 1)), (CU, (2, 0)), (block_type("dense", 2, 1, 0), (4, 1, 3))
    )
    assert graph.targets == [0b1000, 0, 0b100, 0b10010]
    assert graph.watched == [0, 0b11, 0b1, 0b1000]
    assert graph.union == 0b11110
    assert graph.every == 0b11111
    assert graph.width == 5


def test_all_wires_are_chosen_where_they_fit():
    graph = graph_of((H, (0,)), (CZ, (0, 1)), (H, (1,)))
    assert chosen(graph, 2) == 0b11


def test_a_block_needs_the_wires_of_its_closure():
    # Two blocks on wire 3, but they depend on wires 1 and 2: three wires for four targets. Wires 0
    # and 4 have three targets each.
    late = [(H, (1,)), (H, (2,)), (CZ, (1, 3)), (CZ, (2, 3)), (H, (3,)), (H, (3,))]
    early = [(H, (0,)), (H, (0,)), (H, (0,)), (H, (4,)), (H, (4,)), (H, (4,))]
    graph = graph_of(*late, *early)
    assert chosen(graph, 2) == mask_of([0, 4])


def test_no_wires_are_chosen_where_no_block_fits():
    graph = graph_of((block_type("dense", 3), (0, 1, 2)), (H, (0,)))
    assert chosen(graph, 2) == 0


def test_more_starts_find_at_least_as_much():
    rng = np.random.default_rng(4)
    better = 0
    for _ in range(20):
        graph = graph_of(*[(CU, tuple(rng.permutation(8)[:2].tolist())) for _ in range(30)])

        def fits(wires: int) -> bool:
            return wires.bit_count() <= 4

        gains = []
        for starts in (1, 8):
            limits = Limits(4, 4, fits, -1, FREE)
            wires = choose_wires(graph, range(30), graph.union, limits, starts)
            assert 0 < wires.bit_count() <= 4
            stages, _, _ = run_blocks(graph, range(30), wires)
            gains.append(len(stages))
        assert gains[1] >= gains[0]
        better += gains[1] > gains[0]
    assert better


def test_wires_are_worth_their_price_unless_it_more_than_doubles():
    prices = [2.0**width for width in range(10)]
    assert worth_their_price(0b0011, 0b0111, prices)
    assert worth_their_price(0b1000, 0b0111, prices)
    assert not worth_their_price(0b11000, 0b00111, prices)


def test_some_blocks_of_a_graph_in_another_order():
    some = graph_of((H, (0,)), (CZ, (0, 2)), (H, (4,))).take([2, 1])
    assert (some.wires, some.targets, some.watched) == ([(4,), (0, 2)], [0b10000, 0], [0, 0b101])
    assert (some.union, some.every, some.width) == (0b10000, 0b10101, 5)
