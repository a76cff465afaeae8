"""Clusters: runs of blocks on one or two wires, which are fused where that saves work.

:mod:`simquay.planning.tiled.blocks.fusion` decides what a cluster becomes. That depends on the
types of its members and on which of the cluster's wires they act, and circuits have few kinds of
clusters: so what was decided is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from simquay.planning.numbers.patterns import Indices
from simquay.planning.numbers.products import ProductRecipe, Products
from simquay.planning.tiled.block_types import Block, Member, pattern_of
from simquay.planning.tiled.blocks.fusion import Fusion, settle

__all__ = ["fuse_blocks"]

_LONG = 64
"""Longer clusters grow without a check of their cost, so that time stays linear in the members, and
what they become is not kept."""


class _Cluster:
    """A cluster that may still grow, on one or two wires.

    Attributes:
        wires: the wires.
        parent: for one wire, the cluster on two wires just before it on that wire.
        members: types of blocks, and which of the cluster's wires they are on.
        blocks: the indices of these blocks; none if another cluster took them.
        takes: whether it takes in any block on one wire. On two wires, it does when one dense
            block was found to cost no more than the members: with more members it rarely costs more
            again, and ``settle`` decides in the end.
    """

    __slots__ = ("blocks", "members", "parent", "takes", "wires")

    def __init__(self, wires: tuple[int, ...], parent: _Cluster | None = None) -> None:
        self.wires = wires
        self.parent = parent
        self.members: list[Member] = []
        self.blocks: list[int] = []
        self.takes = len(wires) == 1


def fuse_blocks(
    blocks: Sequence[Block], size: int
) -> tuple[list[Block], list[ProductRecipe], bool]:
    """The blocks that the clusters become, their products, and whether any block vanished.

    The numbers of the products follow each other in the pool, in order, from ``size`` on.
    """
    fused: list[Block] = []
    # The products on one wire and on two, with the blocks that they are.
    products: list[tuple[Products, list[int]]] = [(Products(), []), (Products(), [])]
    vanished = False
    for cluster in _find(blocks):
        indices = cluster.blocks
        if len(indices) == 1:
            fused.append(blocks[indices[0]])
        if len(indices) < 2:
            continue
        make = _made if len(indices) <= _LONG else _made.__wrapped__
        made, cancelled = make(tuple(cluster.members))
        vanished |= cancelled
        for fusion, patterns in made:
            if not patterns:
                fused.append(blocks[indices[fusion.members[0]]])
                continue
            collected, places = products[fusion.type_.size - 1]
            collected.add(patterns, [blocks[indices[member]][2] for member in fusion.members])
            places.append(len(fused))
            fused.append((fusion.type_, tuple([cluster.wires[n] for n in fusion.wires]), -1))
    recipes = []
    for width, (collected, places) in enumerate(products, start=1):
        if places:
            for place in places:
                fused[place] = (*fused[place][:2], size)
                size += 1 << 2 * width
            recipes.append(collected.matrices(width))
    return fused, recipes, vanished


def _find(blocks: Sequence[Block]) -> list[_Cluster]:
    """Clusters that hold every block once.

    Applying the clusters in order, and the members of each in order, applies the blocks.
    """
    found: list[_Cluster] = []
    # The cluster that the next block on a wire may still join.
    at: dict[int, _Cluster] = {}
    for index, (type_, wires, _) in enumerate(blocks):
        if type_.fuses == 2:
            # The open cluster on both wires, perhaps behind clusters on one of them, takes the
            # block in; so does a new one. It also takes in those clusters on one wire.
            first, second = wires
            one, two = at.get(first, _NONE), at.get(second, _NONE)
            pair = one if len(one.wires) == 2 else one.parent
            if pair is None or pair is not (two if len(two.wires) == 2 else two.parent):
                pair = _Cluster(wires)
                found.append(pair)
            members, own = pair.members, pair.blocks
            swapped = pair.wires[0] != first
            if len(one.wires) == 1:
                members += [alone.placed[swapped] for alone, _ in one.members]
                own += one.blocks
                one.blocks = []
            if len(two.wires) == 1:
                members += [alone.placed[not swapped] for alone, _ in two.members]
                own += two.blocks
                two.blocks = []
            members.append(type_.placed[2 + swapped])
            own.append(index)
            at[first] = at[second] = pair
        elif type_.fuses == 1:
            # A cluster on this wire takes the block in, one on two wires if that pays.
            wire = wires[0]
            cluster = at.get(wire)
            member = type_.placed[cluster is not None and cluster.wires[0] != wire]
            if cluster is not None and not cluster.takes:
                members = cluster.members
                cluster.takes = len(members) >= _LONG or _pays((*members, member))
            if cluster is None or not cluster.takes:
                cluster = at[wire] = _Cluster(wires, cluster)
                member = type_.placed[0]
                found.append(cluster)
            cluster.members.append(member)
            cluster.blocks.append(index)
        else:
            alone = _Cluster(wires)
            alone.blocks.append(index)
            found.append(alone)
            for wire in wires:
                at.pop(wire, None)
    return found


_NONE = _Cluster(())


@lru_cache(maxsize=4096)
def _pays(members: tuple[Member, ...]) -> bool:
    """Whether members on two wires are better as one dense block."""
    return [(type_.kind, type_.size) for _, type_, _ in settle(members)] == [("dense", 2)]


@lru_cache(maxsize=4096)
def _made(members: tuple[Member, ...]) -> tuple[list[tuple[Fusion, list[Indices]]], bool]:
    """The blocks that such clusters become, and whether moves cancelled.

    With each block that is a product come its factors, as matrices on the product's bits.
    """
    fusions = settle(members)
    made = [(fusion, _patterns(fusion, members)) for fusion in fusions]
    moving = {index for fusion in fusions if fusion.type_.moves for index in fusion.members}
    cancelled = any(type_.moves and n not in moving for n, (type_, _) in enumerate(members))
    return made, cancelled


def _patterns(fusion: Fusion, members: Sequence[Member]) -> list[Indices]:
    if len(fusion.members) == 1:
        return []
    wires = sorted(fusion.wires)
    factors = [members[index] for index in fusion.members]
    patterns = [pattern_of(type_, tuple(map(wires.index, at)), len(wires)) for type_, at in factors]
    if not fusion.type_.controls:
        return patterns
    # Every factor is diagonal on this wire, so that the product is one of their halves.
    bit, value = fusion.wires[1], fusion.type_.state
    half = np.array([index for index in range(4) if index >> bit & 1 == value])
    return [pattern[(half[:, None] << 2) + half].ravel() for pattern in patterns]
