"""The rounds of a tile: its blocks in an order that needs few sets of target bits.

A round is to a tile what a tile is to the state, so the same search finds it.
"""

from __future__ import annotations

from collections.abc import Sequence

from quayside.planning.tile_blocks import Block
from quayside.planning.tile_graph import Graph, grow, run

__all__ = ["make_rounds"]


def make_rounds(
    blocks: Sequence[Block], stages: Sequence[int | list[int]], span: int
) -> list[list[int | list[int]]]:
    """``stages`` (numbers of ``blocks``) as rounds of up to ``span`` targets, perhaps reordered.

    A block that has more targets is a round of its own. Without a span there is one round.
    """
    if not span:
        return [list(stages)]
    numbers = [n for stage in stages for n in ([stage] if isinstance(stage, int) else stage)]
    graph = Graph([blocks[number] for number in numbers])
    rounds: list[list[int | list[int]]] = []
    while graph.movers:
        found = run(graph, grow(graph, lambda active: active.bit_count() <= span))
        if not found:
            if not any(graph.targets[number] for number in graph.ready):
                # Only diagonals stand before the next block, which is too wide for a round.
                rounds.append(_rest(graph))
            number = min(number for number in graph.ready if graph.targets[number])
            graph.finish(number)
            found = [number]
        rounds.append(found)
    if graph.ready:
        last = rounds[-1][0] if rounds else None
        if isinstance(last, int) and graph.targets[last].bit_count() <= span:
            rounds[-1] += _rest(graph)
        else:
            rounds.append(_rest(graph))
    return [
        [numbers[s] if isinstance(s, int) else [numbers[n] for n in s] for s in inside]
        for inside in rounds
    ]


def _rest(graph: Graph) -> list[int | list[int]]:
    """One stage of the diagonals that are ready."""
    diagonals = sorted(graph.ready)
    for number in diagonals:
        graph.finish(number)
    return [diagonals]
