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
no numbers: a circuit with other angles fuses alike. The wires of a cluster are 0 and 1 here,
whatever they are in the circuit, so that a result holds for all clusters with the same members.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from simquay.planning.tiled.block_types import BlockType, Member, block_type, source_of
from simquay.planning.tiled.passes import Form

__all__ = ["Fusion", "settle"]

STAGE = 8.0
"""Flops per amplitude that another stage costs beside its own: a trip through the tile."""

SHARED = 2.0
"""Flops per amplitude of one more diagonal in a stage that collects them."""


class Fusion(NamedTuple):
    """Members of a cluster that become one block.

    Attributes:
        members: their indices, in order. One member is that block.
        type_: of the product. One with a control is for a cluster that is diagonal on that wire:
            the product, on the other wire alone, for one value of its qubit.
        wires: of the product, its control last.
    """

    members: Sequence[int]
    type_: BlockType
    wires: tuple[int, ...]


@lru_cache(maxsize=4096)
def settle(cluster: tuple[Member, ...]) -> list[Fusion]:
    """The blocks that a complete cluster becomes: none, one, or several."""
    wires = tuple(range(max(max(at) for _, at in cluster) + 1))
    return _settle(cluster, range(len(cluster)), wires)


def _settle(
    cluster: Sequence[Member], members: Sequence[int], wires: tuple[int, ...]
) -> list[Fusion]:
    """The blocks that some members, on ``wires``, become."""
    types = [cluster[index][0] for index in members]
    if len(members) == 1:
        return [Fusion(members, types[0], wires)]
    if _diagonal_prefix(cluster, members, wires) == len(members):
        if all(type_.kind == "permute" for type_ in types):
            return []
        size = len(wires)
        entries = tuple(range(0, 1 << 2 * size, (1 << size) + 1))
        return [Fusion(members, block_type("diagonal", size, source=entries), wires)]
    if len(wires) == 1:
        return _settle_single(cluster, members, wires)
    parts = _parts(cluster, members, wires)
    apart = [fusion for part in parts for fusion in _settle(cluster, *part)]
    costs = [_cost([cluster[index][0] for index in part], at) for part, at in parts]
    pairs = [cost for (_, at), cost in zip(parts, costs, strict=True) if len(at) == 2]
    if len(pairs) < 2 and max(pairs, default=0) < STAGE:
        return apart
    whole = _dense(types, 2)
    options = [(STAGE + whole.flops, [Fusion(members, whole, wires)]), (sum(costs), apart)]
    for wire in wires:
        if not any(type_.moves and wire in at[: type_.size] for type_, at in cluster):
            kinds = whole.form, whole.is_real, (), whole.affine
            halves = [block_type("dense", 1, 1, n, *kinds) for n in (0, 1)]
            cost = sum([STAGE + half.flops for half in halves])
            options.append((cost, [Fusion(members, half, (1 - wire, wire)) for half in halves]))
    return min(options, key=itemgetter(0))[1]


def _dense(types: Sequence[BlockType], size: int) -> BlockType:
    """The type of a product that is neither a permutation nor a diagonal."""
    real = all(type_.is_real for type_ in types)
    form: Form = "real" if real else "complex"
    if size == 1 and not real and all(type_.form == "rx_like" for type_ in types):
        form = "rx_like"
    affine = all(type_.affine for type_ in types)
    return block_type("dense", size, 0, 0, form, real, (), affine)


def _cost(types: Sequence[BlockType], wires: tuple[int, ...]) -> float:
    """Flops per amplitude of a part as one block, its trip through the tile included."""
    type_ = types[0]
    if len(types) > 1:
        if len(wires) == 2:
            return SHARED
        kinds = {other.kind for other in types}
        if len(kinds) > 1 or "dense" in kinds:
            type_ = _dense(types, 1)
    return STAGE + type_.flops if type_.moves else SHARED


def _settle_single(
    cluster: Sequence[Member], members: Sequence[int], wires: tuple[int, ...]
) -> list[Fusion]:
    """The blocks that members on one wire become, without those that cancel."""
    kept: list[int] = []
    for index in members:
        if kept and _cancel(cluster[kept[-1]][0], cluster[index][0]):
            kept.pop()
        else:
            kept.append(index)
    types = [cluster[index][0] for index in kept]
    if len(kept) < 2:
        return [Fusion(kept, type_, wires) for type_ in types]
    return [Fusion(kept, _dense(types, 1), wires)]


def _cancel(first: BlockType, second: BlockType) -> bool:
    """Whether two blocks on one wire are H and H, or X and X."""
    if first.form == second.form == "hadamard":
        return True
    return first.kind == second.kind == "permute" and first.source == second.source == (1, 0)


def _diagonal_prefix(
    cluster: Sequence[Member], members: Sequence[int], wires: tuple[int, ...]
) -> int:
    """The length of the longest prefix of ``members`` whose product is diagonal.

    Such members are permutations and diagonals, and the permutations compose to the identity.
    """
    identity = tuple(range(1 << len(wires)))
    source = identity
    length = 0
    for count, index in enumerate(members, start=1):
        type_, at = cluster[index]
        if type_.kind == "permute":
            moved = source_of(type_, tuple(map(wires.index, at)), len(wires))
            source = tuple([source[old] for old in moved])
        elif type_.kind != "diagonal":
            break
        if source == identity:
            length = count
    return length


def _parts(
    cluster: Sequence[Member], members: Sequence[int], wires: tuple[int, ...]
) -> list[tuple[list[int], tuple[int, ...]]]:
    """Members on two wires as runs on one wire, diagonals such as CX RZ CX, and single blocks."""
    parts: list[tuple[list[int], tuple[int, ...]]] = []
    runs: dict[tuple[int, ...], list[int]] = {}
    position = 0
    while position < len(members):
        type_, at = cluster[members[position]]
        length = 1
        if len(at) == 2:
            runs.clear()
            if type_.kind == "permute":
                length = max(length, _diagonal_prefix(cluster, members[position:], wires))
        part = list(members[position : position + length])
        position += length
        if at in runs:
            runs[at] += part
        else:
            parts.append((part, wires if length > 1 else at))
            if len(at) == 1:
                runs[at] = part
    return parts
