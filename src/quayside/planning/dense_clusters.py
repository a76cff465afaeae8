"""Clusters: which nodes go into one dense matrix.

A cluster is a set of up to ``k`` wires and every node on them that can be applied now, one after
the other. The search is greedy: it grows a few candidate clusters from what is ready, each step
by the wires that the next blocked node needs (its own and those of what must come before it), and
takes the candidate with the most work for its cost.

Diagonal nodes do not force wires into a cluster. One that is ready, but only partly inside, is
set aside as a step of its own before the cluster: such steps are collected, and are cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from quayside.planning.fuse import Fused, Node

__all__ = ["Cluster", "Piece", "find_clusters"]

_WORK_MATRIX = 1.0
_WORK_ONE_WIRE = 0.55
_WORK_DIAGONAL = 0.12
"""What a node is worth: about the share of a pass that it would cost by itself."""

_SEEDS = 3
"""Candidate clusters that are grown for each one taken."""


class Cluster(NamedTuple):
    """Nodes for one matrix, in order; ``wires`` as found, ``mask`` the same as bits."""

    wires: tuple[int, ...]
    mask: int
    nodes: list[Node]


Piece = Cluster | Node
"""A cluster, or a node by itself: a diagonal that was set aside, or a wide node."""


class _Growth:
    """A cluster being grown: where each of its wires stands, and what it took."""

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
        other.blocked = []
        return other


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


class _Search:
    def __init__(self, fused: Fused, costs: Sequence[float]) -> None:
        self.costs = costs
        self.widest = len(costs) - 1
        size = max(fused.segments, default=-1) + 1
        self.lines: list[list[list[Node]]] = [fused.segments.get(w, []) for w in range(size)]
        self.at = [0] * size
        self.done = [False] * len(fused.nodes)
        self.nodes = fused.nodes
        self.first = 0  # no node before this one is left

    def run(self) -> list[Piece]:
        pieces: list[Piece] = []
        nodes, done = self.nodes, self.done
        while True:
            while self.first < len(nodes) and done[self.first]:
                self.first += 1
            if self.first == len(nodes):
                return pieces
            seeds = self._seeds()
            best: _Growth | None = None
            best_value = 0.0
            for seed in seeds:
                if seed.wide or not seed.wires:
                    self.finish(seed)
                    pieces.append(seed)
                    best = None
                    break
                growth = self._grow(seed)
                value = growth.work / self.costs[growth.mask.bit_count()]
                if value > best_value:
                    best, best_value = growth, value
            else:
                if best is None:
                    # Nothing but diagonals is left that is ready: they go by themselves.
                    for node in nodes[self.first :]:
                        if not done[node.number] and node.diagonal and self._ready(node):
                            self.finish(node)
                            pieces.append(node)
                else:
                    self._take(best, pieces)

    def start(self) -> Cluster | None:
        """See :func:`find_start`."""
        seeds = self._seeds()
        if not seeds or seeds[0].wide or not seeds[0].wires:
            return None
        growth = _Growth(self.at.copy())
        self._widen(growth, seeds[0].mask)
        while cones := self._cones(growth):
            self._widen(growth, cones[0])
        return _cluster(growth)

    def _seeds(self) -> list[Node]:
        """The first ready nodes that are not diagonal; a wide or wireless one comes alone."""
        seeds: list[Node] = []
        done = self.done
        for node in self.nodes[self.first :]:
            if done[node.number]:
                continue
            if (not node.diagonal or node.wide or not node.wires) and self._ready(node):
                if node.wide or not node.wires:
                    return [node]
                seeds.append(node)
                if len(seeds) == _SEEDS:
                    break
        return seeds

    def _ready(self, node: Node) -> bool:
        at = self.at
        for wire, segment in zip(node.wires, node.segments, strict=True):
            if at[wire] != segment:
                return False
        return True

    def _grow(self, seed: Node) -> _Growth:
        growth = _Growth(self.at.copy())
        self._widen(growth, seed.mask)
        best = growth
        best_value = growth.work / self.costs[growth.mask.bit_count()]
        while growth.mask.bit_count() < self.widest:
            chosen: _Growth | None = None
            chosen_value = 0.0
            for mask in self._cones(growth):
                candidate = growth.copy()
                self._widen(candidate, mask)
                gain = candidate.work - growth.work
                cost = self.costs[candidate.mask.bit_count()] - self.costs[growth.mask.bit_count()]
                value = gain / cost
                if value > chosen_value:
                    chosen, chosen_value = candidate, value
            if chosen is None:
                break
            growth = chosen
            value = growth.work / self.costs[growth.mask.bit_count()]
            if value >= best_value:
                best, best_value = growth, value
        return best

    def _cones(self, growth: _Growth) -> list[int]:
        """Sets of wires to add: for each blocked node, what it needs to be applied; and the next
        ready nodes anywhere, for clusters of parts that do not touch."""
        room = self.widest - growth.mask.bit_count()
        cones: list[int] = []
        for node in growth.blocked:
            if node.number in growth.done:
                continue
            cone = self._cone(growth, node, room)
            if cone and cone not in cones:
                cones.append(cone)
        if not cones:
            done = self.done
            for node in self.nodes[self.first :]:
                if (
                    not done[node.number]
                    and not node.diagonal
                    and not node.wide
                    and node.mask & growth.mask == 0
                    and node.mask.bit_count() <= room
                    and self._ready(node)
                ):
                    cones.append(node.mask)
                    if len(cones) == 2:
                        break
        return cones

    def _cone(self, growth: _Growth, node: Node, room: int) -> int:
        """The wires outside the cluster that must join before ``node`` can be applied; 0 if they
        are more than ``room``, or a wide node is in the way."""
        cone = 0
        stack = [node]
        inside = growth.mask
        seen = {node.number}
        while stack:
            current = stack.pop()
            if current.wide:
                return 0
            cone |= current.mask & ~inside
            if cone.bit_count() > room:
                return 0
            for wire, segment in zip(current.wires, current.segments, strict=True):
                at = growth.at[wire]
                if at < segment:
                    for other in self.lines[wire][at]:
                        if (
                            other.number not in seen
                            and other.number not in growth.done
                            and not self.done[other.number]
                        ):
                            seen.add(other.number)
                            # A ready diagonal is set aside: it needs no wires.
                            if not (other.diagonal and self._ready(other)):
                                stack.append(other)
        return cone

    def _widen(self, growth: _Growth, wires: int) -> None:
        """Add ``wires`` (a mask), and absorb everything that this makes possible."""
        lines, at, done, base = self.lines, growth.at, self.done, self.at
        growth.mask |= wires
        mask = growth.mask
        stack = []
        rest = mask
        while rest:
            low = rest & -rest
            stack.append(low.bit_length() - 1)
            rest ^= low
        taken = growth.done
        blocked: list[Node] = []
        while stack:
            wire = stack.pop()
            line = lines[wire]
            while at[wire] < len(line):
                left = False
                for node in line[at[wire]]:
                    number = node.number
                    if done[number] or number in taken:
                        continue
                    ready = not node.wide
                    for other, segment in zip(node.wires, node.segments, strict=True):
                        if at[other] != segment:
                            ready = False
                            break
                    if ready and node.mask & ~mask == 0:
                        taken.add(number)
                        growth.nodes.append(node)
                        if node.diagonal:
                            growth.work += _WORK_DIAGONAL
                        elif len(node.wires) == 1:
                            growth.work += _WORK_ONE_WIRE
                        else:
                            growth.work += _WORK_MATRIX
                        stack.extend([other for other in node.wires if other != wire])
                    elif ready and node.diagonal and self._at_start(growth, node, base):
                        taken.add(number)
                        growth.set_aside.append(node)
                        stack.extend([o for o in node.wires if o != wire and mask >> o & 1])
                    else:
                        left = True
                        blocked.append(node)
                if left:
                    break
                at[wire] += 1
        growth.blocked = blocked

    def _at_start(self, growth: _Growth, node: Node, base: list[int]) -> bool:
        """Whether nothing of the cluster on the node's wires must come before it."""
        at = growth.at
        return all(at[wire] == base[wire] for wire in node.wires)

    def _take(self, growth: _Growth, pieces: list[Piece]) -> None:
        """Make ``growth`` a cluster, with the diagonals before it that it really needs."""
        reached = {}  # wire → the last segment from which the cluster took a matrix
        for node in growth.nodes:
            if not node.diagonal:
                for wire, segment in zip(node.wires, node.segments, strict=True):
                    reached[wire] = max(reached.get(wire, -1), segment)
        for node in growth.set_aside:
            if any(
                segment < reached.get(wire, -1)
                for wire, segment in zip(node.wires, node.segments, strict=True)
            ):
                self.finish(node)
                pieces.append(node)
        for node in growth.nodes:
            self.finish(node)
        pieces.append(_cluster(growth))

    def finish(self, node: Node) -> None:
        """Count ``node`` as applied."""
        self.done[node.number] = True
        done, at = self.done, self.at
        for wire in node.wires:
            line = self.lines[wire]
            while at[wire] < len(line):
                if all(done[other.number] for other in line[at[wire]]):
                    at[wire] += 1
                else:
                    break


def _cluster(growth: _Growth) -> Cluster:
    wires = tuple([w for w in range(growth.mask.bit_length()) if growth.mask >> w & 1])
    return Cluster(wires, growth.mask, growth.nodes)
