"""Gates become blocks, which the tiled planner schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from simquay.planning.tiled.block_types import Block, BlockType, block_type
from simquay.planning.tiled.passes import Form
from simquay.planning.wires import Trait, gates_on_wires, resolve_controls, restrict
from simquay.program.gates import GateOperation

__all__ = ["make_blocks", "resolve_zeros"]


def _form(trait: int) -> tuple[Form, bool, tuple[int, ...], bool]:
    """The form of a matrix with ``trait``, whether it is real, no source, and whether it is
    affine."""
    real, affine = bool(trait & Trait.REAL), bool(trait & Trait.AFFINE)
    form: Form = "real" if real else "complex"
    if trait & Trait.HADAMARD:
        form = "hadamard"
    elif trait & Trait.RX_LIKE:
        form = "rx_like"
    return form, real, (), affine


_REAL = int(Trait.REAL)
_FORMS = [_form(trait) for trait in range(32)]
_SINGLES = [block_type("dense", 1, 0, 0, *form) for form in _FORMS]


def make_blocks(
    gates: Sequence[GateOperation],
    traits: Sequence[int],
    starts: Sequence[int],
    order: Sequence[int],
) -> tuple[list[Block], dict[int, int]]:
    """The blocks of ``gates``, and the qubits that renamed wires carry at the end.

    At the start, wire ``q`` carries qubit ``q``, and the state stores the wires ``order``. A wire
    that is not in the second result carries its qubit to the end.
    """
    blocks: list[Block] = []
    permutations: dict[tuple[int, int, int], BlockType] = {}
    wire_of: dict[int, int] = {}
    for index, code, wires, controls, state, select in gates_on_wires(
        gates, order, wire_of, traits
    ):
        size, held = len(wires), len(controls)
        if code == "d":
            source = () if select is None else tuple(select.tolist())
            real = traits[index] & _REAL != 0
            type_ = block_type("diagonal", size, held, state, "complex", real, source)
        elif code == "m":
            if size == 1 and not held:
                type_ = _SINGLES[traits[index]]
            else:
                type_ = block_type("dense", size, held, state, *_FORMS[traits[index]])
        elif code == "p":
            if not wires:
                continue
            # One table serves many gates; it stays alive with them.
            gate: Any = gates[index]
            key = (id(gate.table), held, state)
            found = permutations.get(key)
            if found is None:
                source = tuple(np.argsort(gate.table).tolist())
                found = block_type("permute", size, held, state, "complex", True, source)
                permutations[key] = found
            type_ = found
        else:  # a preparation; on no wires, it is one factor, which is a diagonal
            type_ = block_type("prepare" if size else "diagonal", size)
        blocks.append((type_, wires + controls if controls else wires, starts[index]))
    return blocks, {wire: qubit for qubit, wire in wire_of.items()}


def resolve_zeros(blocks: Sequence[Block], order: Sequence[int]) -> list[Block]:
    """``blocks`` for a state that stores the wires ``order``, where all others are |0>.

    Controls and diagonals no longer depend on a wire before a block moves amplitudes along it.
    """
    stored = set(order)
    result: list[Block] = []
    for type_, wires, start in blocks:
        if not stored.issuperset(wires):
            own, controls = wires[: type_.size], wires[type_.size :]
            resolved = resolve_controls(controls, type_.state, stored)
            if resolved is None:
                continue
            controls, state = resolved
            source = type_.source
            if type_.moves:
                stored.update(own)
            else:
                own, kept = restrict(own, stored)
                source = tuple([source[entry] if source else entry for entry in kept.tolist()])
            type_ = block_type(
                type_.kind,
                len(own),
                len(controls),
                state,
                type_.form,
                type_.is_real,
                source,
                type_.affine,
            )
            wires = own + controls
        result.append((type_, wires, start))
    return result
