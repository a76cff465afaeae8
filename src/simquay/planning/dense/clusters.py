"""Clusters: the nodes that go into one dense matrix.

A cluster is a set of up to ``k`` wires and every node on them that can be applied now, one after
the other. The search is greedy. It grows a cluster from the first node that is left. Each time it
tries a few *extensions*: the wires that a blocked node needs, which are its own and those of the
nodes that must come before it. It takes the extension with the most work for its cost.

Diagonal nodes do not force wires into a cluster. A diagonal that is ready, but only partly inside,
is set aside as a piece before the cluster: these are collected later, and are cheap.

Sets of nodes are integers (see :mod:`simquay.planning.dense.fusion`). A set of wires can
absorb all nodes on these wires alone, less those that come after any other node on them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, Union

from simquay.planning.dense.fusion import GateNode, dependencies
from simquay.program.bits import bits_of, mask_of

__all__ = ["SEARCH_MODES", "Cluster", "ClusterSearch", "Part", "Piece", "SearchMode"]

_WORK_MATRIX = 1.0
_WORK_ONE_WIRE = 0.55
_WORK_DIAGONAL = 0.12
"""The work that a node counts for: about the share of a pass that it would cost by itself."""


@dataclass(slots=True, eq=False)
class Cluster:
    """Nodes for one matrix, in order.

    Attributes:
        wires: of the cluster; ``mask`` is their mask.
        nodes: the nodes of the matrix itself.
        outer_before, outer_after: diagonals with wires outside the tile, before and after it.
    """

    wires: tuple[int, ...]
    mask: int
    nodes: list[GateNode]
    outer_before: list[GateNode] = field(default_factory=list)
    outer_after: list[GateNode] = field(default_factory=list)

    def take_in(self, node: GateNode, tile: int, *, after: bool) -> None:
        """Make a diagonal part of the cluster, which has all of its wires that are in the tile."""
        if node.mask & ~tile:
            (self.outer_after if after else self.outer_before).append(node)
        elif after:
            self.nodes.append(node)
        else:
            self.nodes.insert(0, node)


Piece: TypeAlias = Union[Cluster, GateNode]
"""A cluster, or a node by itself: a diagonal that was set aside, or a wide node."""

Part: TypeAlias = Union[Cluster, list[GateNode]]
"""A part of a pass: a cluster, or diagonals between clusters, which are applied as one table."""


class SearchMode(NamedTuple):
    """A way to search. None is best for all circuits.

    Attributes:
        extensions: how many extensions are tried each time that a cluster grows.
        fewest: of extensions of equal value, whether to take the one that leaves the fewest
            blocked nodes, or the first.
        seeds: from how many nodes a cluster is grown; the best result is kept.
    """

    extensions: int
    fewest: bool
    seeds: int


SEARCH_MODES = (
    SearchMode(2, False, 1),
    SearchMode(3, False, 1),
    SearchMode(3, True, 1),
    SearchMode(2, True, 1),
    SearchMode(3, True, 2),
    SearchMode(3, False, 2),
    SearchMode(2, True, 2),
    SearchMode(2, False, 2),
)
"""The first is the quickest, for circuits that are not worth more than one search."""


class _Growth(NamedTuple):
    """A cluster in the making.

    Attributes:
        mask: its wires.
        once: the nodes on any of these wires.
        twice: those on two of them or more.
        taken: the nodes that it applies.
        edge: the first nodes on these wires that it cannot apply.
        work: the work that ``taken`` counts for.
    """

    mask: int
    once: int
    twice: int
    taken: int
    edge: int
    work: float


class ClusterSearch:
    """Divides all nodes into pieces, in an order that keeps all dependencies.

    ``costs[k]`` is the cost of a cluster of ``k`` wires; the widest allowed is the last.

    Attributes:
        left: the nodes that are in no piece yet.
        open: the nodes of ``left`` that matter for growth: all but diagonals that no node follows.
        hard: the nodes of ``open`` that can block others: all but diagonals that are ready.
    """

    def __init__(self, nodes: Sequence[GateNode], costs: Sequence[float]) -> None:
        self.nodes = nodes
        self.costs = costs
        self.before, self.after, self.on = dependencies(nodes)
        self.masks = [node.mask for node in nodes]
        wide = diagonal = ends = 0
        by_width: defaultdict[int, int] = defaultdict(int)  # the nodes on so many wires
        bit = 1
        for node, behind in zip(nodes, self.after, strict=True):
            if node.wide:
                wide |= bit
            else:
                by_width[len(node.wires)] |= bit
                if node.diagonal:
                    diagonal |= bit
                    if not behind:
                        ends |= bit
            bit <<= 1
        everything = bit - 1
        self.mode = SEARCH_MODES[0]
        self.everything = self.left = everything
        self.wide = wide
        self.solid = everything & ~diagonal
        self.matrices = self.solid & ~wide
        self.diagonal = diagonal
        self.one, self.two = by_width[1], by_width[2]
        self.more = everything & ~(self.one | self.two | wide)
        self.ends = ends
        self.open = self.hard = everything & ~ends

    def find(
        self, start: int = 0, mode: SearchMode = SEARCH_MODES[0]
    ) -> tuple[Cluster | None, list[Piece]]:
        """The start (or None), and the pieces after it.

        With ``start``, the start is a cluster of up to so many wires at the very beginning, with
        all nodes that it can take.
        """
        self.mode = mode
        self.left = self.everything
        first = self._start(start) if start else None
        pieces: list[Piece] = []
        while solid := self.left & self.solid:
            low = solid & -solid
            index = low.bit_length() - 1
            if self.wide & low:
                # Only diagonals that are ready can be left before it.
                self._set_aside(self.before[index] & self.left, pieces)
                self._set_aside(low, pieces)
            else:
                self._prepare()
                self._take(self._grow(index), pieces)
        self._set_aside(self.left, pieces)
        return first, pieces

    def _start(self, widest: int) -> Cluster | None:
        """Take the cluster at the beginning."""
        solid = self.left & self.solid
        low = solid & -solid
        if not low or low & self.wide:
            return None
        mask = self.masks[low.bit_length() - 1]
        if mask.bit_count() > widest:
            return None
        self._prepare()
        growth = self._widen(_NOTHING, mask)
        while extensions := self._extensions(growth, widest - growth.mask.bit_count(), 1):
            growth = self._widen(growth, extensions[0])
        return self._cluster(growth)

    def _set_aside(self, members: int, pieces: list[Piece]) -> None:
        self.left &= ~members
        pieces += [self.nodes[index] for index in bits_of(members)]

    def _prepare(self) -> None:
        """Bring ``open`` and ``hard`` up to date."""
        left = self.left
        self.open = left & ~self.ends
        diagonal = self.open & self.diagonal
        if diagonal:
            # No diagonal after a solid node is ready.
            after = self.after
            solid = left & self.solid
            late = 0
            while solid:
                low = solid & -solid
                behind = after[low.bit_length() - 1]
                late |= behind
                solid &= ~(behind | low)
            diagonal &= ~late
        self.hard = self.open & ~diagonal

    def _grow(self, index: int) -> _Growth:
        """The best cluster that grows from the first node, ``index``, or from others."""
        costs = self.costs
        best = self._grow_from(self.masks[index])
        others = self.left & self.matrices & ~(self.after[index] | 1 << index)
        for _ in range(self.mode.seeds - 1):
            others &= ~best.taken
            if not others:
                break
            index = (others & -others).bit_length() - 1
            if self.before[index] & self.hard:
                break
            growth = self._grow_from(self.masks[index])
            value = growth.work / costs[growth.mask.bit_count()]
            if value > best.work / costs[best.mask.bit_count()]:
                best = growth
            others &= ~(self.after[index] | 1 << index)
        return best

    def _grow_from(self, seed: int) -> _Growth:
        """The best cluster that grows from the wires ``seed``."""
        costs = self.costs
        widest = len(costs) - 1
        growth = best = self._widen(_NOTHING, seed)
        count = seed.bit_count()
        best_value = growth.work / costs[count]
        while count < widest:
            chosen: _Growth | None = None
            chosen_value = 0.0
            for extension in self._extensions(growth, widest - count, self.mode.extensions):
                candidate = self._widen(growth, extension)
                value = (candidate.work - growth.work) / (
                    costs[count + extension.bit_count()] - costs[count]
                )
                if value > chosen_value or (
                    chosen is not None
                    and self.mode.fewest
                    and value == chosen_value
                    and candidate.edge.bit_count() < chosen.edge.bit_count()
                ):
                    chosen, chosen_value = candidate, value
            if chosen is None:
                break
            growth = chosen
            count = growth.mask.bit_count()
            value = growth.work / costs[count]
            if value >= best_value:
                best, best_value = growth, value
        return best

    def _widen(self, growth: _Growth, wires: int) -> _Growth:
        """``growth`` with more ``wires`` (a mask), and all nodes that they make possible."""
        # 1. The nodes on any of the wires, and those on two or more.
        mask, once, twice, _, _, _ = growth
        mask |= wires
        on = self.on
        while wires:
            low = wires & -wires
            line = on[low.bit_length() - 1]
            twice |= once & line
            once |= line
            wires ^= low
        # 2. The nodes whose wires are all inside.
        inside = once & self.one | twice & self.two
        if self.more:
            others = once & self.more
            if others:
                for wire, line in enumerate(on):
                    if not mask >> wire & 1:
                        others &= ~line
                inside |= others
        # 3. The hard nodes that are partly outside block all nodes after them.
        after = self.after
        late = 0
        outside = edge = once & self.hard & ~inside
        while outside:
            low = outside & -outside
            index = low.bit_length() - 1
            behind = after[index]
            late |= behind
            outside &= ~(behind | low)
            if low & self.diagonal:
                # The diagonals of the same segment block the same nodes.
                for wire in self.nodes[index].wires:
                    if mask >> wire & 1:
                        outside &= ~(on[wire] & self.diagonal & self.two)
        # 4. The rest inside is taken, and counts as work.
        edge &= ~late
        taken = inside & self.open & ~late
        work = _WORK_DIAGONAL * (taken & self.diagonal).bit_count()
        matrices = taken & self.matrices
        single = (matrices & self.one).bit_count()
        work += _WORK_ONE_WIRE * single + _WORK_MATRIX * (matrices.bit_count() - single)
        return _Growth(mask, once, twice, taken, edge, work)

    def _extensions(self, growth: _Growth, most_new: int, most: int) -> list[int]:
        """Up to ``most`` sets of up to ``most_new`` wires that may be added to ``growth``.

        For each blocked node, the wires that it needs. If there are none, those of the next ready
        nodes anywhere: a cluster may have parts that share no wire.
        """
        extensions: list[int] = []
        if most_new <= 0:
            return extensions
        masks, before = self.masks, self.before
        outside = ~growth.mask
        waiting = self.hard & ~growth.taken
        after = self.after
        edge = growth.edge & ~self.wide
        diagonal = edge & self.diagonal
        targets = edge
        if diagonal:
            # A diagonal counts for little: the matrices that it blocks come first.
            targets &= ~diagonal
            for index in bits_of(diagonal):
                targets |= after[index]
            targets &= self.left & self.matrices
        for found in (targets, edge & self.diagonal):
            while found:
                low = found & -found
                index = low.bit_length() - 1
                found &= ~(after[index] | low)
                extension = masks[index] & outside
                needed = before[index] & waiting
                if needed & self.wide:
                    continue
                while needed and extension.bit_count() <= most_new:
                    low = needed & -needed
                    needed ^= low
                    extension |= masks[low.bit_length() - 1] & outside
                if extension.bit_count() <= most_new and extension not in extensions:
                    extensions.append(extension)
                    if len(extensions) == most:
                        return extensions
        if extensions:
            return extensions
        apart = self.left & self.matrices & ~growth.once
        solid = waiting & self.solid
        while apart:
            low = apart & -apart
            index = low.bit_length() - 1
            if not before[index] & solid and masks[index].bit_count() <= most_new:
                extensions.append(masks[index])
                if len(extensions) == min(most, 2):
                    break
            apart &= ~(after[index] | low)
        return extensions

    def _take(self, growth: _Growth, pieces: list[Piece]) -> None:
        """Make ``growth`` a piece, after the diagonals that must come before its nodes."""
        taken, after = growth.taken, self.after
        ready = bits_of(self.open & ~self.hard & growth.once & ~taken)
        self._set_aside(mask_of([index for index in ready if after[index] & taken]), pieces)
        pieces.append(self._cluster(growth))

    def _cluster(self, growth: _Growth) -> Cluster:
        """The cluster, with the final diagonals that are wholly inside."""
        taken = growth.taken
        mask = growth.mask
        waiting = self.hard & ~taken
        for index in bits_of(self.ends & growth.once & self.left):
            if not self.masks[index] & ~mask and not self.before[index] & waiting:
                taken |= 1 << index
        self.left &= ~taken
        nodes = [self.nodes[index] for index in bits_of(taken)]
        return Cluster(tuple(bits_of(mask)), mask, nodes)


_NOTHING = _Growth(0, 0, 0, 0, 0, 0.0)
