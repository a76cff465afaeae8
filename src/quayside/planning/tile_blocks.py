"""Blocks: what the tiled planner schedules.

A block is one or several gates as one operation on *wires*. A wire is a place for a qubit's
amplitudes: gates that only rename qubits (``Relabel``, SWAP) change which qubit a wire holds, and
disappear. Qubits that are not stored yet are |0>: controls on them are resolved and diagonals
restricted to 0, so neither makes the state larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

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

__all__ = ["Block", "Kind", "make_blocks"]

Kind = Literal["dense", "diagonal", "permute", "prepare"]


@dataclass(slots=True, eq=False)
class Block:
    """One operation on wires.

    Attributes:
        kind: says what ``values`` is: a matrix, a diagonal, a source table (the new amplitude at
            ``i`` is the old one at ``values[i]``) or a state to prepare.
        wires: bit ``j`` of the index of ``values`` belongs to ``wires[j]``.
        values: the numbers.
        controls: as in a gate, on wires.
        control_state: as in a gate.
    """

    kind: Kind
    wires: tuple[int, ...]
    values: NDArray[Any]
    controls: tuple[int, ...] = ()
    control_state: int = 0

    @property
    def targets(self) -> tuple[int, ...]:
        """The wires along which amplitudes move: they must be in the tile."""
        return () if self.kind == "diagonal" else self.wires

    @property
    def watched(self) -> tuple[int, ...]:
        """The wires on which the block is diagonal: controls, and a diagonal's own wires."""
        return self.wires + self.controls if self.kind == "diagonal" else self.controls


def make_blocks(
    gates: Sequence[GateOperation], layout: Layout
) -> tuple[list[Block], dict[int, int]]:
    """One block a gate that does something, and the qubit that each renamed wire holds at the end.

    Wire ``q`` holds qubit ``q`` at the start. A wire that is not in the result still does.
    """
    wire_of: dict[int, int] = {}
    stored = set(layout.order)
    blocks = []
    for gate in gates:
        if isinstance(gate, Relabel):
            moved = {
                qubit: wire_of.get(source, source)
                for qubit, source in zip(gate.qubits, gate.sources, strict=True)
            }
            wire_of.update(moved)
            continue
        wires = tuple(wire_of.get(qubit, qubit) for qubit in gate.qubits)
        if isinstance(gate, Prepare):
            stored.update(wires)
            blocks.append(Block("prepare", wires, gate.amplitudes))
            continue
        controls = tuple(wire_of.get(qubit, qubit) for qubit in gate.controls)
        control_state = gate.control_state
        if any(control not in stored for control in controls):
            resolved = _resolve(controls, control_state, stored)
            if resolved is None:
                continue
            controls, control_state = resolved
        if isinstance(gate, Diagonal):
            values = gate.diagonal
            if any(wire not in stored for wire in wires):
                wires, values = _restrict(wires, values, stored)
            blocks.append(Block("diagonal", wires, values, controls, control_state))
            continue
        stored.update(wires)
        if isinstance(gate, Matrix):
            blocks.append(Block("dense", wires, gate.matrix, controls, control_state))
        elif isinstance(gate, Permutation):
            source = np.empty_like(gate.table)
            source[gate.table] = np.arange(len(source))
            blocks.append(Block("permute", wires, source, controls, control_state))
    return blocks, {wire: qubit for qubit, wire in wire_of.items()}


def _resolve(
    controls: tuple[int, ...], state: int, stored: set[int]
) -> tuple[tuple[int, ...], int] | None:
    """The controls on stored wires; None where one on a wire that is |0> asks for 1."""
    kept: list[int] = []
    wanted = 0
    for bit, control in enumerate(controls):
        if control in stored:
            wanted |= (state >> bit & 1) << len(kept)
            kept.append(control)
        elif state >> bit & 1:
            return None
    return tuple(kept), wanted


def _restrict(
    wires: tuple[int, ...], diagonal: NDArray[Any], stored: set[int]
) -> tuple[tuple[int, ...], NDArray[Any]]:
    """The diagonal on the stored wires, where the others are 0."""
    tensor = diagonal.reshape((2,) * len(wires))
    chosen = tuple(slice(None) if wire in stored else 0 for wire in reversed(wires))
    return tuple(wire for wire in wires if wire in stored), tensor[chosen].ravel()
