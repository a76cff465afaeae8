"""Clusters: runs of blocks on one or two wires, which are fused where that saves work.

:mod:`simquay.planning.tiled.blocks.fusion` decides what a cluster becomes. That depends on the
types of its members and on which of the cluster's wires they act, and circuits have few kinds of
clusters. So clusters grow along a tree (a trie). A node stands for all clusters whose members have
the same types and wiring, and keeps what was decided for them. When a block joins a cluster, the
cluster moves to a child of its node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simquay.planning.numbers.patterns import Indices
from simquay.planning.numbers.products import ProductRecipe, Products
from simquay.planning.tiled.block_types import (
    BlockType,
    Trait,
    diagonal_type,
    matrix_type,
    pattern_of,
)
from simquay.planning.tiled.blocks.blocks import Blocks
from simquay.planning.tiled.blocks.fusion import Fusion, Member, is_worthwhile, settle

__all__ = ["fuse_blocks"]

_LONG = 64
"""Longer clusters grow without a check of their cost, so that time stays linear in the members."""

_MOST_NODES = 1 << 12


@dataclass(slots=True, eq=False)
class _Made:
    """A block that a cluster becomes.

    Attributes:
        member: the member that it is, or -1 where it is a product.
        type_: of the product.
        wires: of the product, as positions in the cluster's wires.
        members: the members that are multiplied.
        patterns: of each of them, as matrices on ``width`` bits.
    """

    member: int
    type_: BlockType
    wires: tuple[int, ...] = ()
    members: tuple[int, ...] = ()
    width: int = 0
    patterns: tuple[Indices, ...] = ()


class _TreeNode:
    """Clusters whose members have the same types and wiring.

    A member's *wiring* is 0 or 1 for a block on the cluster's first or second wire, 2 for a block
    on both, and 3 for a block on both whose first wire is the cluster's second. The key of a child
    is the code of the new member's type plus its wiring.
    """

    __slots__ = (
        "_made",
        "_worthwhile",
        "children",
        "joined",
        "length",
        "parent",
        "type_",
        "wiring",
    )

    def __init__(self, parent: _TreeNode | None, type_: BlockType | None, wiring: int) -> None:
        self.parent = parent
        self.type_ = type_
        self.wiring = wiring
        self.length: int = parent.length + 1 if parent else 0
        self.children: dict[int, _TreeNode] = {}
        self.joined: dict[tuple[_TreeNode, int], _TreeNode] = {}
        self._worthwhile: bool | None = None
        self._made: tuple[list[_Made], bool] | None = None

    def child(self, type_: BlockType, wiring: int) -> _TreeNode:
        """This with one more member."""
        key = type_.code | wiring
        node = self.children.get(key)
        if node is None:
            _tree.count += 1
            node = self.children[key] = _TreeNode(self, type_, wiring)
        return node

    def join(self, single: _TreeNode, wiring: int) -> _TreeNode:
        """This with all members of a cluster on one wire, which have the wiring ``wiring`` here."""
        key = (single, wiring)
        node = self.joined.get(key)
        if node is None:
            node = self
            for member in single.members():
                node = node.child(member.type_, wiring)
            self.joined[key] = node
        return node

    def members(self) -> list[Member]:
        """The members, in order; the wires are 0 and 1."""
        found = []
        node = self
        while node.parent is not None:
            assert node.type_ is not None
            found.append(Member(node.type_, _WIRINGS[node.wiring]))
            node = node.parent
        return found[::-1]

    def worthwhile(self) -> bool:
        """Whether the members are better as one dense block."""
        if self._worthwhile is None:
            self._worthwhile = is_worthwhile(self.members())
        return self._worthwhile

    def made(self, wires: int) -> tuple[list[_Made], bool]:
        """The blocks that such clusters on so many wires become, and whether moves cancelled."""
        if self._made is None:
            members = self.members()
            clusters = settle(members, tuple(range(wires)), range(len(members)))
            made = [_made(cluster, members) for cluster in clusters]
            moved = {wire for member in members for wire in member.targets}
            for part, cluster in zip(made, clusters, strict=True):
                if part.member >= 0:
                    moved.difference_update(members[part.member].targets)
                elif part.type_.moves:
                    moved.difference_update(part.wires[: part.type_.size])
                elif any(members[index].type_.moves for index in cluster.members):
                    moved.add(-1)
            kept = {index for cluster in clusters for index in cluster.members}
            self._made = made, bool(moved) or len(kept) < len(members)
        return self._made


_WIRINGS = ((0,), (1,), (0, 1), (1, 0))


def _made(cluster: Fusion, members: Sequence[Member]) -> _Made:
    if len(cluster.members) == 1:
        (index,) = cluster.members
        return _Made(index, members[index].type_)
    wires = placed = cluster.wires
    width = len(wires)
    factors = [members[index] for index in cluster.members]
    patterns = [
        pattern_of(factor.type_, tuple(map(wires.index, factor.wires)), width) for factor in factors
    ]
    if cluster.half is not None:
        # Every factor is diagonal on this wire, so that the product is one of their halves.
        wire, value = cluster.half
        bit = wires.index(wire)
        half = np.array([index for index in range(4) if index >> bit & 1 == value])
        patterns = [pattern[(half[:, None] << 2) + half].ravel() for pattern in patterns]
        placed, width = (wires[1 - bit], wire), 1
        type_ = matrix_type(1, 1, value, _trait(cluster))
    elif cluster.kind == "diagonal":
        type_ = diagonal_type(width, 0, 0, False, tuple(range(0, 1 << 2 * width, (1 << width) + 1)))
    else:
        type_ = matrix_type(width, 0, 0, _trait(cluster))
    return _Made(-1, type_, placed, tuple(cluster.members), width, tuple(patterns))


def _trait(cluster: Fusion) -> Trait:
    if cluster.form == "real":
        return Trait.REAL
    return Trait.RX_LIKE if cluster.form == "rx_like" else Trait(0)


class _Tree:
    """The roots, for clusters on one wire and on two.

    A tree that has grown large is replaced; plans in the making in other threads keep the old one.
    """

    def __init__(self) -> None:
        self.count = 0
        self.single = _TreeNode(None, None, 0)
        self.double = _TreeNode(None, None, 0)


_tree = _Tree()


class _Open:
    """A cluster that may still grow, on one or two wires.

    Attributes:
        wires: the wires.
        node: its node in the tree.
        members: indices of blocks, in order; none if another cluster took them.
        parent: for one wire, the cluster on two wires just before it on that wire.
        pays: for two wires, whether one dense block was found to cost no more than the members.
            With more members it rarely costs more again, and ``settle`` decides in the end.
    """

    __slots__ = ("members", "node", "parent", "pays", "wires")

    def __init__(
        self,
        wires: tuple[int, ...],
        node: _TreeNode,
        members: list[int],
        parent: _Open | None = None,
    ) -> None:
        self.wires = wires
        self.node = node
        self.members = members
        self.parent = parent
        self.pays = False


def fuse_blocks(blocks: Blocks, size: int) -> tuple[Blocks, list[ProductRecipe], bool]:
    """The blocks that the clusters become, their products, and whether any block vanished.

    The numbers of the products follow each other in the pool, in order, from ``size`` on.
    """
    global _tree
    if _tree.count > _MOST_NODES:
        _tree = _Tree()
    fused, products, vanished = _emit(blocks, _find(blocks, _tree))
    recipes = []
    for width, (collected, indices) in enumerate(products, start=1):
        if indices:
            length = 1 << 2 * width
            for index in indices:
                fused.starts[index] = size
                size += length
            recipes.append(collected.matrices(width))
    return fused, recipes, vanished


def _find(blocks: Blocks, tree: _Tree) -> list[_Open]:
    """Clusters that hold every block once.

    Applying the clusters in order, and the members of each in order, applies the blocks.
    """
    found: list[_Open] = []
    # The cluster that the next block on a wire may still join.
    at: dict[int, _Open] = {}
    single_root, double_root = tree.single, tree.double
    index = -1
    for type_, wires in zip(blocks.types, blocks.wires, strict=True):
        index += 1
        if type_.fuses == 2:
            # The open cluster on both wires, perhaps behind clusters on one of them, takes the
            # block in; so does a new one. It also takes in those clusters on one wire.
            first, second = wires
            one, two = alone, also = at.get(first), at.get(second)
            if alone is not None and len(alone.wires) == 1:
                one = alone.parent
            else:
                alone = None
            if also is not None and len(also.wires) == 1:
                two = also.parent
            else:
                also = None
            if one is None or one is not two:
                one = _Open(wires, double_root, [])
                found.append(one)
            wiring = 0 if one.wires[0] == first else 1
            node = one.node
            members = one.members
            if alone is not None:
                node = node.joined.get((alone.node, wiring)) or node.join(alone.node, wiring)
                members += alone.members
                alone.members = []
            if also is not None:
                node = node.joined.get((also.node, 1 - wiring)) or node.join(also.node, 1 - wiring)
                members += also.members
                also.members = []
            wiring += 2
            one.node = node.children.get(type_.code | wiring) or node.child(type_, wiring)
            members.append(index)
            at[first] = at[second] = one
        elif type_.fuses == 1:
            # A cluster on this wire takes the block in, one on two wires if that pays.
            wire = wires[0]
            cluster = at.get(wire)
            if cluster is not None:
                node = cluster.node
                if len(cluster.wires) == 1:
                    cluster.node = node.children.get(type_.code) or node.child(type_, 0)
                    cluster.members.append(index)
                    continue
                wiring = 0 if cluster.wires[0] == wire else 1
                node = node.children.get(type_.code | wiring) or node.child(type_, wiring)
                if cluster.pays or node.length > _LONG or node.worthwhile():
                    cluster.pays = True
                    cluster.node = node
                    cluster.members.append(index)
                    continue
            node = single_root.children.get(type_.code) or single_root.child(type_, 0)
            cluster = at[wire] = _Open(wires, node, [index], cluster)
            found.append(cluster)
        else:
            found.append(_Open(wires, single_root, [index]))
            for wire in wires:
                at.pop(wire, None)
    return found


def _emit(
    blocks: Blocks, clusters: list[_Open]
) -> tuple[Blocks, list[tuple[Products, list[int]]], bool]:
    """The blocks, the products on each width with the blocks that they are, and as above."""
    types, wires, starts = blocks.types, blocks.wires, blocks.starts
    fused = Blocks()
    add_type, add_wires, add_start = fused.types.append, fused.wires.append, fused.starts.append
    products: list[tuple[Products, list[int]]] = [(Products(), []), (Products(), [])]
    vanished = False
    for cluster in clusters:
        members = cluster.members
        if not members:
            continue
        if len(members) == 1:
            index = members[0]
            add_type(types[index])
            add_wires(wires[index])
            add_start(starts[index])
            continue
        made, cancelled = cluster.node.made(len(cluster.wires))
        vanished |= cancelled
        for part in made:
            if part.member >= 0:
                index = members[part.member]
                add_type(types[index])
                add_wires(wires[index])
                add_start(starts[index])
                continue
            collected, indices = products[part.width - 1]
            collected.add(part.patterns, [starts[members[position]] for position in part.members])
            indices.append(len(fused.types))
            add_type(part.type_)
            add_wires(tuple([cluster.wires[position] for position in part.wires]))
            add_start(-1)
    return fused, products, vanished
