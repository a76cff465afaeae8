"""Fusion for dense plans: a gate list becomes nodes, which are gates that are applied as one.

Fusing gates on wires (:mod:`simquay.planning.wires`) merges one-qubit gates into the gate before or
after them on their wire, and gates on the same wires into each other.

Two nodes on a wire keep their order unless both are diagonal
(:mod:`simquay.planning.dense.dependencies`). So the nodes of a wire form *segments*: a node that is
not diagonal is alone in its segment, and consecutive diagonal nodes share one, in which they may be
applied in any order.

Only the structure of gates is read (kinds and wires), never a matrix's entries, so that the result
holds for the same gates with other angles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from simquay.planning.profile import Layout
from simquay.planning.wires import WireGate, gates_on_wires
from simquay.program.operations import GateOperation

__all__ = ["FusedGates", "GateNode", "fuse_gates"]


class GateNode:
    """Gates that are applied as one.

    Attributes:
        wires: the wires that the node acts on, controls included; ``mask`` is their mask.
        diagonal: whether it is diagonal, so that it commutes with the others of its segments.
        wide: whether it acts on more wires than may be fused; its one gate is applied as it is.
        gates: its gates in order.
        index: its position in the list of nodes.
    """

    __slots__ = ("diagonal", "gates", "index", "mask", "wide", "wires")

    def __init__(
        self,
        wires: tuple[int, ...],
        mask: int,
        diagonal: bool,
        wide: bool,
        index: int,
        wire_gate: WireGate,
    ) -> None:
        self.wires = wires
        self.mask = mask
        self.diagonal = diagonal
        self.wide = wide
        self.index = index
        self.gates = [wire_gate]


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
    last: dict[int, list[GateNode]] = {}  # the last segment of each wire
    solid: dict[int, int] = {}  # the index of the last node on each wire that is not diagonal
    alike: dict[int, GateNode] = {}  # the last diagonal node on these wires (a mask)
    broad = False  # whether some diagonal node has more than two wires
    nodes: list[GateNode | None] = []
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
        segment = last.get(everything[0])
        if segment is not None and not wide:
            candidate = segment[-1]
            if not candidate.diagonal:
                if not candidate.wide and candidate.mask & mask == mask:
                    for wire in everything:
                        if last[wire][-1] is not candidate:
                            break
                    else:
                        candidate.gates.append(wire_gate)
                        continue
            elif diagonal and (broad or width == 1 or mask in alike):
                found = _diagonal_to_join(everything, mask, segment, solid, alike, broad)
                if found is not None:
                    found.gates.append(wire_gate)
                    continue
        # 2. Else the gate begins a node, which takes in one-qubit nodes just before it.
        position = len(nodes)
        node = GateNode(everything, mask, diagonal, wide, position, wire_gate)
        if diagonal:
            for wire in everything:
                segment = last.get(wire)
                if segment is None or not segment[0].diagonal:
                    last[wire] = [node]
                else:
                    segment.append(node)
            if not wide:
                alike[mask] = node
                broad = broad or width > 2
        else:
            single = [node]
            for wire in everything:
                segment = last.get(wire)
                if segment is not None and not wide:
                    for merged in segment:
                        if len(merged.wires) == 1:
                            node.gates[-1:-1] = merged.gates
                            nodes[merged.index] = None
                last[wire] = single
                solid[wire] = position
        nodes.append(node)

    # Nodes that others took in leave gaps: number the rest anew.
    kept = [node for node in nodes if node is not None]
    for position, node in enumerate(kept):
        node.index = position
    return FusedGates(kept, scalars, {wire: qubit for qubit, wire in wire_of.items()})


def _diagonal_to_join(
    wires: tuple[int, ...],
    mask: int,
    segment: Sequence[GateNode],
    solid: dict[int, int],
    alike: dict[int, GateNode],
    broad: bool,
) -> GateNode | None:
    """A diagonal node that acts on all ``wires`` and is in the last segment of each, or None.

    ``segment`` is the last one of the first wire.
    """
    found = alike.get(mask)
    if found is not None:
        for wire in wires:
            if solid.get(wire, -1) > found.index:
                break
        else:
            return found
    if len(wires) == 1 or broad:
        for other in reversed(segment):
            if other.mask & mask == mask and not other.wide:
                for wire in wires:
                    if solid.get(wire, -1) > other.index:
                        break
                else:
                    return other
    return None
