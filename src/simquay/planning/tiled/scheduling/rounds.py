"""The rounds of a tile: its blocks in an order that needs few sets of target bits.

A round is to a tile what a tile is to the state, so the same search finds it.
"""

from __future__ import annotations

from collections.abc import Sequence

from simquay.planning.tiled.blocks.blocks import Blocks
from simquay.planning.tiled.scheduling.graph import Graph, choose_wires
from simquay.planning.tiled.scheduling.stages import Stages, gather, next_moving, run

__all__ = ["make_rounds"]


def make_rounds(blocks: Blocks, stages: Stages, span: int) -> list[Stages]:
    """``stages`` (numbers of ``blocks``) as rounds of up to ``span`` targets, perhaps reordered.

    A block that has more targets is a round of its own. Without a span there is one round.
    """
    if not span:
        return [stages]
    numbers = [n for stage in stages for n in ([stage] if isinstance(stage, int) else stage)]
    inside = blocks.take(numbers)
    graph = Graph(inside)
    pending: Sequence[int] = range(len(numbers))
    rounds: list[Stages] = []
    union = graph.union

    def fits(targets: int) -> bool:
        return targets.bit_count() <= span

    while union:
        active = choose_wires(graph, pending, union, span, span, fits, -1, ())
        if active:
            found, pending, union = run(graph, pending, active)
            rounds.append(found)
            continue
        number = next_moving(graph, pending)
        if number is None:
            # Only diagonals stand before the next block, which is too wide for a round.
            ready, pending = gather(graph, pending)
            rounds.append([ready])
            number = next_moving(graph, pending)
            assert number is not None
        pending = [other for other in pending if other != number]
        union = 0
        for other in pending:
            union |= graph.targets[other]
        rounds.append([number])
    if pending:
        last = rounds[-1][0] if rounds else None
        if isinstance(last, int) and graph.targets[last].bit_count() <= span:
            rounds[-1].append(list(pending))
        else:
            rounds.append([list(pending)])
    return [
        [numbers[s] if isinstance(s, int) else [numbers[n] for n in s] for s in found]
        for found in rounds
    ]
