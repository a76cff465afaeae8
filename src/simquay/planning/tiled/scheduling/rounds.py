"""The rounds of a tile: groups of its blocks that have few target bits each.

A round is to a tile as a tile is to the state, so the same search finds rounds.
"""

from __future__ import annotations

from collections.abc import Sequence

from simquay.planning.tiled.scheduling.graph import Graph, choose_wires
from simquay.planning.tiled.scheduling.stages import (
    Stages,
    next_moving,
    ready_diagonals,
    run_blocks,
)

__all__ = ["make_rounds"]


def make_rounds(graph: Graph, stages: Stages, span: int) -> list[Stages]:
    """``stages`` (indices of blocks) as rounds of up to ``span`` targets, perhaps reordered.

    A block that has more targets is alone in its round. Without a span there is one round.
    """
    if not span:
        return [stages]
    indices = [
        block for stage in stages for block in ([stage] if isinstance(stage, int) else stage)
    ]
    graph = graph.take(indices)
    pending: Sequence[int] = range(len(indices))
    rounds: list[Stages] = []
    union = graph.union

    def fits(targets: int) -> bool:
        return targets.bit_count() <= span

    while union:
        active = choose_wires(graph, pending, union, span, span, fits, -1, ())
        if active:
            found, pending, union = run_blocks(graph, pending, active)
            rounds.append(found)
            continue
        block = next_moving(graph, pending)
        if block is None:
            # The next block is too wide for a round, and depends on diagonals alone.
            ready, pending = ready_diagonals(graph, pending)
            rounds.append([ready])
            block = next_moving(graph, pending)
            assert block is not None
        pending = [other for other in pending if other != block]
        union = 0
        for other in pending:
            union |= graph.targets[other]
        rounds.append([block])
    if pending:
        last = rounds[-1][0] if rounds else None
        if isinstance(last, int) and graph.targets[last].bit_count() <= span:
            rounds[-1].append(list(pending))
        else:
            rounds.append([list(pending)])
    return [
        [indices[s] if isinstance(s, int) else [indices[block] for block in s] for s in found]
        for found in rounds
    ]
