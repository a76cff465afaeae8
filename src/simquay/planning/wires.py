"""Gates on wires: the front of the searches.

A *wire* is a number that stays with a qubit's amplitudes for a whole plan, wherever they are
stored: at the start, wire ``w`` carries qubit ``w``. A Relabel, and a SWAP, changes which qubit a
wire carries, and disappears. A wire that is not stored yet is |0>: controls on it are removed, and
diagonals restricted to 0, so that neither makes the state larger.

Each search merges one-qubit gates itself, by the rule by which it merges all gates. To gather runs
of them here would take another 0.2 microseconds a gate, and neither rule would become simpler.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Container, Iterator, Sequence
from typing import Any, TypeAlias, Union

import numpy as np

from simquay.planning.numbers.patterns import GateCode, Indices
from simquay.program.bits import spread
from simquay.program.gates import Diagonal, GateOperation, Matrix, Permutation, Prepare

__all__ = ["Trait", "WireGate", "gates_on_wires", "resolve_controls", "restrict", "without_zeros"]

WireGate: TypeAlias = tuple[
    int, GateCode, tuple[int, ...], tuple[int, ...], int, Union[Indices, None]
]
"""One gate of a list, on wires: ``(index, code, wires, controls, control_state, select)``.

``select``, for a diagonal, says which numbers of the gate are its entries; None if they simply
follow each other. It is a plain tuple, since there is one for every gate, and objects would take
longer to make than the rest of the front.
"""


class Trait(enum.IntFlag):
    """All that planning may learn from the numbers of a matrix or a diagonal.

    Traits are kept as plain integers, which NumPy finds for many matrices at once.
    """

    REAL = 1
    """No entry has an imaginary part."""
    DIAGONAL = 2
    """No entry off the diagonal differs from 0."""
    RX_LIKE = 4
    """On one qubit: the diagonal is real, and all else imaginary."""
    HADAMARD = 8
    """On one qubit: H, up to rounding."""
    AFFINE = 16
    """Of a matrix that is real, and not diagonal: its first row is that of the identity."""


_DIAGONAL = int(Trait.DIAGONAL)
_CODES: dict[type, GateCode] = {Matrix: "m", Permutation: "p", Prepare: "s", Diagonal: "d"}


def gates_on_wires(
    gates: Sequence[GateOperation],
    order: Sequence[int],
    wire_of: dict[int, int],
    traits: Sequence[int] = (),
) -> Iterator[WireGate]:
    """Those of ``gates`` that do anything, on wires, for a state that stores the wires ``order``.

    Each is made when it is asked for. Then ``wire_of`` has the wire of each qubit up to there, but
    of those whose wire is the qubit's own index. With the ``traits`` of all gates, a matrix that is
    diagonal, or on no wires, becomes a diagonal.
    """
    stored = set(order)  # the wires that may differ from |0>
    holds = stored.issuperset
    find = wire_of.get
    codes = _CODES
    gate: Any
    for index, gate in enumerate(gates):
        code = codes.get(type(gate))
        wires = gate.qubits
        if wire_of:
            wires = tuple([find(qubit, qubit) for qubit in wires])
        if code is None:  # a Relabel
            moved = [find(source, source) for source in gate.sources]
            wire_of.update(zip(gate.qubits, moved, strict=True))
            continue
        controls: tuple[int, ...] = ()
        state = 0
        select = None
        if code == "m":
            if traits and (traits[index] & _DIAGONAL or not wires):
                code = "d"
                select = np.arange(1 << len(wires)) * ((1 << len(wires)) + 1)
        elif code == "p" and len(wires) == 2 and not gate.controls and _is_swap(gate.table):
            one, two = gate.qubits
            wire_of[one], wire_of[two] = wires[1], wires[0]
            continue
        if gate.controls:
            controls, state = gate.controls, gate.control_state
            if wire_of:
                controls = tuple([find(qubit, qubit) for qubit in controls])
            if not holds(controls):
                resolved = resolve_controls(controls, state, stored)
                if resolved is None:
                    continue
                controls, state = resolved
        if not holds(wires):
            if code == "d":
                wires, kept = restrict(wires, stored)
                select = kept if select is None else select[kept]
            else:
                stored.update(wires)
        yield index, code, wires, controls, state, select


def _is_swap(table: Indices) -> bool:
    return bool(table.tolist() == [0, 2, 1, 3])


def resolve_controls(
    controls: Sequence[int], state: int, stored: Container[int]
) -> tuple[tuple[int, ...], int] | None:
    """Controls, and their state, without those that are not ``stored``, which are |0>.

    None if one of these asks for 1: the gate then does nothing.
    """
    kept: list[int] = []
    left = 0
    for bit, control in enumerate(controls):
        wanted = state >> bit & 1
        if control in stored:
            left |= wanted << len(kept)
            kept.append(control)
        elif wanted:
            return None
    return tuple(kept), left


def without_zeros(gate: GateOperation, stored: Container[int]) -> GateOperation | None:
    """``gate``, no Relabel, where all qubits that are not ``stored`` are |0>.

    It has no controls on these, and a diagonal is not on them. None if it does nothing.
    """
    if isinstance(gate, (Matrix, Diagonal, Permutation)) and gate.controls:
        found = resolve_controls(gate.controls, gate.control_state, stored)
        if found is None:
            return None
        if len(found[0]) < len(gate.controls):
            gate = dataclasses.replace(gate, controls=found[0], control_state=found[1])
    if isinstance(gate, Diagonal):
        qubits, entries = restrict(gate.qubits, stored)
        if len(qubits) < len(gate.qubits):
            gate = dataclasses.replace(gate, diagonal=gate.diagonal[entries], qubits=qubits)
    return gate


def restrict(wires: tuple[int, ...], stored: Container[int]) -> tuple[tuple[int, ...], Indices]:
    """The wires of a diagonal that are ``stored``, and which of its entries remain."""
    positions = [bit for bit, wire in enumerate(wires) if wire in stored]
    return tuple([wires[position] for position in positions]), spread(positions)
