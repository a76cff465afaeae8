"""Clusters: which nodes go into one dense matrix.

A cluster is a set of up to ``k`` wires and every node on them that can be applied now, one after
the other. The search is greedy: it grows a few candidate clusters from what is ready, each step
by the wires that the next blocked node needs (its own and those of what must come before it), and
takes the candidate with the most work for its cost.

Diagonal nodes do not force wires into a cluster. One that is ready, but only partly inside, is
set aside as a step of its own before the cluster: such steps are collected, and are cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeAlias, Union

from quayside.planning.fuse import Fused, Node

__all__ = ["Cluster", "Piece", "find_clusters"]

_WORK_MATRIX = 1.0
_WORK_ONE_WIRE = 0.55
_WORK_DIAGONAL = 0.12
"""What a node is worth: about the share of a pass that it would cost by itself."""

_CONES = 3
"""How many ways to go on are tried at each step; more than that found nothing better."""


class Cluster(NamedTuple):
    """Nodes for one matrix, in order; ``mask`` is the wires as bits."""

    wires: tuple[int, ...]
    mask: int
    nodes: list[Node]


Piece: TypeAlias = Union[Cluster, Node]
"""A cluster, or a node by itself: a diagonal that was set aside, or a wide node."""


def find_clusters(fused: Fused, costs: Sequence[float], done: Iterable[Node] = ()) -> list[Piece]:
    """All nodes as pieces in an order that keeps all dependencies.

    ``costs[k]`` is the cost of a cluster of ``k`` wires; the widest allowed is the last. Nodes
    that are ``done`` (already applied) are left out.
    """
    search = _Search(fused, costs)
    for node in done:
        search.finish(node)
    return search.run()


def find_start(fused: Fused, widest: int) -> Cluster | None:
    """A cluster of up to ``widest`` wires at the very beginning, with all that it can take."""
    return _Search(fused, [1.0] * (widest + 1)).start()


class _Growth:
    """A cluster being grown: where each wire stands in it, and what it took."""

    __slots__ = ("at", "blocked", "done", "mask", "nodes", "set_aside", "work")

    def __init__(self, at: list[int]) -> None:
        self.at = at
        self.mask = 0
        self.nodes: list[Node] = []
        self.set_aside: list[Node] = []
        self.done: set[int] = set()
        self.work = 0.0
        self.blocked: list[Node] = []

    def copy(self) -> _Growth:
        other = _Growth.__new__(_Growth)
        other.at = self.at.copy()
        other.mask = self.mask
        other.nodes = self.nodes.copy()
        other.set_aside = self.set_aside.copy()
        other.done = self.done.copy()
        other.work = self.work
        other.blocked = self.blocked
        return other


class _Search:
    """Where the whole search stands.

    Invariants: ``at[w]`` is the first segment of wire ``w`` that is not wholly done, and no node
    before ``first`` is left.
    """

    def __init__(self, fused: Fused, costs: Sequence[float]) -> None:
        self.costs = costs
        self.widest = len(costs) - 1
        size = max(fused.segments, default=-1) + 1
        self.lines: list[list[list[Node]]] = [fused.segments.get(w, []) for w in range(size)]
        self.at = [0] * size
        self.done = [False] * len(fused.nodes)
        self.nodes = fused.nodes
        self.first = 0

    def run(self) -> list[Piece]:
        """See :func:`find_clusters`."""
        pieces: list[Piece] = []
        while (seed := self._next()) is not None:
            if seed.wide:
                # What is left before it on its wires are diagonals, ready ones.
                for wire, segment in zip(seed.wires, seed.segments, strict=True):
                    while self.at[wire] < segment:
                        for node in self.lines[wire][self.at[wire]]:
                            self._set_aside(node, pieces)
                self._set_aside(seed, pieces)
            else:
                self._take(self._grow(seed), pieces)
        for node in self.nodes[self.first :]:
            self._set_aside(node, pieces)
        return pieces

    def start(self) -> Cluster | None:
        """See :func:`find_start`."""
        seed = self._next()
        if seed is None or seed.wide or len(seed.wires) > self.widest:
            return None
        growth = _Growth(self.at.copy())
        self._widen(growth, seed.mask)
        while cone := next(self._cones(growth), 0):
            self._widen(growth, cone)
        self._complete(growth)
        return _cluster(growth)

    def _next(self) -> Node | None:
        """The first node that is left and not diagonal, or wide.

        All that must come before it are diagonals that are themselves ready: anything else would
        be an earlier node of this kind.
        """
        nodes, done = self.nodes, self.done
        while self.first < len(nodes) and done[self.first]:
            self.first += 1
        for number in range(self.first, len(nodes)):
            node = nodes[number]
            if not done[number] and (not node.diagonal or node.wide):
                return node
        return None

    def _set_aside(self, node: Node, pieces: list[Piece]) -> None:
        if not self.done[node.number]:
            self.finish(node)
            pieces.append(node)

    def _grow(self, seed: Node) -> _Growth:
        costs = self.costs
        growth = _Growth(self.at.copy())
        self._widen(growth, seed.mask)
        count = growth.mask.bit_count()
        best = growth
        best_value = growth.work / costs[count]
        while count < self.widest:
            chosen: _Growth | None = None
            chosen_value = 0.0
            for mask in islice(self._cones(growth), _CONES):
                candidate = growth.copy()
                self._widen(candidate, mask)
                value = (candidate.work - growth.work) / (
                    costs[candidate.mask.bit_count()] - costs[count]
                )
                if value > chosen_value:
                    chosen, chosen_value = candidate, value
            if chosen is None:
                break
            growth = chosen
            count = growth.mask.bit_count()
            value = growth.work / costs[count]
            if value >= best_value:
                best, best_value = growth, value
        return best

    def _cones(self, growth: _Growth) -> Iterator[int]:
        """Sets of wires to add: for each blocked node, what it needs to be applied; else the next
        ready nodes anywhere, for clusters of parts that do not touch."""
        room = self.widest - growth.mask.bit_count()
        if room <= 0:
            return
        cones: set[int] = set()
        outside = ~growth.mask
        for node in growth.blocked:
            if (node.mask & outside).bit_count() > room:
                continue
            cone = self._cone(growth, node, room)
            if cone and cone not in cones:
                cones.add(cone)
                yield cone
        if cones:
            return
        done, nodes, mask = self.done, self.nodes, growth.mask
        found = 0
        for number in range(self.first, len(nodes)):
            node = nodes[number]
            if (
                not node.diagonal
                and node.mask & mask == 0
                and not done[number]
                and not node.wide
                and len(node.wires) <= room
                and self._nearly_ready(node)
            ):
                yield node.mask
                found += 1
                if found == 2:
                    return

    def _nearly_ready(self, node: Node) -> bool:
        """Whether nothing but diagonals comes before ``node``."""
        lines, at = self.lines, self.at
        for wire, segment in zip(node.wires, node.segments, strict=True):
            place = at[wire]
            if place != segment and (place + 1 != segment or not lines[wire][place][0].diagonal):
                return False
        return True

    def _cone(self, growth: _Growth, node: Node, room: int) -> int:
        """The wires outside the cluster that must join before ``node`` can be applied; 0 if they
        are more than ``room``, or a wide node is in the way."""
        cone = 0
        stack = [node]
        inside = growth.mask
        seen = {node.number}
        done, taken = self.done, growth.done
        while stack:
            current = stack.pop()
            if current.wide:
                return 0
            cone |= current.mask & ~inside
            if cone.bit_count() > room:
                return 0
            for wire, segment in zip(current.wires, current.segments, strict=True):
                for place in range(growth.at[wire], segment):
                    for other in self.lines[wire][place]:
                        number = other.number
                        if number not in seen and number not in taken and not done[number]:
                            seen.add(number)
                            # A ready diagonal is set aside: it needs no wires.
                            if other.diagonal and self._ready(other):
                                continue
                            cone |= other.mask & ~inside
                            if cone.bit_count() > room:
                                return 0
                            stack.append(other)
        return cone

    def _ready(self, node: Node) -> bool:
        at = self.at
        for wire, segment in zip(node.wires, node.segments, strict=True):
            if at[wire] != segment:
                return False
        return True

    def _widen(self, growth: _Growth, wires: int) -> None:
        """Add ``wires`` (a mask), and absorb everything that this makes possible.

        Diagonals at the end of a wire are left out: :meth:`_complete` sees to them.
        """
        lines, at, done, base, taken = self.lines, growth.at, self.done, self.at, growth.done
        growth.mask |= wires
        mask = growth.mask
        outside = ~mask
        stack = []
        while wires:
            low = wires & -wires
            stack.append(low.bit_length() - 1)
            wires ^= low
        blocked: list[Node] = []
        work = 0.0
        while stack:
            wire = stack.pop()
            line = lines[wire]
            place = at[wire]
            end = len(line)
            while place < end:
                segment = line[place]
                if place + 1 == end and segment[0].diagonal:
                    break
                left = False
                for node in segment:
                    number = node.number
                    if done[number] or number in taken:
                        continue
                    ready = not node.wide
                    early = True
                    for other, where in zip(node.wires, node.segments, strict=True):
                        if at[other] != where:
                            ready = False
                            break
                        if base[other] != where:
                            early = False
                    if not ready:
                        left = True
                        blocked.append(node)
                    elif not node.mask & outside:
                        taken.add(number)
                        growth.nodes.append(node)
                        if node.diagonal:
                            work += _WORK_DIAGONAL
                        elif len(node.wires) == 1:
                            work += _WORK_ONE_WIRE
                        else:
                            work += _WORK_MATRIX
                        for other in node.wires:
                            if other != wire:
                                stack.append(other)  # noqa: PERF401 - the hottest loop here
                    elif early and node.diagonal:
                        # Nothing in this cluster must come before it: it may go first.
                        taken.add(number)
                        growth.set_aside.append(node)
                        stack.extend([w for w in node.wires if w != wire and mask >> w & 1])
                    else:
                        left = True
                        blocked.append(node)
                if left:
                    break
                place += 1
                at[wire] = place
        growth.work += work
        for node in growth.blocked:
            if node.number not in taken and node not in blocked:
                blocked.append(node)
        growth.blocked = blocked

    def _complete(self, growth: _Growth) -> None:
        """Take in the diagonals that are wholly inside at the end of the cluster's wires."""
        at, done, taken, outside = growth.at, self.done, growth.done, ~growth.mask
        for wire, line in enumerate(self.lines):
            if not growth.mask >> wire & 1 or at[wire] >= len(line):
                continue
            for node in line[at[wire]]:
                if (
                    node.diagonal
                    and not node.mask & outside
                    and not node.wide
                    and node.number not in taken
                    and not done[node.number]
                    and all(at[w] == p for w, p in zip(node.wires, node.segments, strict=True))
                ):
                    taken.add(node.number)
                    growth.nodes.append(node)

    def _take(self, growth: _Growth, pieces: list[Piece]) -> None:
        """Make ``growth`` a cluster, with the diagonals before it that it really needs."""
        self._complete(growth)
        if growth.set_aside:
            reached: dict[int, int] = {}  # wire → the last segment that gave a matrix
            for node in growth.nodes:
                if not node.diagonal:
                    for wire, segment in zip(node.wires, node.segments, strict=True):
                        reached[wire] = max(reached.get(wire, -1), segment)
            for node in growth.set_aside:
                if any(
                    segment < reached.get(wire, -1)
                    for wire, segment in zip(node.wires, node.segments, strict=True)
                ):
                    self._set_aside(node, pieces)
        for node in growth.nodes:
            self.finish(node)
        pieces.append(_cluster(growth))

    def finish(self, node: Node) -> None:
        """Count ``node`` as applied."""
        done, at = self.done, self.at
        done[node.number] = True
        for wire in node.wires:
            line = self.lines[wire]
            place = at[wire]
            while place < len(line):
                for other in line[place]:
                    if not done[other.number]:
                        break
                else:
                    place += 1
                    continue
                break
            at[wire] = place


def _cluster(growth: _Growth) -> Cluster:
    wires = tuple([w for w in range(growth.mask.bit_length()) if growth.mask >> w & 1])
    return Cluster(wires, growth.mask, growth.nodes)
