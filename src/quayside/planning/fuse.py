"""Fusion: a gate list as nodes that depend on each other only where they do not commute.

Both strategies start here. Fusing a gate list

- drops every Relabel: from here on, gates act on *wires*, and the result says which qubit each
  wire carries at the end;
- resolves controls and diagonals on wires that are still |0>, which need no place in the vector;
- merges one-qubit gates into the gate before or after them on their wire, and gates on the same
  wires into each other;
- cuts the gates of each wire into *segments*: a node that is not diagonal is a segment of its own,
  neighbouring diagonal nodes share one. Nodes of one segment may be applied in any order, those
  of different segments of a wire may not.

Only the structure is looked at (kinds and wires), never a matrix's entries, so that the result
holds for the same gates with other angles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quayside.planning.plan import Layout
from quayside.program.operations import (
    Diagonal,
    GateOperation,
    Matrix,
    Permutation,
    Prepare,
    Relabel,
)

__all__ = ["Fused", "Item", "Node", "fuse"]


class Item(NamedTuple):
    """One gate of the list, on wires.

    ``kind`` is ``m`` (matrix), ``d`` (diagonal), ``p`` (permutation) or ``s`` (Prepare).
    ``select``, for a diagonal that acted on wires that are |0>, picks the entries that remain.
    """

    number: int
    kind: str
    wires: tuple[int, ...]
    controls: tuple[int, ...]
    control_state: int
    select: NDArray[np.intp] | None


class Node:
    """Gates that are applied as one.

    Attributes:
        wires: what the node acts on, controls included; ``mask`` is the same as bits.
        diagonal: whether it is diagonal, so that it commutes with the others of its segments.
        wide: whether it acts on more wires than may be fused; its one item is applied as it is.
        items: its gates in order.
        segments: for each wire, in order, the index of the segment that the node is in.
        number: its place in the list of nodes.
    """

    __slots__ = ("diagonal", "items", "mask", "number", "segments", "wide", "wires")

    def __init__(self, wires: tuple[int, ...], diagonal: bool, wide: bool) -> None:
        self.wires = wires
        self.diagonal = diagonal
        self.wide = wide
        self.items: list[Item] = []
        self.segments: list[int] = []
        self.number = 0
        mask = 0
        for wire in wires:
            mask |= 1 << wire
        self.mask = mask


class Fused(NamedTuple):
    """What :func:`fuse` makes.

    Attributes:
        nodes: in an order that keeps all dependencies.
        segments: for each wire, its segments in order.
        scalars: what acts on no wire that is not |0>: factors of the whole state.
        carries: for each wire, the qubit that it carries at the end; a wire carries the qubit of
            its own number at the start.
    """

    nodes: list[Node]
    segments: dict[int, list[list[Node]]]
    scalars: list[Item]
    carries: dict[int, int]


def fuse(
    gates: Sequence[GateOperation], layout: Layout, *, widest: int, widest_diagonal: int
) -> Fused:
    """Fuse ``gates``, for a state of ``layout``.

    Gates on more than ``widest`` wires (``widest_diagonal`` for diagonals), controls included,
    become wide nodes.
    """
    touched = set(layout.order)
    wire_of: dict[int, int] = {}  # qubit → wire, where they differ
    segments: dict[int, list[list[Node]]] = {}
    nodes: list[Node | None] = []
    scalars: list[Item] = []

    for number, gate in enumerate(gates):
        kind = type(gate)
        if isinstance(gate, Relabel):
            moved = {
                qubit: wire_of.get(source, source)
                for qubit, source in zip(gate.qubits, gate.sources, strict=True)
            }
            wire_of.update(moved)
            continue
        wires = gate.qubits
        if wire_of:
            wires = tuple([wire_of.get(q, q) for q in wires])
        controls: tuple[int, ...] = ()
        state = 0
        if not isinstance(gate, Prepare) and gate.controls:
            controls, state = gate.controls, gate.control_state
            if wire_of:
                controls = tuple([wire_of.get(q, q) for q in controls])
            resolved = _resolve(controls, state, touched)
            if resolved is None:
                continue
            controls, state = resolved
        select = None
        if kind is Diagonal:
            diagonal, code = True, "d"
            if not touched.issuperset(wires):
                wires, select = _restrict(wires, touched)
        else:
            diagonal = False
            code = "m" if kind is Matrix else "p" if kind is Permutation else "s"
            touched.update(wires)
        everything = wires + controls if controls else wires
        item = Item(number, code, wires, controls, state, select)

        if not everything:
            scalars.append(item)
            continue
        # The node that is last on all of this gate's wires, if there is one, takes the gate in.
        wide = len(everything) > (widest_diagonal if diagonal else widest)
        host = _host(everything, segments, diagonal) if not wide else None
        if host is not None:
            host.items.append(item)
            continue
        node = Node(everything, diagonal, wide)
        node.number = len(nodes)
        for wire in everything:
            line = segments.get(wire)
            if line is None:
                segments[wire] = [[node]]
                node.segments.append(0)
                continue
            last = line[-1]
            before = last[0]
            if diagonal and before.diagonal:
                last.append(node)
            elif not diagonal and not wide and len(before.wires) == 1:
                # One-qubit nodes at the end of a wire go into the node that comes after them.
                for merged in last:
                    if len(merged.wires) == 1:
                        node.items.extend(merged.items)
                        nodes[merged.number] = None
                left = [other for other in last if len(other.wires) > 1]
                if left:
                    line[-1] = left
                    line.append([node])
                else:
                    line[-1] = [node]
            else:
                line.append([node])
            node.segments.append(len(line) - 1)
        node.items.append(item)
        nodes.append(node)

    kept = [node for node in nodes if node is not None]
    for place, node in enumerate(kept):
        node.number = place
    carries = {wire: wire for wire in touched}
    carries |= {wire: qubit for qubit, wire in wire_of.items()}
    return Fused(kept, segments, scalars, carries)


def _resolve(
    controls: tuple[int, ...], state: int, touched: set[int]
) -> tuple[tuple[int, ...], int] | None:
    """Controls without those on wires that are |0>; None where one of these asks for 1."""
    if touched.issuperset(controls):
        return controls, state
    kept: list[int] = []
    left = 0
    for bit, control in enumerate(controls):
        wanted = state >> bit & 1
        if control in touched:
            left |= wanted << len(kept)
            kept.append(control)
        elif wanted:
            return None
    return tuple(kept), left


def _restrict(
    wires: tuple[int, ...], touched: set[int]
) -> tuple[tuple[int, ...], NDArray[np.intp]]:
    """The wires of a diagonal that are not |0>, and which entries remain."""
    places = [bit for bit, wire in enumerate(wires) if wire in touched]
    index = np.arange(1 << len(places))
    select = np.zeros(1 << len(places), dtype=np.intp)
    for bit, place in enumerate(places):
        select |= (index >> bit & 1) << place
    return tuple([wires[place] for place in places]), select


def _host(
    wires: tuple[int, ...], segments: dict[int, list[list[Node]]], diagonal: bool
) -> Node | None:
    """The node that is last on all ``wires`` and may take in a gate on them, or None."""
    line = segments.get(wires[0])
    if line is None:
        return None
    last = line[-1]
    node = last[0]
    if node.diagonal:
        if not diagonal:
            return None
        # In a segment of diagonals, any that acts on all of the wires will do.
        mask = 0
        for wire in wires:
            mask |= 1 << wire
        for other in reversed(last):
            if other.mask & mask == mask and not other.wide:
                if all(segments[wire][-1][0].diagonal for wire in wires[1:]) and all(
                    other in segments[wire][-1] for wire in wires[1:]
                ):
                    return other
                break
        return None
    if node.wide:
        return None
    for wire in wires[1:]:
        other_line = segments.get(wire)
        if other_line is None or other_line[-1][0] is not node:
            return None
    return node
