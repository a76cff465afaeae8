"""Blocks: what the tiled planner schedules.

A block is one or several gates as one operation on *wires*. A wire is a place for a qubit's
amplitudes: gates that only rename qubits (``Relabel``, SWAP) change which qubit a wire holds, and
disappear. Qubits that are not stored yet are |0>: :func:`resolve_zeros` takes away controls on them
and restricts diagonals to 0, so that neither makes the state larger.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

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

__all__ = ["Block", "Kind", "make_blocks", "resolve_zeros"]

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
        form: how a matrix may be applied.
        is_real: whether no entry has an imaginary part.
    """

    kind: Kind
    wires: tuple[int, ...]
    values: NDArray[Any]
    controls: tuple[int, ...] = ()
    control_state: int = 0
    form: Form = "complex"
    is_real: bool = False

    @property
    def targets(self) -> tuple[int, ...]:
        """The wires along which amplitudes move: they must be in the tile."""
        return () if self.kind == "diagonal" else self.wires

    @property
    def watched(self) -> tuple[int, ...]:
        """The wires on which the block is diagonal: controls, and a diagonal's own wires."""
        return self.wires + self.controls if self.kind == "diagonal" else self.controls


def make_blocks(gates: Sequence[GateOperation]) -> tuple[list[Block], dict[int, int]]:
    """One block a gate that moves data, and the qubit that each renamed wire holds at the end.

    Wire ``q`` holds qubit ``q`` at the start. A wire that is not in the result still does.
    """
    wire_of: dict[int, int] = {}
    blocks = []
    for gate in gates:
        if isinstance(gate, Relabel):
            moved = {
                qubit: wire_of.get(source, source)
                for qubit, source in zip(gate.qubits, gate.sources, strict=True)
            }
            wire_of.update(moved)
            continue
        if isinstance(gate, Permutation) and _is_swap(gate):
            first, second = gate.qubits
            wire_of[first], wire_of[second] = (
                wire_of.get(second, second),
                wire_of.get(first, first),
            )
            continue
        wires = tuple(wire_of.get(qubit, qubit) for qubit in gate.qubits)
        if not wires and not isinstance(gate, Diagonal):
            # Over no qubits, a permutation does nothing, and all others are one factor.
            if isinstance(gate, Permutation):
                continue
            factor = gate.matrix if isinstance(gate, Matrix) else gate.amplitudes
            gate = Diagonal(factor.reshape(1), (), *_controls(gate))
        if isinstance(gate, Prepare):
            blocks.append(Block("prepare", wires, gate.amplitudes))
            continue
        controls = tuple(wire_of.get(qubit, qubit) for qubit in gate.controls)
        if isinstance(gate, Diagonal):
            blocks.append(Block("diagonal", wires, gate.diagonal, controls, gate.control_state))
        elif isinstance(gate, Matrix):
            blocks.append(Block("dense", wires, gate.matrix, controls, gate.control_state))
        else:
            source = np.empty_like(gate.table)
            source[gate.table] = np.arange(len(source))
            blocks.append(Block("permute", wires, source, controls, gate.control_state))
    _classify(blocks)
    return blocks, {wire: qubit for qubit, wire in wire_of.items()}


def _controls(gate: Matrix | Prepare) -> tuple[tuple[int, ...], int]:
    return (gate.controls, gate.control_state) if isinstance(gate, Matrix) else ((), 0)


def _is_swap(gate: Permutation) -> bool:
    return not gate.controls and len(gate.table) == 4 and gate.table.tolist() == [0, 2, 1, 3]


def _classify(blocks: Sequence[Block]) -> None:
    """Set ``form`` and ``is_real``, and make matrices that are diagonal into diagonals.

    Matrices of one size are looked at together; entries count as 0 only when they are.
    """
    alike: dict[tuple[Kind, int], list[Block]] = {}
    for block in blocks:
        if block.kind == "permute":
            block.is_real = True
        elif block.kind != "prepare" and len(block.wires) <= 3:
            alike.setdefault((block.kind, len(block.wires)), []).append(block)
    for (kind, count), group in alike.items():
        stack = np.array([block.values for block in group], dtype=np.complex128)
        axes = tuple(range(1, stack.ndim))
        real: NDArray[np.bool_] = np.logical_not(stack.imag.any(axis=axes))
        if kind == "diagonal":
            for block, is_real in zip(group, real.tolist(), strict=True):
                block.is_real = is_real
            continue
        forms = np.where(real, 1, 0)
        if count == 1:
            parts = stack.view(np.float64).reshape(-1, 8)
            forms[~parts[:, [1, 2, 4, 7]].any(axis=1)] = 2
            forms[np.abs(parts - _HADAMARD).max(axis=1) < 1e-15] = 3
        rest = stack.copy()
        rest[:, range(1 << count), range(1 << count)] = 0
        forms[~rest.any(axis=axes)] = 4
        for block, is_real, form in zip(group, real.tolist(), forms.tolist(), strict=True):
            block.is_real = is_real
            if form == 4:
                block.kind = "diagonal"
                block.values = np.diagonal(block.values)
            else:
                block.form = _FORMS[form]


_FORMS: tuple[Form, ...] = ("complex", "real", "cross", "hadamard")
_HADAMARD = np.array([1, 0, 1, 0, 1, 0, -1, 0]) * 0.5**0.5


def resolve_zeros(blocks: Sequence[Block], order: Sequence[int]) -> list[Block]:
    """``blocks`` for a state that stores the wires ``order``, where all others are |0>.

    Controls and diagonals no longer look at a wire before a block moves amplitudes along it.
    """
    stored = set(order)
    resolved = []
    for block in blocks:
        if block.controls and not stored.issuperset(block.controls):
            kept = _resolve(block.controls, block.control_state, stored)
            if kept is None:
                continue
            block = dataclasses.replace(block, controls=kept[0], control_state=kept[1])
        if block.kind != "diagonal":
            stored.update(block.wires)
        elif not stored.issuperset(block.wires):
            wires, values = _restrict(block.wires, block.values, stored)
            block = dataclasses.replace(block, wires=wires, values=values)
        resolved.append(block)
    return resolved


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
