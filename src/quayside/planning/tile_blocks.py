"""Blocks: what the tiled planner schedules. They hold structure alone; numbers are kept apart.

A block is one or several gates as one operation on *wires*. A wire is a place for a qubit's
amplitudes: gates that only rename qubits (``Relabel``, SWAP) change which qubit a wire holds, and
disappear. Qubits that are not stored yet are |0>: :func:`resolve_zeros` takes away controls on them
and restricts diagonals to 0, so that neither makes the state larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quayside.planning.tile_plan import Form
from quayside.program.operations import (
    Diagonal,
    GateOperation,
    Matrix,
    Permutation,
    Prepare,
    Relabel,
)

__all__ = ["Block", "Kind", "Source", "Values", "make_blocks", "operands", "resolve_zeros"]

Kind = Literal["dense", "diagonal", "permute", "prepare"]

Values: TypeAlias = NDArray[np.complex128]
"""A block's numbers: a matrix, a diagonal or a state; a permutation's are never read."""


@dataclass(slots=True, eq=False)
class Block:
    """One operation on wires.

    Attributes:
        kind: what its numbers are: a matrix, a diagonal, a state to prepare, or (for a
            permutation) none.
        wires: bit ``j`` of the index of the numbers belongs to ``wires[j]``.
        controls: as in a gate, on wires.
        control_state: as in a gate.
        form: how a matrix may be applied.
        is_real: whether no entry has an imaginary part.
        table: for a permutation: the new amplitude at ``i`` is the old one at ``table[i]``.
    """

    kind: Kind
    wires: tuple[int, ...]
    controls: tuple[int, ...] = ()
    control_state: int = 0
    form: Form = "complex"
    is_real: bool = False
    table: tuple[int, ...] = ()

    @property
    def targets(self) -> tuple[int, ...]:
        """The wires along which amplitudes move: they must be in the tile."""
        return () if self.kind == "diagonal" else self.wires

    @property
    def watched(self) -> tuple[int, ...]:
        """The wires on which the block is diagonal: controls, and a diagonal's own wires."""
        return self.wires + self.controls if self.kind == "diagonal" else self.controls


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Where a block's numbers come from.

    Attributes:
        number: of the gate or block that has them.
        pick: which of its entries they are, in order; None for all.
    """

    number: int
    pick: NDArray[np.intp] | None = None

    def read(self, values: Sequence[Values]) -> Values:
        """The block's numbers, where ``values`` are those of all gates or blocks."""
        found = values[self.number]
        return found if self.pick is None else found[self.pick]


def make_blocks(
    gates: Sequence[GateOperation],
) -> tuple[list[Block], list[int], dict[int, int]]:
    """One block a gate that moves data, its gate's number, and what renamed wires hold at the end.

    Wire ``q`` holds qubit ``q`` at the start. A wire that is not in the last result still does.
    """
    wire_of: dict[int, int] = {}
    blocks = []
    numbers = []
    for number, gate in enumerate(gates):
        if isinstance(gate, Relabel):
            moved = {
                qubit: wire_of.get(source, source)
                for qubit, source in zip(gate.qubits, gate.sources, strict=True)
            }
            wire_of.update(moved)
            continue
        wires = gate.qubits
        controls: tuple[int, ...] = ()
        state = 0
        if not isinstance(gate, Prepare):
            controls, state = gate.controls, gate.control_state
        if wire_of:
            wires = tuple([wire_of.get(qubit, qubit) for qubit in wires])
            controls = tuple([wire_of.get(qubit, qubit) for qubit in controls])
        if isinstance(gate, Permutation):
            table = gate.table.tolist()
            if not controls and table == [0, 2, 1, 3]:
                first, second = gate.qubits
                wire_of[first], wire_of[second] = wires[1], wires[0]
                continue
            if len(table) == 1:
                continue
            source = tuple(table) if len(table) == 2 else tuple(np.argsort(gate.table).tolist())
            block = Block("permute", wires, controls, state, is_real=True, table=source)
        elif isinstance(gate, Diagonal) or not wires:
            # Over no qubits, matrices and states are one factor.
            block = Block("diagonal", wires, controls, state)
        elif isinstance(gate, Prepare):
            block = Block("prepare", wires)
        else:
            block = Block("dense", wires, controls, state)
        blocks.append(block)
        numbers.append(number)
    return blocks, numbers, {wire: qubit for qubit, wire in wire_of.items()}


_NONE = np.zeros(0, dtype=np.complex128)


def operands(gates: Sequence[GateOperation], numbers: Sequence[int]) -> list[Values]:
    """The numbers of the gates ``numbers``, complex128; none for permutations."""
    values = []
    for number in numbers:
        gate = gates[number]
        found: NDArray[Any] = _NONE
        if isinstance(gate, Matrix):
            found = gate.matrix if gate.qubits else gate.matrix.ravel()
        elif isinstance(gate, Diagonal):
            found = gate.diagonal
        elif isinstance(gate, Prepare):
            found = gate.amplitudes
        values.append(found if found.dtype == np.complex128 else found.astype(np.complex128))
    return values


def resolve_zeros(
    blocks: Sequence[Block], order: Sequence[int]
) -> tuple[list[Block], list[Source]]:
    """``blocks`` for a state that stores the wires ``order``, where all others are |0>.

    Controls and diagonals no longer look at a wire before a block moves amplitudes along it.
    """
    stored = set(order)
    resolved = []
    sources = []
    for number, block in enumerate(blocks):
        pick = None
        if block.controls and not stored.issuperset(block.controls):
            kept = _resolve(block.controls, block.control_state, stored)
            if kept is None:
                continue
            block = replace(block, controls=kept[0], control_state=kept[1])
        if block.kind != "diagonal":
            stored.update(block.wires)
        elif not stored.issuperset(block.wires):
            wires, pick = _restrict(block.wires, stored)
            block = replace(block, wires=wires)
        resolved.append(block)
        sources.append(Source(number, pick))
    return resolved, sources


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


def _restrict(wires: tuple[int, ...], stored: set[int]) -> tuple[tuple[int, ...], NDArray[np.intp]]:
    """The stored wires, and the entries of a diagonal where the others are 0."""
    pick = np.zeros(1, dtype=np.intp)
    for bit, wire in enumerate(wires):
        if wire in stored:
            pick = np.concatenate([pick, pick | 1 << bit])
    return tuple(wire for wire in wires if wire in stored), pick
