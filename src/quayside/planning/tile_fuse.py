"""Fusion for tiles: clusters of one or two wires become one block where that saves work.

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

All choices depend on the gates' kinds, flags, wires and permutation tables, and on no other value:
a circuit with other angles fuses alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from quayside.planning.tile_blocks import Block, Kind
from quayside.planning.tile_cost import DENSE_FLOPS
from quayside.planning.tile_plan import Form
from quayside.planning.tile_product import Product, Recipe, recipe_of, source_of

__all__ = ["Cluster", "find_clusters", "merge_clusters"]

STAGE = 8.0
"""Flops per amplitude that another stage costs beside its own: a trip through the tile."""

SHARED = 2.0
"""Flops per amplitude of one more diagonal in a stage that collects them."""

_LONG = 64
"""So many members stay together without asking again, so that time stays linear in them."""


@dataclass(slots=True, eq=False)
class Cluster:
    """Blocks that become one.

    Attributes:
        wires: bit ``j`` of the cluster's index is ``wires[j]``.
        members: numbers of blocks, in order. A cluster of one member is that block.
        kind: of the product.
        form: of a dense product.
        half: for a cluster that is diagonal on one of its two wires: that wire, and the value of
            its qubit for which this is the product, on the other wire alone.
    """

    wires: tuple[int, ...]
    members: list[int]
    kind: Kind = "dense"
    form: Form = "complex"
    half: tuple[int, int] | None = None


@dataclass(slots=True, eq=False)
class _Open:
    """A cluster in the making, on one or two wires.

    Attributes:
        wires: as in :class:`Cluster`.
        members: as in :class:`Cluster`.
        parent: for one wire, the cluster on two wires that came right before on that wire.
        dropped: whether another cluster took the members.
        pays: for two wires, whether one dense block was found to cost no more than the members;
            with more members it rarely ceases to, and the last word is :func:`_settle`'s.
    """

    wires: tuple[int, ...]
    members: list[int] = field(default_factory=list)
    parent: _Open | None = None
    dropped: bool = False
    pays: bool = False


def find_clusters(blocks: Sequence[Block]) -> list[Cluster]:
    """Clusters that hold every block once, but for those that do nothing together.

    Clusters in their order, and their members in theirs, do what the blocks do in theirs.
    """
    made: list[_Open] = []
    # The cluster that the next block on a wire may still join.
    at: dict[int, _Open] = {}
    for number, block in enumerate(blocks):
        wires = block.wires + block.controls
        if block.kind == "prepare" or not 1 <= len(wires) <= 2:
            made.append(_Open(wires, [number]))
            for wire in wires:
                at.pop(wire, None)
        elif len(wires) == 1:
            cluster = at.get(wires[0])
            if cluster is None or (
                len(cluster.wires) == 2 and not _worthwhile(blocks, cluster, number)
            ):
                cluster = _Open(wires, parent=cluster)
                made.append(cluster)
                at[wires[0]] = cluster
            cluster.members.append(number)
        else:
            pair = _pair(at, wires)
            if pair is None:
                pair = _Open(wires)
                made.append(pair)
            for wire in wires:
                single = at.get(wire)
                if single is not None and len(single.wires) == 1:
                    pair.members += single.members
                    single.dropped = True
                at[wire] = pair
            pair.members.append(number)
    clusters: list[Cluster] = []
    for cluster in made:
        if not cluster.dropped:
            clusters += _settle(blocks, cluster.wires, cluster.members)
    return clusters


def _pair(at: dict[int, _Open], wires: tuple[int, ...]) -> _Open | None:
    """The cluster on these two wires that nothing else followed, if there is one."""
    found = []
    for wire in wires:
        cluster = at.get(wire)
        if cluster is not None and len(cluster.wires) == 1:
            cluster = cluster.parent
        if cluster is None or wires[0] not in cluster.wires or wires[1] not in cluster.wires:
            return None
        found.append(cluster)
    return found[0] if found[0] is found[1] else None


def _worthwhile(blocks: Sequence[Block], cluster: _Open, more: int) -> bool:
    """Whether the cluster, with one more block, is better as one dense block."""
    if len(cluster.members) >= _LONG:
        return True
    if not cluster.pays:
        members = [*cluster.members, more]
        parts = _parts(blocks, members, cluster.wires)
        cluster.pays = _together(blocks, members, cluster.wires, parts) == "dense"
    return cluster.pays


def _together(
    blocks: Sequence[Block],
    members: Sequence[int],
    wires: tuple[int, ...],
    parts: Sequence[_Part],
) -> str | int | None:
    """How members on two wires cost less than as ``parts``: ``dense``, or not at all (None).

    A wire as the result means: as two blocks on the other wire, controlled by this one.
    """
    best = sum(part.cost for part in parts)
    real = all(blocks[number].is_real for number in members)
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


def _settle(blocks: Sequence[Block], wires: tuple[int, ...], members: list[int]) -> list[Cluster]:
    """What a complete cluster becomes: nothing, one cluster, or several."""
    if len(members) == 1:
        block = blocks[members[0]]
        return [Cluster(wires, members, block.kind, block.form)]
    length = _resting(blocks, members, wires)
    if length == len(members):
        if all(blocks[number].kind == "permute" for number in members):
            return []
        return [Cluster(wires, members, "diagonal")]
    if len(wires) == 1:
        return _settle_single(blocks, wires, members)
    parts = _parts(blocks, members, wires)
    together = _together(blocks, members, wires, parts)
    if together is not None:
        form: Form = "real" if all(blocks[n].is_real for n in members) else "complex"
        if isinstance(together, int):
            halves = ((together, 0), (together, 1))
            return [Cluster(wires, members, "dense", form, half) for half in halves]
        return [Cluster(wires, members, "dense", form)]
    clusters = []
    for part in parts:
        clusters += _settle(blocks, part.wires, part.members)
    return clusters


def _settle_single(
    blocks: Sequence[Block], wires: tuple[int, ...], members: list[int]
) -> list[Cluster]:
    kept: list[int] = []
    for number in members:
        if kept and _cancel(blocks[kept[-1]], blocks[number]):
            kept.pop()
        else:
            kept.append(number)
    if len(kept) < 2:
        return [Cluster(wires, kept, blocks[n].kind, blocks[n].form) for n in kept]
    form: Form = "complex"
    if all(blocks[number].is_real for number in kept):
        form = "real"
    elif all(blocks[number].form == "cross" for number in kept):
        form = "cross"
    return [Cluster(wires, kept, "dense", form)]


def _cancel(first: Block, second: Block) -> bool:
    """Whether two blocks on one wire are H and H, or X and X."""
    if first.form == second.form == "hadamard":
        return True
    return first.table == second.table == (1, 0)


def _wires(block: Block) -> tuple[int, ...]:
    return block.wires + block.controls


def _resting(blocks: Sequence[Block], members: Sequence[int], wires: tuple[int, ...]) -> int:
    """How many members, at most, are from the first on a diagonal together.

    They are permutations and diagonals, and their permutations compose to the identity.
    """
    identity = tuple(range(1 << len(wires)))
    source = identity
    length = 0
    for count, number in enumerate(members, start=1):
        block = blocks[number]
        if block.kind == "permute":
            step = source_of(recipe_of(block, wires), len(wires))
            source = tuple([source[index] for index in step])
        elif block.kind != "diagonal":
            break
        if source == identity:
            length = count
    return length


@dataclass(slots=True, eq=False)
class _Part:
    """A part of a cluster on two wires that may stay apart.

    Attributes:
        wires: of the part.
        members: as in :class:`Cluster`.
        cost: flops per amplitude, a trip through the tile included.
        forces: whether it needs both wires, in the tile or as a control.
    """

    wires: tuple[int, ...]
    members: list[int]
    cost: float
    forces: bool = False


def _parts(blocks: Sequence[Block], members: Sequence[int], wires: tuple[int, ...]) -> list[_Part]:
    """The members of a cluster as runs on one wire, diagonals like CX RZ CX, and single blocks."""
    parts: list[_Part] = []
    runs: dict[int, _Part] = {}
    position = 0
    while position < len(members):
        number = members[position]
        block = blocks[number]
        own = _wires(block)
        position += 1
        if len(own) == 1:
            run = runs.get(own[0])
            if run is None:
                run = runs[own[0]] = _Part(own, [], 0.0)
                parts.append(run)
            run.members.append(number)
            continue
        runs.clear()
        if block.kind == "diagonal":
            parts.append(_Part(own, [number], SHARED))
        elif block.kind == "permute":
            length = _resting(blocks, members[position - 1 :], wires)
            if length > 1:
                together = list(members[position - 1 : position - 1 + length])
                parts.append(_Part(wires, together, SHARED))
                position += length - 1
            else:
                parts.append(_Part(own, [number], STAGE, True))
        else:
            flops = (DENSE_FLOPS[block.form] << len(block.wires)) >> len(block.controls)
            parts.append(_Part(own, [number], STAGE + flops, True))
    for part in parts:
        if len(part.wires) == 1:
            part.cost = _single_cost([blocks[number] for number in part.members])
    return parts


def _single_cost(run: Sequence[Block]) -> float:
    """Flops per amplitude of blocks on one wire as one, its trip through the tile included."""
    kinds = {block.kind for block in run}
    if kinds == {"diagonal"}:
        return SHARED
    if kinds == {"permute"}:
        return STAGE
    if len(run) == 1:
        return STAGE + (DENSE_FLOPS[run[0].form] << 1)
    real = all(block.is_real for block in run)
    cross = all(block.form == "cross" for block in run)
    return STAGE + (8 if real or cross else 16)


def merge_clusters(
    blocks: Sequence[Block], clusters: Sequence[Cluster]
) -> tuple[list[Block], list[int], list[Product]]:
    """The blocks that the clusters become, and where their numbers come from.

    Those of a cluster with one member are the member's, whose number is in the second result
    (-1 for the others); the others' are the products, one for all clusters of one build.
    """
    merged = []
    singles = []
    alike: dict[tuple[tuple[Recipe, ...], bool, tuple[int, ...]], Product] = {}
    for number, cluster in enumerate(clusters):
        if len(cluster.members) == 1:
            merged.append(blocks[cluster.members[0]])
            singles.append(cluster.members[0])
            continue
        wires = cluster.wires
        block = Block(cluster.kind, wires, form=cluster.form, is_real=cluster.form == "real")
        entries: tuple[int, ...] = ()
        if cluster.half is not None:
            wire, value = cluster.half
            bit = wires.index(wire)
            entries = tuple([index for index in range(4) if index >> bit & 1 == value])
            block.wires, block.controls, block.control_state = (wires[1 - bit],), (wire,), value
        merged.append(block)
        singles.append(-1)
        recipes = tuple([recipe_of(blocks[member], wires) for member in cluster.members])
        key = (recipes, cluster.kind == "diagonal", entries)
        product = alike.get(key)
        if product is None:
            product = alike[key] = Product(recipes, len(wires), key[1], entries, [], [])
        product.members.append(cluster.members)
        product.numbers.append(number)
    return merged, singles, list(alike.values())
