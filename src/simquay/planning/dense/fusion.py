"""Fusion for dense plans: a gate list becomes nodes, which are gates that are applied as one.

Fusing a gate list

- drops every Relabel: from here on, gates act on *wires*, and the result says which qubit each
  wire carries at the end;
- resolves controls and diagonals on wires that are still |0>, which need no position in the vector;
- merges one-qubit gates into the gate before or after them on their wire, and gates on the same
  wires into each other.

Two nodes on a wire keep their order unless both are diagonal
(:mod:`simquay.planning.dense.dependencies`). So the nodes of a wire form *segments*: a node that is
not diagonal is alone in its segment, and consecutive diagonal nodes share one, in which they may be
applied in any order.

Only the structure of gates is read (kinds and wires), never a matrix's entries, so that the result
holds for the same gates with other angles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from simquay.planning.numbers.patterns import GateCode
from simquay.planning.profile import Layout
from simquay.program.bits import bits_of, mask_of, spread
from simquay.program.operations import (
    Diagonal,
    GateOperation,
    Matrix,
    Permutation,
    Prepare,
    Relabel,
)

__all__ = ["FusedGates", "GateNode", "WireGate", "fuse_gates"]

WireGate: TypeAlias = tuple[
    int, GateCode, tuple[int, ...], tuple[int, ...], int, Union[NDArray[np.intp], None]
]
"""One gate of the list, on wires: ``(index, kind, wires, controls, control_state, select)``.

``kind`` is ``m`` (matrix), ``d`` (diagonal), ``p`` (permutation) or ``s`` (Prepare). ``select``,
for a diagonal on wires some of which are |0>, are the entries that remain. It is a plain tuple,
since there is one for every gate, and objects would take longer to make than the rest of fusion.
"""


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
        carries: for each wire, the qubit that it carries at the end; a wire carries the qubit of
            its own index at the start.
    """

    nodes: list[GateNode]
    scalars: list[WireGate]
    carries: dict[int, int]


_CODES: dict[type, GateCode] = {Matrix: "m", Permutation: "p", Prepare: "s", Diagonal: "d"}


def fuse_gates(
    gates: Sequence[GateOperation], layout: Layout, *, widest: int, widest_diagonal: int
) -> FusedGates:
    """Fuse ``gates``, for a state of ``layout``.

    Gates on more than ``widest`` wires (``widest_diagonal`` for diagonals), controls included,
    become wide nodes.
    """
    # State of the walk. A wire is *touched* once it may differ from |0>.
    touched = mask_of(layout.order)
    wire_of: dict[int, int] = {}  # qubit → wire, where they differ
    last: dict[int, list[GateNode]] = {}  # the last segment of each wire
    solid: dict[int, int] = {}  # the index of the last node on each wire that is not diagonal
    alike: dict[int, GateNode] = {}  # the last diagonal node on these wires (a mask)
    broad = False  # whether some diagonal node has more than two wires
    nodes: list[GateNode | None] = []
    scalars: list[WireGate] = []
    codes = _CODES

    for index, gate in enumerate(gates):
        if isinstance(gate, Relabel):
            moved = [wire_of.get(source, source) for source in gate.sources]
            wire_of.update(zip(gate.qubits, moved, strict=True))
            continue
        # 1. The gate on wires, without controls and diagonal entries on wires that are |0>.
        code = codes[type(gate)]
        wires = gate.qubits
        if wire_of:
            wires = tuple([wire_of.get(q, q) for q in wires])
        mask = 0
        for wire in wires:
            mask |= 1 << wire
        select = None
        diagonal = code == "d"
        controls: tuple[int, ...] = ()
        state = 0
        held = 0
        if not isinstance(gate, Prepare) and gate.controls:
            controls, state = gate.controls, gate.control_state
            if wire_of:
                controls = tuple([wire_of.get(q, q) for q in controls])
            for wire in controls:
                held |= 1 << wire
            if held & ~touched:
                resolved = _resolve(controls, state, touched)
                if resolved is None:
                    continue
                controls, state = resolved
                held &= touched
        if not diagonal:
            touched |= mask
        elif mask & ~touched:
            wires, select = _restrict(wires, touched)
            mask &= touched
        wire_gate = (index, code, wires, controls, state, select)
        everything = wires
        if controls:
            everything = wires + controls
            mask |= held
        elif not wires:
            scalars.append(wire_gate)
            continue

        # 2. If one node is the last on all of the gate's wires, the gate joins it.
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
        # 3. Else the gate begins a node, which takes in one-qubit nodes just before it.
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
    carries = {wire: wire for wire in bits_of(touched)}
    carries |= {wire: qubit for qubit, wire in wire_of.items()}
    return FusedGates(kept, scalars, carries)


def _resolve(
    controls: tuple[int, ...], state: int, touched: int
) -> tuple[tuple[int, ...], int] | None:
    """Controls without those on wires that are |0>; None where one of these asks for 1."""
    kept: list[int] = []
    left = 0
    for bit, control in enumerate(controls):
        wanted = state >> bit & 1
        if touched >> control & 1:
            left |= wanted << len(kept)
            kept.append(control)
        elif wanted:
            return None
    return tuple(kept), left


def _restrict(wires: tuple[int, ...], touched: int) -> tuple[tuple[int, ...], NDArray[np.intp]]:
    """The wires of a diagonal that are not |0>, and which entries remain."""
    positions = [bit for bit, wire in enumerate(wires) if touched >> wire & 1]
    return tuple([wires[position] for position in positions]), spread(positions)


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
