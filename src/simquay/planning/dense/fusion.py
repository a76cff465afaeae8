"""Fusion for dense plans: a gate list becomes nodes, which are gates that are applied as one.

Fusing gates on wires (:mod:`simquay.planning.wires`) merges one-qubit gates into the gate before or
after them on their wire, and gates on the same wires into each other.

Two nodes on a wire must keep their order unless both are diagonal. So the nodes of a wire form
*segments*: a node that is not diagonal is alone in its segment, and consecutive diagonal nodes
share one, in which they may be applied in any order. A set of nodes is an integer in which bit
``n`` stands for node ``n``: all nodes that must come before a node, directly or not, are one
integer, so that a question about many nodes takes a few operations.

Only the structure of gates is read (kinds and wires), never a matrix's entries, so that the result
holds for the same gates with other angles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import NamedTuple

from simquay.planning.profile import Layout
from simquay.planning.wires import WireGate, gates_on_wires
from simquay.program.gates import GateOperation

__all__ = ["FusedGates", "GateNode", "dependencies", "fuse_gates", "union_of"]


@dataclass(slots=True, eq=False)
class GateNode:
    """Gates that are applied as one.

    Attributes:
        wires: the wires that the node acts on, controls included; ``mask`` is their mask.
        diagonal: whether it is diagonal, so that it commutes with the others of its segments.
        wide: whether it acts on more wires than may be fused; its one gate is applied as it is.
        gates: its gates in order.
    """

    wires: tuple[int, ...]
    mask: int
    diagonal: bool
    wide: bool
    gates: list[WireGate]


class FusedGates(NamedTuple):
    """The result of :func:`fuse_gates`.

    Attributes:
        nodes: in an order that keeps all dependencies.
        scalars: gates whose wires are all |0>: factors of the whole state.
        renamed: the qubits that renamed wires carry at the end; all others carry the qubit of
            their own index.
    """

    nodes: list[GateNode]
    scalars: list[WireGate]
    renamed: dict[int, int]


def fuse_gates(
    gates: Sequence[GateOperation], layout: Layout, *, widest: int, widest_diagonal: int
) -> FusedGates:
    """Fuse ``gates``, for a state of ``layout``.

    Gates on more than ``widest`` wires (``widest_diagonal`` for diagonals), controls included,
    become wide nodes.
    """
    solid: dict[int, GateNode] = {}  # the last node on each wire that is not diagonal
    # The diagonal nodes on each wire after that, by their masks.
    behind: defaultdict[int, dict[int, GateNode]] = defaultdict(dict)
    broad = False  # whether some diagonal node has more than two wires
    nodes: list[GateNode] = []
    scalars: list[WireGate] = []

    wire_of: dict[int, int] = {}
    for wire_gate in gates_on_wires(gates, layout.order, wire_of):
        _, code, everything, controls, _, _ = wire_gate
        diagonal = code == "d"
        if controls:
            everything += controls
        elif not everything:
            scalars.append(wire_gate)
            continue
        mask = 0
        for wire in everything:
            mask |= 1 << wire

        # 1. If one node is the last on all of the gate's wires, the gate joins it.
        width = len(everything)
        wide = width > (widest_diagonal if diagonal else widest)
        node = None
        if wide:
            pass
        elif behind[everything[0]]:
            if diagonal:
                node = _diagonal_to_join(everything, mask, behind, broad)
        elif (other := solid.get(everything[0])) and not other.wide and other.mask & mask == mask:
            for wire in everything:
                if behind[wire] or solid[wire] is not other:
                    break
            else:
                node = other
        if node is not None:
            node.gates.append(wire_gate)
            continue
        # 2. Else the gate begins a node, which takes in one-qubit nodes just before it.
        node = GateNode(everything, mask, diagonal, wide, [wire_gate])
        nodes.append(node)
        if diagonal:
            for wire in everything:
                behind[wire].pop(mask, None)  # another with this mask, which now is no longer last
                behind[wire][mask] = node
            broad = broad or (width > 2 and not wide)
            continue
        for wire in everything:
            before = behind[wire].get(1 << wire) if behind[wire] else solid.get(wire)
            if before is not None and len(before.wires) == 1 and not wide:
                node.gates[-1:-1] = before.gates
                before.gates = []
            behind[wire] = {}
            solid[wire] = node
    kept = [node for node in nodes if node.gates]
    return FusedGates(kept, scalars, {wire: qubit for qubit, wire in wire_of.items()})


def _diagonal_to_join(
    wires: tuple[int, ...], mask: int, behind: dict[int, dict[int, GateNode]], broad: bool
) -> GateNode | None:
    """A diagonal node that acts on all ``wires`` and is in the last segment of each, or None."""
    segment = behind[wires[0]]
    alike = segment.get(mask)
    others = [] if alike is None else [alike]
    if len(wires) == 1 or broad:
        others += reversed(segment.values())
    for other in others:
        if other.mask & mask == mask and not other.wide:
            for wire in wires:
                if behind[wire].get(other.mask) is not other:
                    break
            else:
                return other
    return None


def union_of(nodes: Iterable[GateNode]) -> int:
    """The mask of all wires of ``nodes``."""
    return reduce(or_, [node.mask for node in nodes], 0)


def dependencies(nodes: Sequence[GateNode]) -> tuple[list[int], list[int], list[int]]:
    """The dependencies of ``nodes``, which are numbered in order.

    Returns:
        For each node, the nodes that must come before it; for each node, those that must come after
        it; for each wire, the nodes on it.
    """
    size = union_of(nodes).bit_length()
    bits = [1 << index for index in range(len(nodes))]
    on = [0] * size
    for node, bit in zip(nodes, bits, strict=True):
        for wire in node.wires:
            on[wire] |= bit
    before = _reached(nodes, bits, size)
    after = _reached(nodes[::-1], bits[::-1], size)[::-1]
    return before, after, on


def _reached(nodes: Sequence[GateNode], bits: list[int], size: int) -> list[int]:
    """For each node, the earlier ones of ``nodes`` that it depends on.

    On each wire, ``solid`` is the last node that is not diagonal, with its dependencies, and
    ``everything`` is all nodes up to now, with theirs.
    """
    solid = [0] * size
    everything = [0] * size
    reached = []
    for node, bit in zip(nodes, bits, strict=True):
        past = solid if node.diagonal else everything
        wires = node.wires
        if len(wires) == 2:  # as most nodes have: a loop takes longer
            one, two = wires
            found = past[one] | past[two]
        else:
            found = 0
            for wire in wires:
                found |= past[wire]
        reached.append(found)
        found |= bit
        if node.diagonal:
            for wire in wires:
                everything[wire] |= found
        else:
            for wire in wires:
                solid[wire] = everything[wire] = found
    return reached
