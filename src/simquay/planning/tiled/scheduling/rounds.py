"""The rounds of a tile: groups of its blocks that have few target bits each.

A round is to a tile as a tile is to the state, so the same search finds rounds.
"""

from __future__ import annotations

from collections.abc import Sequence

from simquay.planning.tiled.scheduling.graph import Graph, Limits, choose_wires
from simquay.planning.tiled.scheduling.stages import Stages, next_alone, run_blocks

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

    limits = Limits(span, span, lambda targets: targets.bit_count() <= span, -1, ())
    while union:
        active = choose_wires(graph, pending, union, limits)
        if active:
            found, pending, union = run_blocks(graph, pending, active)
            rounds.append(found)
            continue
        # The next block is too wide for a round.
        ready, block, pending, union = next_alone(graph, pending)
        rounds += [[ready], [block]] if ready else [[block]]
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
