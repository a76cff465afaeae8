"""The order of a tile's wires in the buffer, from one matrix product to the next.

A product needs its own wires to be adjacent, and a run of other wires as *columns*: the lowest
wires of the buffer, or any adjacent ones if the product's own wires are lowest. Either of the two
may be
lowest before the product and either after it: BLAS reads and writes both at the same speed. All
other wires may change their order at no cost. So each product can order the buffer for the next
one.

The choice at each product is which of the two is lowest afterwards. As in Belady's rule for caches,
the lowest wires should be those that are needed latest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from simquay.planning.dense.cost import PERMUTE_COST

__all__ = ["Move", "Orders", "column_factor", "column_limit", "find_orders"]

_COLUMN_FACTORS = (6.0, 3.2, 1.9, 1.3, 1.08, 1.0)
"""The time of a product with ``2**q`` columns, relative to one with 32 or more."""

_LATE = 1 << 30

_NONE: frozenset[int] = frozenset()


def column_limit(width: int) -> int:
    """The most column wires of a product of ``width`` wires.

    OpenBLAS spreads a product of more than 2**16 multiplications over its own threads, which
    would compete with the engine's.
    """
    return max(2, 15 - 2 * width)


def column_factor(columns: int) -> float:
    """The factor by which a product with so many column wires takes longer than its cost."""
    return _COLUMN_FACTORS[min(columns, 5)]


class Move(NamedTuple):
    """A product of the cluster ``cluster`` (an index), or only a permutation of the buffer."""

    cluster: int
    permutes: bool
    columns: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]


class Orders(NamedTuple):
    """The orders of a buffer.

    Attributes:
        loaded: when the tile is loaded.
        keep: how many of the lowest wires are loaded in the order of storage.
        moves: the products and permutations, in order.
    """

    loaded: tuple[int, ...]
    keep: int
    moves: list[Move]


def find_orders(
    clusters: Sequence[tuple[int, ...]],
    stored: Sequence[int],
    low: int,
    later: Mapping[int, int],
    costs: Sequence[float],
) -> Orders:
    """Orders for applying ``clusters`` (their wires) one after the other in one tile.

    Args:
        clusters: the wires of each.
        stored: the tile's wires as they are in storage, lowest first.
        low: the lowest ``low`` of them are adjacent in storage.
        later: when a wire is needed after this pass, in clusters; absent for never.
        costs: the cost of a cluster by its width.
    """
    finder = _Finder(clusters, stored, later, costs)
    return finder.run(list(stored), low)


class _Finder:
    def __init__(
        self,
        clusters: Sequence[tuple[int, ...]],
        wires: Sequence[int],
        later: Mapping[int, int],
        costs: Sequence[float],
    ) -> None:
        self.clusters = clusters
        self.sets = [frozenset(cluster) for cluster in clusters]
        self.costs = costs
        # uses[i][w]: the first cluster from index i on that needs w.
        count = len(clusters)
        after = {w: count + later.get(w, _LATE) for w in wires}
        uses = [after]
        for index in range(count - 1, -1, -1):
            after = dict(after)
            for wire in clusters[index]:
                after[wire] = index
            uses.append(after)
        uses.reverse()
        self.uses = uses

    def run(self, stored: list[int], low: int) -> Orders:
        if not self.clusters:
            return Orders(tuple(stored), low, [])
        uses = self.uses[0]
        first = self.sets[0]
        keep = low
        for position in range(low):
            if stored[position] in first:
                keep = position
                break
        rest = sorted(stored[keep:], key=lambda w: -uses[w])
        order = stored[:keep] + [w for w in rest if w not in first]
        order += [w for w in rest if w in first]
        moves: list[Move] = []
        loaded = order
        if keep < min(3, low):
            # A load of such short runs would be slow: permute in cache instead.
            keep = low
            loaded = stored[:low] + [w for w in stored[low:] if w not in first]
            loaded += [w for w in stored[low:] if w in first]
            idle = sorted((w for w in stored if w not in first), key=lambda w: -uses[w])
            order = idle + [w for w in rest if w in first]
            order += [w for w in stored if w not in order]
            moves.append(Move(-1, True, (), tuple(loaded), tuple(order)))
        for index in range(len(self.clusters)):
            order = self._step(index, order, moves)
        return Orders(tuple(loaded), keep, moves)

    def _step(self, index: int, order: list[int], moves: list[Move]) -> list[int]:
        """Add the product of cluster ``index`` to ``moves``; the order after it."""
        cluster = self.sets[index]
        following = self.sets[index + 1] if index + 1 < len(self.sets) else _NONE
        uses = self.uses[index + 1]
        width = len(cluster)
        cost = self.costs[width]
        count = len(order)
        position = 0
        while order[position] not in cluster:
            position += 1
        # 1. All wires, the latest needed first, by their part in this product and the next.
        tail: list[int] = []
        head: list[int] = []
        idle_wires: list[int] = []
        next_wires: list[int] = []
        for wire in sorted(order, key=uses.__getitem__, reverse=True):
            if wire in cluster:
                (head if wire in following else tail).append(wire)
            else:
                (next_wires if wire in following else idle_wires).append(wire)
        own = tail + head

        # 2. For each run of columns, the orders after the product that suit the next one.
        best = _LATE * 1.0
        columns: list[int] = []
        after: list[int] = []
        runs = self._column_runs(order, position, width, column_limit(width), following)
        for run in runs:
            idle = [wire for wire in idle_wires if wire not in run]
            wanted = [wire for wire in next_wires if wire not in run]
            touching = [wire for wire in run if wire in following]
            ways: list[tuple[int, list[int]]]  # the next product's first position, and the order
            if not touching:
                ways = [(len(run) + len(idle) + len(tail), run + idle + own + wanted)]
                if head:
                    ways.append((len(tail), own + wanted + idle + run))
                else:
                    free = len(own) + len(idle) + len(run)
                    ways.append((free, own + idle + run + wanted))
            elif not head and run[: len(touching)] == touching:
                ways = [(len(own) + len(idle), own + idle + wanted + run)]
            elif run[-len(touching) :] == touching:
                free = len(run) - len(touching)
                ways = [(free, run + wanted + head + tail + idle)]
            else:
                continue
            product = cost * column_factor(len(run))
            for free, way in ways:
                soon = min(map(uses.__getitem__, way[:4])) - index
                value = product + 0.2 * cost / max(soon, 1)
                if following:
                    value += self._product_cost(len(following), free, count)
                if value < best:
                    best, columns, after = value, run, way
        permuted: list[int] | None = None
        if following:
            # 3. The alternative: any order, and then a permutation for the next product.
            run = max(runs, key=len)
            value = cost * column_factor(len(run)) + PERMUTE_COST
            value += self._product_cost(len(following), count - len(following), count)
            if value < best:
                columns = run
                after = run + own
                after += [wire for wire in order if wire not in run and wire not in cluster]
                permuted = [wire for wire in order if wire not in following]
                permuted.sort(key=uses.__getitem__, reverse=True)
                permuted += [wire for wire in order if wire in following]
        moves.append(Move(index, False, tuple(columns), tuple(order), tuple(after)))
        if permuted is not None:
            moves.append(Move(index, True, (), tuple(after), tuple(permuted)))
            after = permuted
        return after

    def _product_cost(self, width: int, position: int, count: int) -> float:
        """The cost of a product whose first wire is at ``position`` of ``count``."""
        columns = position if position else count - width
        return self.costs[width] * column_factor(columns)

    def _column_runs(
        self,
        order: Sequence[int],
        position: int,
        width: int,
        limit: int,
        following: frozenset[int],
    ) -> list[list[int]]:
        """SmallMatrices that may be the columns of a product whose wires begin at ``position``."""
        runs: list[list[int]] = []
        if position:
            full = list(order[: min(position, limit)])
            runs.append(full)
            for bit, wire in enumerate(full):
                if wire in following:
                    if bit:
                        runs.append(full[:bit])
                    break
            return runs
        # The product's own wires are lowest: any adjacent wires above can be the columns. The
        # longest run that the next cluster does not need is best.
        above = list(order[width:])
        if not above:
            return [[]]
        current: list[int] = []
        best: list[int] = []
        for wire in above:
            current = [] if wire in following else [*current, wire]
            if len(current) > len(best):
                best = current
            if len(best) == limit:
                break
        if best:
            runs.append(best)
        runs.append(above[:limit])
        return runs
