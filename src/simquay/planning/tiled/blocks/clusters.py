"""Clusters: blocks on one or two wires that :mod:`simquay.planning.tiled.blocks.fusion` makes one.

What becomes of a cluster depends on how its members act alone, and circuits have few kinds of
clusters. So clusters grow along a tree: a node stands for all clusters with the same members, as
far as their acts and places go, and what was found out for it is kept. A block that joins a
cluster is one step to a child.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from simquay.planning.tiled.blocks.blocks import Blocks
from simquay.planning.tiled.blocks.fusion import Fusion, Member, is_worthwhile, settle
from simquay.planning.tiled.blocks.types import (
    BlockType,
    Trait,
    diagonal_type,
    matrix_type,
)
from simquay.planning.tiled.numbers.products import Build, Product

__all__ = ["fuse"]

_LONG = 64
"""So many members stay together without asking again, so that time stays linear in them."""

_MOST_NODES = 1 << 12


@dataclass(slots=True, eq=False)
class _Made:
    """A block that a cluster becomes.

    Attributes:
        member: the member that it is, or -1 where it is a product.
        act: of the product.
        wires: of the product, as places of the cluster's wires.
        members: that are multiplied.
        build: how they are multiplied.
    """

    member: int
    type_: BlockType
    wires: tuple[int, ...] = ()
    members: tuple[int, ...] = ()
    build: Build | None = None


class _TreeNode:
    """Clusters with the same members.

    A step is the member's code plus its place: 0 and 1 for a block on the first and
    second wire, 2 for one on both, 3 for one on both whose first wire is the cluster's second.
    """

    __slots__ = ("_made", "_worthwhile", "children", "joined", "length", "parent", "place", "type_")

    def __init__(self, parent: _TreeNode | None, type_: BlockType | None, place: int) -> None:
        self.parent = parent
        self.type_ = type_
        self.place = place
        self.length: int = parent.length + 1 if parent else 0
        self.children: dict[int, _TreeNode] = {}
        self.joined: dict[tuple[_TreeNode, int], _TreeNode] = {}
        self._worthwhile: bool | None = None
        self._made: tuple[list[_Made], bool] | None = None

    def child(self, type_: BlockType, place: int) -> _TreeNode:
        """This with one more member."""
        key = type_.code | place
        node = self.children.get(key)
        if node is None:
            _tree.count += 1
            node = self.children[key] = _TreeNode(self, type_, place)
        return node

    def join(self, single: _TreeNode, place: int) -> _TreeNode:
        """This with all members of a cluster on one wire, which is at ``place`` here."""
        key = (single, place)
        node = self.joined.get(key)
        if node is None:
            node = self
            for member in single.members():
                node = node.child(member.type_, place)
            self.joined[key] = node
        return node

    def members(self) -> list[Member]:
        """The members, in order; the wires are 0 and 1."""
        found = []
        node = self
        while node.parent is not None:
            assert node.type_ is not None
            found.append(Member(node.type_, _PLACES[node.place]))
            node = node.parent
        return found[::-1]

    def worthwhile(self) -> bool:
        """Whether the members are better as one dense block."""
        if self._worthwhile is None:
            self._worthwhile = is_worthwhile(self.members())
        return self._worthwhile

    def made(self, wires: int) -> tuple[list[_Made], bool]:
        """What such clusters on so many wires become, and whether moves cancelled."""
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
                elif any(members[number].type_.moves for number in cluster.members):
                    moved.add(-1)
            kept = {number for cluster in clusters for number in cluster.members}
            self._made = made, bool(moved) or len(kept) < len(members)
        return self._made


_PLACES = ((0,), (1,), (0, 1), (1, 0))


def _made(cluster: Fusion, members: Sequence[Member]) -> _Made:
    if len(cluster.members) == 1:
        (number,) = cluster.members
        return _Made(number, members[number].type_)
    wires = cluster.wires
    entries: tuple[int, ...] = ()
    type_: BlockType
    if cluster.half is not None:
        wire, value = cluster.half
        bit = wires.index(wire)
        entries = tuple([index for index in range(4) if index >> bit & 1 == value])
        type_ = matrix_type(1, 1, value, _trait(cluster))
        placed: tuple[int, ...] = (wires[1 - bit], wire)
    else:
        placed = wires
        if cluster.kind == "diagonal":
            type_ = diagonal_type(len(wires), 0, 0, False)
        else:
            type_ = matrix_type(len(wires), 0, 0, _trait(cluster))
    factors = [members[number] for number in cluster.members]
    steps = tuple([(m.type_, tuple([wires.index(wire) for wire in m.wires])) for m in factors])
    build = Build(steps, len(wires), cluster.kind == "diagonal", entries)
    if len(steps) <= _LONG:
        # Parts of different clusters may be built alike.
        build = _interned(build)
    return _Made(-1, type_, placed, tuple(cluster.members), build)


def _trait(cluster: Fusion) -> Trait:
    if cluster.form == "real":
        return Trait.REAL
    return Trait.RX_LIKE if cluster.form == "rx_like" else Trait(0)


@lru_cache(maxsize=4096)
def _interned(build: Build) -> Build:
    return build


class _Tree:
    """The roots, for clusters on one wire and on two; a tree that got large is left to plans that
    are under way, and a new one begins."""

    def __init__(self) -> None:
        self.count = 0
        self.single = _TreeNode(None, None, 0)
        self.double = _TreeNode(None, None, 0)


_tree = _Tree()


class _Open:
    """A cluster in the making, on one or two wires.

    Attributes:
        wires: the wires.
        node: what it is so far; of no use for one that takes no more members.
        members: numbers of blocks, in order; none if another cluster took them.
        parent: for one wire, the cluster on two wires that came right before on that wire.
        pays: for two wires, whether one dense block was found to cost no more than the members;
            with more members it rarely ceases to, and the last word is that of ``settle``.
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


