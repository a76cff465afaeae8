"""Gates become blocks, which the tiled planner schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simquay.planning.tiled.block_types import (
    BlockType,
    Trait,
    apart_type,
    changed,
    diagonal_type,
    matrix_type,
    permutation_type,
    preparation_type,
)
from simquay.planning.wires import gates_on_wires, resolve_controls, restrict
from simquay.program.operations import GateOperation

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
    blocks = Blocks()
    add_type, add_wires, add_start = (
        blocks.types.append,
        blocks.wires.append,
        blocks.starts.append,
    )
    permutations: dict[tuple[int, int, int], BlockType] = {}
    wire_of: dict[int, int] = {}
    for index, code, wires, controls, state, select in gates_on_wires(
        gates, order, wire_of, traits
    ):
        if select is not None:
            real = traits[index] & _REAL != 0
            type_ = apart_type(len(wires), len(controls), state, real, tuple(select.tolist()))
        elif code == "d":
            type_ = diagonal_type(len(wires), len(controls), state, traits[index] != 0)
        elif code == "m":
            if len(wires) == 1 and not controls:
                type_ = _SINGLES[traits[index]]
            else:
                type_ = matrix_type(len(wires), len(controls), state, traits[index])
        elif code == "p":
            if not wires:
                continue
            # One table serves many gates; it stays alive with them.
            gate: Any = gates[index]
            key = (id(gate.table), len(controls), state)
            found = permutations.get(key)
            if found is None:
                source = tuple(np.argsort(gate.table).tolist())
                found = permutation_type(len(wires), len(controls), state, source)
                permutations[key] = found
            type_ = found
        else:
            type_ = preparation_type(len(wires))
        add_type(type_)
        add_wires(wires + controls if controls else wires)
        add_start(starts[index])
    return blocks, {wire: qubit for qubit, wire in wire_of.items()}


_REAL = int(Trait.REAL)
_SINGLES = [matrix_type(1, 0, 0, trait) for trait in range(16)]


def resolve_zeros(blocks: Blocks, order: Sequence[int]) -> Blocks:
    """``blocks`` for a state that stores the wires ``order``, where all others are |0>.

    Controls and diagonals no longer depend on a wire before a block moves amplitudes along it.
    """
    stored = set(order)
    result = Blocks()
    for type_, wires, start in zip(blocks.types, blocks.wires, blocks.starts, strict=True):
        own, controls = wires[: type_.size], wires[type_.size :]
        if not stored.issuperset(wires):
            resolved = resolve_controls(controls, type_.state, stored)
            if resolved is None:
                continue
            controls, state = resolved
            entries = type_.entries
            if type_.moves:
                stored.update(own)
            else:
                own, kept = restrict(own, stored)
                entries = tuple([entries[bit] if entries else bit for bit in kept.tolist()])
            type_ = changed(type_, len(own), len(controls), state, entries)
        result.types.append(type_)
        result.wires.append(own + controls)
        result.starts.append(start)
    return result
