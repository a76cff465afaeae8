"""Dependencies between nodes, as sets of nodes: integers in which bit ``n`` stands for node ``n``.

Two nodes on a wire must keep their order unless both are diagonal. All nodes that must come before
a node, directly or not, are one integer, so that a question about many nodes takes a few
operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from simquay.planning.dense.fusion import GateNode

__all__ = ["Dependencies", "dependencies"]


class Dependencies(NamedTuple):
    """The dependencies of nodes.

    Attributes:
        before: for each node, the nodes that must come before it.
        after: for each node, the nodes that must come after it.
        on: for each wire, the nodes on it.
    """

    before: list[int]
    after: list[int]
    on: list[int]


def dependencies(nodes: Sequence[GateNode]) -> Dependencies:
    """The dependencies of ``nodes``, which are numbered in order."""
    mask = 0
    for node in nodes:
        mask |= node.mask
    size = mask.bit_length()
    bits = [1 << index for index in range(len(nodes))]
    before, _ = _reached(nodes, bits, size)
    bits.reverse()
    after, on = _reached(nodes[::-1], bits, size)
    after.reverse()
    return Dependencies(before, after, on)


def _reached(nodes: Sequence[GateNode], bits: list[int], size: int) -> tuple[list[int], list[int]]:
    """For each node, the earlier ones of ``nodes`` that it depends on; and the nodes on each wire.

    On each wire, ``solid`` is the last node that is not diagonal, with its dependencies, and
    ``everything`` is all nodes up to now, with theirs.
    """
    solid = [0] * size
    everything = [0] * size
    on = [0] * size
    reached = []
    for node, bit in zip(nodes, bits, strict=True):
        wires = node.wires
        past = solid if node.diagonal else everything
        found = 0
        for wire in wires:
            found |= past[wire]
        reached.append(found)
        found |= bit
        for wire in wires:
            on[wire] |= bit
            if node.diagonal:
                everything[wire] |= found
            else:
                solid[wire] = everything[wire] = found
    return reached, on
