"""Fusion for tiles: what a cluster of blocks on one or two wires becomes where that saves work.

A tile must not fuse wide: every stage touches all amplitudes of the tile, and a dense stage on
``k`` qubits takes ``8 * 2**k`` flops an amplitude. So

- one-qubit gates multiply with each other, and into the two-qubit blocks before and after them;
- two-qubit gates on the same pair multiply;
- a cluster of permutations and diagonals whose permutation is the identity (CX RZ CX) becomes a
  diagonal, and one that does nothing (X X, H H) disappears;
- a cluster that is diagonal on one of its two wires may become two blocks on the other, one for
  each value of the first, which is only a control then;
- a cluster stays apart, as its gates, where that is cheaper: CX as index arithmetic, diagonals for
  the stages that collect them. One diagonal alone never makes two wires one dense block, since it
  forces neither into the tile.

All choices depend on how the members act (:mod:`simquay.planning.tiled.blocks.types`), and on no
number: a circuit with other angles fuses alike. The wires of a cluster are 0 and 1 here, whatever
they are in the circuit, so that what was found for one cluster holds for all of its build.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simquay.planning.tiled.blocks.types import BlockKind, BlockType
from simquay.planning.tiled.cost import DENSE_FLOPS
from simquay.planning.tiled.numbers.products import source_of
from simquay.planning.tiled.passes import Form

__all__ = ["Fusion", "Member", "is_worthwhile", "settle"]

STAGE = 8.0
"""Flops per amplitude that another stage costs beside its own: a trip through the tile."""

SHARED = 2.0
"""Flops per amplitude of one more diagonal in a stage that collects them."""


@dataclass(slots=True, eq=False)
class Member:
    """A block of a cluster: its act, and its wires, followed by its controls."""

    type_: BlockType
    wires: tuple[int, ...]

    @property
    def targets(self) -> tuple[int, ...]:
        """The wires along which amplitudes move."""
        return self.wires[: self.type_.size] if self.type_.moves else ()


@dataclass(slots=True, eq=False)
class Fusion:
    """Members that become one block.

    Attributes:
        wires: bit ``j`` of the cluster's index is ``wires[j]``.
        members: their numbers, in order. A cluster of one member is that block.
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
    numbers = range(len(members))
    return _together(members, numbers, wires, _parts(members, numbers, wires)) == "dense"


def _together(
    blocks: Sequence[Member],
    members: Sequence[int],
    wires: tuple[int, ...],
    parts: Sequence[_Part],
) -> str | int | None:
    """How members on two wires cost less than as ``parts``: ``dense``, or not at all (None).

    A wire as the result means: as two blocks on the other wire, controlled by this one.
    """
    best = sum(part.cost for part in parts)
    real = all(blocks[number].type_.is_real for number in members)
    result: str | int | None = None
    pairs = sum(len(part.wires) == 2 for part in parts)
    if pairs > 1 or any(part.forces for part in parts):
        dense = STAGE + (16 if real else 32)
        if dense <= best:
            best, result = dense, "dense"
        halves = 2 * STAGE + (8 if real else 16)
        if halves < best:
            for wire in wires:
                if not any(wire in blocks[number].targets for number in members):
                    result = wire
    return result


def settle(
    blocks: Sequence[Member], wires: tuple[int, ...], members: Sequence[int]
) -> list[Fusion]:
    """What a complete cluster becomes: nothing, one cluster, or several."""
    if len(members) == 1:
        type_ = blocks[members[0]].type_
        return [Fusion(wires, members, type_.kind, type_.form)]
    length = _resting(blocks, members, wires)
    if length == len(members):
        if all(blocks[number].type_.kind == "permute" for number in members):
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
    for number in members:
        if kept and _cancel(blocks[kept[-1]], blocks[number]):
            kept.pop()
        else:
            kept.append(number)
    if len(kept) < 2:
        return [Fusion(wires, kept, blocks[n].type_.kind, blocks[n].type_.form) for n in kept]
    form: Form = "complex"
    if all(blocks[number].type_.is_real for number in kept):
        form = "real"
    elif all(blocks[number].type_.form == "rx_like" for number in kept):
        form = "rx_like"
    return [Fusion(wires, kept, "dense", form)]


def _cancel(first: Member, second: Member) -> bool:
    """Whether two blocks on one wire are H and H, or X and X."""
    if first.type_.form == second.type_.form == "hadamard":
        return True
    return first.type_.table == second.type_.table == (1, 0)


def _resting(blocks: Sequence[Member], members: Sequence[int], wires: tuple[int, ...]) -> int:
    """How many members, at most, are from the first on a diagonal together.

    They are permutations and diagonals, and their permutations compose to the identity.
    """
    identity = tuple(range(1 << len(wires)))
    source = identity
    length = 0
    for count, number in enumerate(members, start=1):
        block = blocks[number]
        if block.type_.kind == "permute":
            bits = tuple([wires.index(wire) for wire in block.wires])
            step = source_of(block.type_, bits, len(wires))
            source = tuple([source[index] for index in step])
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
    """The members of a cluster as runs on one wire, diagonals like CX RZ CX, and single blocks."""
    parts: list[_Part] = []
    runs: dict[int, _Part] = {}
    position = 0
    while position < len(members):
        number = members[position]
        block = blocks[number]
        own = block.wires
        position += 1
        if len(own) == 1:
            run = runs.get(own[0])
            if run is None:
                run = runs[own[0]] = _Part(own, [], 0.0)
                parts.append(run)
            run.members.append(number)
            continue
        runs.clear()
        if block.type_.kind == "diagonal":
            parts.append(_Part(own, [number], SHARED))
        elif block.type_.kind == "permute":
            length = _resting(blocks, members[position - 1 :], wires)
            if length > 1:
                together = list(members[position - 1 : position - 1 + length])
                parts.append(_Part(wires, together, SHARED))
                position += length - 1
            else:
                parts.append(_Part(own, [number], STAGE, True))
        else:
            parts.append(_Part(own, [number], STAGE + int(block.type_.flops), True))
    for part in parts:
        if len(part.wires) == 1:
            part.cost = _single_cost([blocks[number].type_ for number in part.members])
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
