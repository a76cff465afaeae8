"""The order in which a pass applies its blocks, as stages.

A stage is one block that moves amplitudes, or a list of diagonals that are applied together.
Diagonals wait until a block needs them: so they gather, and one stage applies many.
"""

from __future__ import annotations

from collections.abc import Sequence

from simquay.planning.tiled.scheduling.graph import Graph

__all__ = ["Stages", "gather", "next_moving", "run"]

Stages = list[int | list[int]]


def run(graph: Graph, pending: Sequence[int], active: int) -> tuple[Stages, list[int], int]:
    """Run all of the blocks ``pending`` that the wires ``active`` can.

    Returns the stages; what is still pending, the other moving and the diagonals that no block in
    the stages had to wait for; and the targets of what is still pending, or all wires.
    """
    targets, watched, wires_of = graph.targets, graph.watched, graph.wires
    # On the wires ``closed`` a mover waits, and nothing may overtake it; on the wires ``held``
    # some block waits, or they are not active, and no mover may go on.
    closed = 0
    held = ~active
    # A mover has the level of the latest that it waits for, a diagonal one more; the diagonals of
    # a level are one stage, before its moving. By wire: the last mover's level, and the least
    # that the next one can have.
    passed = [0] * graph.width
    needed = [0] * graph.width
    moving: list[list[int]] = [[]]
    diagonals: list[tuple[int, int]] = []
    rest = []
    everything = graph.every
    numbers = iter(pending)
    for number in numbers:
        mask = targets[number]
        seen = watched[number]
        wires = wires_of[number]
        if not mask:
            if seen & closed:
                held |= seen
                rest.append(number)
                continue
            level = 0
            for wire in wires:
                if passed[wire] > level:
                    level = passed[wire]
            level += 1
            for wire in wires:
                if needed[wire] < level:
                    needed[wire] = level
            diagonals.append((level, number))
            continue
        if mask & held or seen & closed:
            closed |= mask
            held |= mask | seen
            rest.append(number)
            if closed == everything:
                rest.extend(numbers)
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
        moving[level].append(number)
    stages: Stages = list(moving[0])
    gathered: list[list[int]] = [[] for _ in moving]
    late = []
    for level, number in diagonals:
        if level < len(gathered):
            gathered[level].append(number)
        else:
            late.append(number)
    for together, after in zip(gathered[1:], moving[1:], strict=True):
        stages.append(together)
        stages += after
    return stages, sorted(rest + late) if late else rest, closed


def gather(graph: Graph, pending: Sequence[int]) -> tuple[list[int], list[int]]:
    """The diagonals of ``pending`` that no mover stands before, and the rest."""
    closed = 0
    ready: list[int] = []
    rest: list[int] = []
    for number in pending:
        mask = graph.targets[number]
        closed |= mask
        blocked = mask or graph.watched[number] & closed
        (rest if blocked else ready).append(number)
    return ready, rest


def next_moving(graph: Graph, pending: Sequence[int]) -> int | None:
    """The first mover of ``pending`` that need not wait, neither for a mover nor a diagonal."""
    closed = held = 0
    for number in pending:
        mask = graph.targets[number]
        seen = graph.watched[number]
        if mask:
            if not mask & held and not seen & closed:
                return number
            closed |= mask
            held |= mask
        held |= seen
    return None