def fuse(blocks: Blocks, size: int) -> tuple[Blocks, list[Product], bool]:
    """The blocks that the clusters become, where their numbers come from, and whether any vanished.

    ``size`` is that of the pool; the numbers of products follow, one product after the other.
    """
    global _tree
    if _tree.count > _MOST_NODES:
        _tree = _Tree()
    fused, products, vanished = _emit(blocks, _find(blocks, _tree))
    for product in products:
        length = product.build.length
        for number in product.numbers:
            fused.starts[number] = size
            size += length
    return fused, products, vanished


def _find(blocks: Blocks, tree: _Tree) -> list[_Open]:
    """Clusters that hold every block once.

    Clusters in their order, and their members in theirs, do what the blocks do in theirs.
    """
    found: list[_Open] = []
    # The cluster that the next block on a wire may still join.
    at: dict[int, _Open] = {}
    single_root, double_root = tree.single, tree.double
    number = -1
    for type_, wires in zip(blocks.types, blocks.wires, strict=True):
        number += 1
        if type_.fuses == 2:
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
            place = 0 if one.wires[0] == first else 1
            node = one.node
            members = one.members
            if alone is not None:
                node = node.joined.get((alone.node, place)) or node.join(alone.node, place)
                members += alone.members
                alone.members = []
            if also is not None:
                node = node.joined.get((also.node, 1 - place)) or node.join(also.node, 1 - place)
                members += also.members
                also.members = []
            place += 2
            one.node = node.children.get(type_.code | place) or node.child(type_, place)
            members.append(number)
            at[first] = at[second] = one
        elif type_.fuses == 1:
            wire = wires[0]
            cluster = at.get(wire)
            if cluster is not None:
                node = cluster.node
                if len(cluster.wires) == 1:
                    cluster.node = node.children.get(type_.code) or node.child(type_, 0)
                    cluster.members.append(number)
                    continue
                place = 0 if cluster.wires[0] == wire else 1
                node = node.children.get(type_.code | place) or node.child(type_, place)
                if cluster.pays or node.length > _LONG or node.worthwhile():
                    cluster.pays = True
                    cluster.node = node
                    cluster.members.append(number)
                    continue
            node = single_root.children.get(type_.code) or single_root.child(type_, 0)
            cluster = at[wire] = _Open(wires, node, [number], cluster)
            found.append(cluster)
        else:
            found.append(_Open(wires, single_root, [number]))
            for wire in wires:
                at.pop(wire, None)
    return found


def _emit(blocks: Blocks, clusters: list[_Open]) -> tuple[Blocks, list[Product], bool]:
    types, wires, starts = blocks.types, blocks.wires, blocks.starts
    fused = Blocks()
    add_type, add_wires, add_start = fused.types.append, fused.wires.append, fused.starts.append
    products: dict[int, Product] = {}
    vanished = False
    for cluster in clusters:
        members = cluster.members
        if not members:
            continue
        if len(members) == 1:
            number = members[0]
            add_type(types[number])
            add_wires(wires[number])
            add_start(starts[number])
            continue
        made, cancelled = cluster.node.made(len(cluster.wires))
        vanished |= cancelled
        for part in made:
            if part.member >= 0:
                number = members[part.member]
                add_type(types[number])
                add_wires(wires[number])
                add_start(starts[number])
                continue
            build = part.build
            assert build is not None
            product = products.get(id(build))
            if product is None:
                product = products[id(build)] = Product(build)
            product.starts.append([starts[members[place]] for place in part.members])
            product.numbers.append(len(fused.types))
            add_type(part.type_)
            add_wires(tuple([cluster.wires[place] for place in part.wires]))
            add_start(-1)
    return fused, list(products.values()), vanished
