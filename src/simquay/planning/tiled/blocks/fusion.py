"""Fusion for tiles: how a cluster of blocks on one or two wires is merged, where that saves work.

Wide fusion would not pay: every stage touches all amplitudes of the tile, and a dense stage on
``k`` qubits takes ``8 * 2**k`` flops an amplitude. So

- one-qubit gates multiply with each other, and into the two-qubit blocks before and after them;
- two-qubit gates on the same pair multiply;
- a cluster of permutations and diagonals whose permutation is the identity (CX RZ CX) becomes a
  diagonal, and one that does nothing (X X, H H) disappears;
- a cluster that is diagonal on one of its two wires may become two blocks on the other, one for
  each value of the first, which is only a control then;
- the members of a cluster stay apart where that is cheaper: CX as index arithmetic, diagonals in
  stages that collect them. One diagonal alone never makes two wires one dense block, since it
  forces neither into the tile.

All choices depend on the types of the members (:mod:`simquay.planning.tiled.block_types`), and on
no
numbers: a circuit with other angles fuses alike. The wires of a cluster are 0 and 1 here, whatever
they are in the circuit, so that a result holds for all clusters with the same members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simquay.planning.tiled.block_types import BlockKind, BlockType, source_of
from simquay.planning.tiled.cost import DENSE_FLOPS
from simquay.planning.tiled.passes import Form

__all__ = ["Fusion", "Member", "is_worthwhile", "settle"]

STAGE = 8.0
"""Flops per amplitude that another stage costs beside its own: a trip through the tile."""

SHARED = 2.0
"""Flops per amplitude of one more diagonal in a stage that collects them."""


@dataclass(slots=True, eq=False)
class Member:
    """A block of a cluster: its type, and its wires, followed by its controls."""

    type_: BlockType
    wires: tuple[int, ...]

    @property
    def targets(self) -> tuple[int, ...]:
        """The wires along which amplitudes move."""
        return self.wires[: self.type_.size] if self.type_.moves else ()


@dataclass(slots=True, eq=False)
class Fusion:
    """Members of a cluster that become one block.

    Attributes:
        wires: bit ``j`` of the cluster's index is ``wires[j]``.
        members: their indices, in order. A cluster of one member is that block.
        kind: of the product.
        form: of a dense product.
        half: for a cluster that is diagonal on one of its two wires: that wire, and the value of
            its qubit for which this is the product, on the other wire alone.
    """

    wires: tuple[int, ...]
    members: Sequence[int]
    kind: BlockKind = "dense"
    form: Form = "complex"
    half: tuple[int, int] | None = None


def is_worthwhile(members: Sequence[Member]) -> bool:
    """Whether members on two wires are better as one dense block."""
    wires = (0, 1)
    indices = range(len(members))
    return _together(members, indices, wires, _parts(members, indices, wires)) == "dense"


def _together(
    blocks: Sequence[Member],
    members: Sequence[int],
    wires: tuple[int, ...],
    parts: Sequence[_Part],
) -> str | int | None:
    """The form in which members on two wires cost less than as ``parts``; None if there is none.

    ``dense`` is one block. A wire means two blocks on the other wire, which this one controls.
    """
    best = sum(part.cost for part in parts)
    real = all(blocks[index].type_.is_real for index in members)
    result: str | int | None = None
    pairs = sum(len(part.wires) == 2 for part in parts)
    if pairs > 1 or any(part.forces for part in parts):
        dense = STAGE + (16 if real else 32)
        if dense <= best:
            best, result = dense, "dense"
        halves = 2 * STAGE + (8 if real else 16)
        if halves < best:
            for wire in wires:
                if not any(wire in blocks[index].targets for index in members):
                    result = wire
    return result


def settle(
    blocks: Sequence[Member], wires: tuple[int, ...], members: Sequence[int]
) -> list[Fusion]:
    """The blocks that a complete cluster becomes: none, one, or several."""
    if len(members) == 1:
        type_ = blocks[members[0]].type_
        return [Fusion(wires, members, type_.kind, type_.form)]
    length = _diagonal_prefix(blocks, members, wires)
    if length == len(members):
        if all(blocks[index].type_.kind == "permute" for index in members):
            return []
        return [Fusion(wires, members, "diagonal")]
    if len(wires) == 1:
        return _settle_single(blocks, wires, members)
    parts = _parts(blocks, members, wires)
    together = _together(blocks, members, wires, parts)
    if together is not None:
        form: Form = "real" if all(blocks[n].type_.is_real for n in members) else "complex"
        if isinstance(together, int):
            halves = ((together, 0), (together, 1))
            return [Fusion(wires, members, "dense", form, half) for half in halves]
        return [Fusion(wires, members, "dense", form)]
    clusters: list[Fusion] = []
    for part in parts:
        clusters += settle(blocks, part.wires, part.members)
    return clusters


def _settle_single(
    blocks: Sequence[Member], wires: tuple[int, ...], members: Sequence[int]
) -> list[Fusion]:
    kept: list[int] = []
    for index in members:
        if kept and _cancel(blocks[kept[-1]], blocks[index]):
            kept.pop()
        else:
            kept.append(index)
    if len(kept) < 2:
        return [Fusion(wires, kept, blocks[n].type_.kind, blocks[n].type_.form) for n in kept]
    form: Form = "complex"
    if all(blocks[index].type_.is_real for index in kept):
        form = "real"
    elif all(blocks[index].type_.form == "rx_like" for index in kept):
        form = "rx_like"
    return [Fusion(wires, kept, "dense", form)]


def _cancel(first: Member, second: Member) -> bool:
    """Whether two blocks on one wire are H and H, or X and X."""
    if first.type_.form == second.type_.form == "hadamard":
        return True
    return first.type_.table == second.type_.table == (1, 0)


def _diagonal_prefix(
    blocks: Sequence[Member], members: Sequence[int], wires: tuple[int, ...]
) -> int:
    """The length of the longest prefix of ``members`` whose product is diagonal.

    Such members are permutations and diagonals, and the permutations compose to the identity.
    """
    identity = tuple(range(1 << len(wires)))
    source = identity
    length = 0
    for count, index in enumerate(members, start=1):
        block = blocks[index]
        if block.type_.kind == "permute":
            bits = tuple([wires.index(wire) for wire in block.wires])
            moved = source_of(block.type_, bits, len(wires))
            source = tuple([source[old] for old in moved])
        elif block.type_.kind != "diagonal":
            break
        if source == identity:
            length = count
    return length


@dataclass(slots=True, eq=False)
class _Part:
    """A part of a cluster on two wires that may stay apart.

    Attributes:
        wires: of the part.
        members: as in :class:`Fusion`.
        cost: flops per amplitude, a trip through the tile included.
        forces: whether it needs both wires, in the tile or as a control.
    """

    wires: tuple[int, ...]
    members: list[int]
    cost: float
    forces: bool = False


def _parts(blocks: Sequence[Member], members: Sequence[int], wires: tuple[int, ...]) -> list[_Part]:
    """The members of a cluster: runs on one wire, diagonals such as CX RZ CX, and single blocks."""
    parts: list[_Part] = []
    runs: dict[int, _Part] = {}
    position = 0
    while position < len(members):
        index = members[position]
        block = blocks[index]
        own = block.wires
        position += 1
        if len(own) == 1:
            run = runs.get(own[0])
            if run is None:
                run = runs[own[0]] = _Part(own, [], 0.0)
                parts.append(run)
            run.members.append(index)
            continue
        runs.clear()
        if block.type_.kind == "diagonal":
            parts.append(_Part(own, [index], SHARED))
        elif block.type_.kind == "permute":
            length = _diagonal_prefix(blocks, members[position - 1 :], wires)
            if length > 1:
                together = list(members[position - 1 : position - 1 + length])
                parts.append(_Part(wires, together, SHARED))
                position += length - 1
            else:
                parts.append(_Part(own, [index], STAGE, True))
        else:
            parts.append(_Part(own, [index], STAGE + int(block.type_.flops), True))
    for part in parts:
        if len(part.wires) == 1:
            part.cost = _single_cost([blocks[index].type_ for index in part.members])
    return parts


def _single_cost(run: Sequence[BlockType]) -> float:
    """Flops per amplitude of blocks on one wire as one, its trip through the tile included."""
    kinds = {type_.kind for type_ in run}
    if kinds == {"diagonal"}:
        return SHARED
    if kinds == {"permute"}:
        return STAGE
    if len(run) == 1:
        return STAGE + (DENSE_FLOPS[run[0].form] << 1)
    real = all(type_.is_real for type_ in run)
    rx_like = all(type_.form == "rx_like" for type_ in run)
    return STAGE + (8 if real or rx_like else 16)
