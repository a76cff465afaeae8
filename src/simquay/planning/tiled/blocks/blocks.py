"""Gates become blocks, which the tiled planner schedules.

Gates that only rename qubits (``Relabel``, SWAP) change which qubit a wire carries, and disappear.
Qubits that are not stored yet are |0>: controls on them are removed, and diagonals restricted to 0,
so that neither makes the state larger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simquay.planning.tiled.block_types import (
    BlockType,
    diagonal_type,
    matrix_type,
    permutation_type,
    preparation_type,
    restricted,
    with_controls,
)
from simquay.program.operations import Diagonal, GateOperation, Matrix, Permutation, Relabel

__all__ = ["Blocks", "make_blocks", "resolve_zeros"]


@dataclass(slots=True, eq=False)
class Blocks:
    """Operations on wires, in order.

    Attributes:
        types: of each block.
        wires: of each block, the wires that it acts on, then its controls.
        starts: of each block, where in the pool its numbers start.
    """

    types: list[BlockType] = field(default_factory=list)
    wires: list[tuple[int, ...]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.types)

    def take(self, indices: Iterable[int]) -> Blocks:
        """The blocks with these indices."""
        picked = list(indices)
        return Blocks(
            [self.types[index] for index in picked],
            [self.wires[index] for index in picked],
            [self.starts[index] for index in picked],
        )


def make_blocks(
    gates: Sequence[GateOperation],
    traits: Sequence[int],
    starts: Sequence[int],
    order: Sequence[int],
) -> tuple[Blocks, dict[int, int]]:
    """The blocks of ``gates``, and the qubits that renamed wires carry at the end.

    At the start, wire ``q`` carries qubit ``q``, and the state stores the wires ``order``. A wire
    that is not in the second result carries its qubit to the end.
    """
    wire_of: dict[int, int] = {}
    stored = set(order)
    blocks = Blocks()
    add_type, add_wires, add_start = (
        blocks.types.append,
        blocks.wires.append,
        blocks.starts.append,
    )
    tables: dict[int, tuple[int, ...]] = {}
    for gate, trait, start in zip(gates, traits, starts, strict=True):
        wires = gate.qubits
        if isinstance(gate, Matrix):
            controls = gate.controls
            type_ = matrix_type(len(wires), len(controls), gate.control_state, trait)
        elif isinstance(gate, Diagonal):
            controls = gate.controls
            type_ = diagonal_type(len(wires), len(controls), gate.control_state, trait != 0)
        elif isinstance(gate, Permutation):
            controls = gate.controls
            # One table serves many gates; it stays alive with them.
            table = tables.get(id(gate.table))
            if table is None:
                table = tables[id(gate.table)] = _source(gate.table)
            if table == (0, 2, 1, 3) and not controls:
                first, second = wires
                wire_of[first], wire_of[second] = (
                    wire_of.get(second, second),
                    wire_of.get(first, first),
                )
                continue
            if len(table) == 1:
                continue
            type_ = permutation_type(len(wires), len(controls), gate.control_state, table)
        elif isinstance(gate, Relabel):
            moved = {
                qubit: wire_of.get(source, source)
                for qubit, source in zip(gate.qubits, gate.sources, strict=True)
            }
            wire_of.update(moved)
            continue
        else:
            controls = ()
            type_ = preparation_type(len(wires))
        if controls:
            wires += controls
        if wire_of:
            wires = tuple([wire_of.get(qubit, qubit) for qubit in wires])
        if not stored.issuperset(wires):
            resolved = _resolve(type_, wires, stored)
            if resolved is None:
                continue
            type_, wires = resolved
            if type_.moves:
                stored.update(wires)
        add_type(type_)
        add_wires(wires)
        add_start(start)
    return blocks, {wire: qubit for qubit, wire in wire_of.items()}


def _source(table: NDArray[np.intp]) -> tuple[int, ...]:
    """The inverse of ``table``: for each new amplitude, the old one that it comes from."""
    return tuple(table.tolist() if len(table) == 2 else np.argsort(table).tolist())


def resolve_zeros(blocks: Blocks, order: Sequence[int]) -> Blocks:
    """``blocks`` for a state that stores the wires ``order``, where all others are |0>.

    Controls and diagonals no longer depend on a wire before a block moves amplitudes along it.
    """
    stored = set(order)
    result = Blocks()
    for type_, wires, start in zip(blocks.types, blocks.wires, blocks.starts, strict=True):
        if not stored.issuperset(wires):
            resolved = _resolve(type_, wires, stored)
            if resolved is None:
                continue
            type_, wires = resolved
            if type_.moves:
                stored.update(wires)
        result.types.append(type_)
        result.wires.append(wires)
        result.starts.append(start)
    return result


def _resolve(
    type_: BlockType, wires: tuple[int, ...], stored: set[int]
) -> tuple[BlockType, tuple[int, ...]] | None:
    """The type and wires of a block where all wires but ``stored`` are |0>.

    None if the block does nothing, since a control on a wire that is |0> asks for 1. The wires
    along
    which amplitudes move become stored: the caller records that.
    """
    own, controls = wires[: type_.size], wires[type_.size :]
    if controls and not stored.issuperset(controls):
        kept: list[int] = []
        wanted = 0
        for bit, control in enumerate(controls):
            if control in stored:
                wanted |= (type_.state >> bit & 1) << len(kept)
                kept.append(control)
            elif type_.state >> bit & 1:
                return None
        controls = tuple(kept)
        type_ = with_controls(type_, len(kept), wanted)
    if not type_.moves and not stored.issuperset(own):
        bits = tuple([bit for bit, wire in enumerate(own) if wire in stored])
        own = tuple([own[bit] for bit in bits])
        type_ = restricted(type_, bits)
    return type_, own + controls
