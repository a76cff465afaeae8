"""The order in which a pass applies its blocks, as stages.

A stage is one block that moves amplitudes, or a list of diagonals that are applied together. A
diagonal is applied just before the first block that depends on it, so that one stage applies many.
A *moving* block is one that is not diagonal (:mod:`simquay.planning.tiled.scheduling.graph`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from simquay.planning.tiled.scheduling.graph import Graph

__all__ = ["Stages", "next_alone", "run_blocks"]

Stages = list[int | list[int]]


def run_blocks(graph: Graph, pending: Sequence[int], active: int) -> tuple[Stages, list[int], int]:
    """Run all of the blocks ``pending`` that the active wires allow.

    Returns:
        The stages. The blocks that are still pending: the other moving blocks, and the diagonals
        on which no block of the stages depends. The targets of these, or all wires.
    """
    targets, watched, wires_of = graph.targets, graph.watched, graph.wires
    # On the wires ``closed`` a moving block waits, and no block may overtake it. On the wires
    # ``held`` some block waits, or they are not active: no moving block can run there.
    closed = 0
    held = ~active
    # A moving block has the level of the latest block that it depends on, a diagonal one more. The
    # diagonals of a level are one stage, before its moving blocks. By wire: the level of the last
    # moving block, and the lowest that the next one can have.
    passed = [0] * graph.width
    needed = [0] * graph.width
    moving: list[list[int]] = [[]]
    diagonals: list[tuple[int, int]] = []
    rest = []
    everything = graph.every
    blocks = iter(pending)
    # 1. Divide the blocks into those that run, with their levels, and the rest.
    for block in blocks:
        mask = targets[block]
        seen = watched[block]
        wires = wires_of[block]
        if not mask:
            if seen & closed:
                held |= seen
                rest.append(block)
                continue
            level = 0
            for wire in wires:
                if passed[wire] > level:
                    level = passed[wire]
            level += 1
            for wire in wires:
                if needed[wire] < level:
                    needed[wire] = level
            diagonals.append((level, block))
            continue
        if mask & held or seen & closed:
            closed |= mask
            held |= mask | seen
            rest.append(block)
            if closed == everything:
                rest.extend(blocks)
                break
            continue
        if len(wires) == 1:
            wire = wires[0]
            level = passed[wire] = needed[wire]
        else:
            level = 0
            for wire in wires:
                least = needed[wire] if mask >> wire & 1 else passed[wire]
                if least > level:
                    level = least
            for wire in wires:
                if mask >> wire & 1:
                    passed[wire] = needed[wire] = level
                elif needed[wire] < level:
                    needed[wire] = level
        if level == len(moving):
            moving.append([])
        moving[level].append(block)
    # 2. Make stages by level. Diagonals of a level without moving blocks wait.
    stages: Stages = list(moving[0])
    gathered: list[list[int]] = [[] for _ in moving]
    late = []
    for level, block in diagonals:
        if level < len(gathered):
            gathered[level].append(block)
        else:
            late.append(block)
    for together, after in zip(gathered[1:], moving[1:], strict=True):
        stages.append(together)
        stages += after
    return stages, sorted(rest + late) if late else rest, closed


def next_alone(graph: Graph, pending: Sequence[int]) -> tuple[list[int], int, list[int], int]:
    """The next moving block of ``pending``, if no wires that fit can run it.

    Returns:
        The diagonals to run before it: none, or, where each block depends on some of them, all that
        depend on no moving block. The block. The blocks that are still pending, and their targets.
    """
    # On the wires ``closed`` a moving block waits, on the wires ``held`` some block that is not one
    # of the diagonals ``ready``, whose wires are ``due``.
    closed = held = due = 0
    ready: list[int] = []
    chosen = -1
    for block in pending:
        mask, seen = graph.targets[block], graph.watched[block]
        if not seen & closed:
            if not mask:
                ready.append(block)
                due |= seen
                continue
            if not mask & (held | due):
                ready, chosen = [], block
                break
            if chosen < 0 and not mask & held:
                chosen = block
        closed |= mask
        held |= mask | seen
    taken = {*ready, chosen}
    rest = [block for block in pending if block not in taken]
    return ready, chosen, rest, reduce(or_, [graph.targets[block] for block in rest], 0)
