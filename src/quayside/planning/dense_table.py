"""A large diagonal as one table, built from its lowest bit up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quayside.planning.dense_matrix import diagonal_entries
from quayside.planning.fuse import Item
from quayside.program.operations import GateOperation

__all__ = ["diagonal_table"]

_SMALL = 7
"""Wires of a diagonal that is worth computing by itself before it goes into the table."""


def diagonal_table(
    items: Sequence[Item], gates: Sequence[GateOperation], wires: Sequence[int]
) -> NDArray[np.complex128]:
    """The product of diagonal ``items``, shape ``(2**len(wires),)``; bit ``j`` is ``wires[j]``.

    Items with the same highest wire are multiplied among themselves first. Then the table doubles
    wire by wire, so that each group is multiplied into no more than it must.
    """
    place = {wire: position for position, wire in enumerate(wires)}
    groups: list[list[tuple[set[int], list[Item]]]] = [[] for _ in wires]
    scalars: list[Item] = []
    for item in items:
        positions = {place[w] for w in (*item.wires, *item.controls)}
        if not positions:
            scalars.append(item)
            continue
        line = groups[max(positions)]
        for held, members in line:
            if len(held | positions) <= max(_SMALL, len(positions)):
                held |= positions
                members.append(item)
                break
        else:
            line.append((positions, [item]))
    table = diagonal_entries(scalars, gates, ())
    for top, line in enumerate(groups):
        table = np.concatenate([table, table])
        for held, members in line:
            small = sorted(held)
            entries = diagonal_entries(members, gates, [wires[p] for p in small])
            # Axes of the table at the group's positions, highest first, and runs between them.
            shape: list[int] = []
            factor: list[int] = []
            above = top + 1
            for position in reversed(small):
                if above - position > 1:
                    shape.append(1 << (above - position - 1))
                    factor.append(1)
                shape.append(2)
                factor.append(2)
                above = position
            if above:
                shape.append(1 << above)
                factor.append(1)
            view = table.reshape(shape)
            view *= entries.reshape(factor)
    return table
