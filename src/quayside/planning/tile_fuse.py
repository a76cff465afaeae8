"""Fusion for tiles: clusters of one or two wires become one block where that saves work.

A tile must not fuse wide: every stage touches all amplitudes of the tile, and a dense stage on
``k`` qubits takes ``8 * 2**k`` flops an amplitude. So

- one-qubit gates multiply with each other, and into the two-qubit blocks before and after them;
- two-qubit gates on the same pair multiply;
- a cluster of permutations and diagonals whose permutation is the identity (CX RZ CX) becomes a
  diagonal, and one that does nothing (X X, H H) disappears;
- a cluster stays apart, as its gates, where that is cheaper: CX as index arithmetic, diagonals for
  the stages that collect them. Diagonals alone never make two wires one dense block, since they
  force neither into the tile.

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
    """

    wires: tuple[int, ...]
    members: list[int]
    kind: Kind = "dense"
    form: Form = "complex"


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
            clusters += _settle(blocks, cluster)
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
        cluster.pays = _dense_pays(blocks, members, _parts(blocks, members))
    return cluster.pays


def _dense_pays(
    blocks: Sequence[Block], members: Sequence[int], parts: Sequence[Sequence[int]]
) -> bool:
    """Whether members on two wires cost less as one dense block than as ``parts``."""
    return any(
        blocks[number].kind != "diagonal" and len(_wires(blocks[number])) == 2 for number in members
    ) and _dense_cost(blocks, members) <= sum(_cost(blocks, part) for part in parts)


def _settle(blocks: Sequence[Block], cluster: _Open) -> list[Cluster]:
    """What a complete cluster becomes: nothing, one cluster, or several."""
    members = cluster.members
    wires = cluster.wires
    if len(members) == 1:
        block = blocks[members[0]]
        return [Cluster(wires, members, block.kind, block.form)]
    if all(blocks[number].kind in ("diagonal", "permute") for number in members):
        source = list(range(1 << len(wires)))
        for number in members:
            if blocks[number].kind == "permute":
                step = source_of(recipe_of(blocks[number], wires), len(wires))
                source = [source[index] for index in step]
        if source == list(range(1 << len(wires))):
            if all(blocks[number].kind == "permute" for number in members):
                return []
            return [Cluster(wires, members, "diagonal")]
    if len(wires) == 1:
        return _settle_single(blocks, wires, members)
    parts = _parts(blocks, members)
    if _dense_pays(blocks, members, parts):
        form: Form = "real" if all(blocks[n].is_real for n in members) else "complex"
        return [Cluster(wires, members, "dense", form)]
    clusters = []
    for part in parts:
        clusters += _settle(blocks, _Open(_wires(blocks[part[0]]), part))
    return clusters


def _settle_single(
    blocks: Sequence[Block], wires: tuple[int, ...], members: list[int]
) -> list[Cluster]:
    kept: list[int] = []
    for number in members:
        if kept and blocks[number].form == blocks[kept[-1]].form == "hadamard":
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


def _wires(block: Block) -> tuple[int, ...]:
    return block.wires + block.controls


def _parts(blocks: Sequence[Block], members: Sequence[int]) -> list[list[int]]:
    """The members of a cluster as runs on one wire, and blocks on two."""
    parts: list[list[int]] = []
    runs: dict[int, list[int]] = {}
    for number in members:
        wires = _wires(blocks[number])
        if len(wires) == 2:
            parts.append([number])
            runs.clear()
        elif wires[0] in runs:
            runs[wires[0]].append(number)
        else:
            runs[wires[0]] = [number]
            parts.append(runs[wires[0]])
    return parts


def _cost(blocks: Sequence[Block], part: Sequence[int]) -> float:
    """Flops per amplitude of one of :func:`_parts`, its trip through the tile included."""
    kinds = {blocks[number].kind for number in part}
    if kinds == {"diagonal"}:
        return SHARED
    if kinds == {"permute"}:
        return STAGE
    first = blocks[part[0]]
    if len(part) == 1:
        flops = DENSE_FLOPS[first.form] << len(first.wires)
        return STAGE + flops / (1 << len(first.controls))
    real = all(blocks[number].is_real for number in part)
    cross = all(blocks[number].form == "cross" for number in part)
    return STAGE + (8 if real or cross else 16)


def _dense_cost(blocks: Sequence[Block], members: Sequence[int]) -> float:
    return STAGE + (16 if all(blocks[number].is_real for number in members) else 32)


def merge_clusters(
    blocks: Sequence[Block], clusters: Sequence[Cluster]
) -> tuple[list[Block], list[int], list[Product]]:
    """The blocks that the clusters become, and where their numbers come from.

    Those of a cluster with one member are the member's, whose number is in the second result
    (-1 for the others); the others' are the products, one for all clusters of one build.
    """
    merged = []
    singles = []
    alike: dict[tuple[tuple[Recipe, ...], bool], Product] = {}
    for number, cluster in enumerate(clusters):
        if len(cluster.members) == 1:
            merged.append(blocks[cluster.members[0]])
            singles.append(cluster.members[0])
            continue
        wires = cluster.wires
        merged.append(Block(cluster.kind, wires, form=cluster.form, is_real=cluster.form == "real"))
        singles.append(-1)
        recipes = tuple([recipe_of(blocks[member], wires) for member in cluster.members])
        key = (recipes, cluster.kind == "diagonal")
        product = alike.get(key)
        if product is None:
            product = alike[key] = Product(recipes, len(wires), key[1], [], [])
        product.members.append(cluster.members)
        product.numbers.append(number)
    return merged, singles, list(alike.values())
