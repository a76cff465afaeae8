"""Where the wires of a tile lie in the buffer, from one matrix product to the next.

A product needs its wires to be neighbours, and a block of *columns*: the lowest wires of the
buffer, or any neighbours where the product's own wires are lowest. Whichever of the two blocks is
lowest before and whichever after, BLAS does it at no extra cost, and all other wires change places
for free. So each product can prepare the buffer for the next one.

The choice at each step is what will be lowest: the columns again (``keep``), or the wires of the
product (``rotate``). As with a cache, what is lowest should be what is needed latest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from simquay.planning.dense.cost import PERMUTE_COST

__all__ = ["Move", "Orders", "column_factor", "column_limit", "find_orders"]

_COLUMN_FACTORS = (6.0, 3.2, 1.9, 1.3, 1.08, 1.0)
"""How much slower a product is with ``2**q`` columns than with 32 or more."""

_LATE = 1 << 30

_NONE: frozenset[int] = frozenset()


def column_limit(width: int) -> int:
    """The most column wires of a product of ``width`` wires.

    OpenBLAS spreads a product of more than 2**16 multiplications over its own threads, which
    would compete with the engine's.
    """
    return max(2, 15 - 2 * width)


def column_factor(columns: int) -> float:
    """How much longer a product of so many column wires takes than its cost says."""
    return _COLUMN_FACTORS[min(columns, 5)]


class Move(NamedTuple):
    """One step: a product of the wires of cluster number ``cluster``, or only a permutation."""

    cluster: int
    permutes: bool
    columns: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]


class Orders(NamedTuple):
    """The buffer's order when it is loaded, how many of its lowest wires stay where storage has
    them, and the moves."""

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
        low: the lowest ``low`` of them are neighbours in storage.
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
        # uses[i][w]: the first cluster after number i - 1 that needs w.
        count = len(clusters)
        after = {w: count + later.get(w, _LATE) for w in wires}
        uses = [after]
        for number in range(count - 1, -1, -1):
            after = dict(after)
            for wire in clusters[number]:
                after[wire] = number
            uses.append(after)
        uses.reverse()
        self.uses = uses

    def run(self, stored: list[int], low: int) -> Orders:
        if not self.clusters:
            return Orders(tuple(stored), low, [])
        uses = self.uses[0]
        first = self.sets[0]
        keep = low
        for place in range(low):
            if stored[place] in first:
                keep = place
                break
        rest = sorted(stored[keep:], key=lambda w: -uses[w])
        order = stored[:keep] + [w for w in rest if w not in first]
        order += [w for w in rest if w in first]
        moves: list[Move] = []
        loaded = order
        if keep < min(3, low):
            # A load that keeps so little would be slow: better to permute in cache.
            keep = low
            loaded = stored[:low] + [w for w in stored[low:] if w not in first]
            loaded += [w for w in stored[low:] if w in first]
            calm = sorted((w for w in stored if w not in first), key=lambda w: -uses[w])
            order = calm + [w for w in rest if w in first]
            order += [w for w in stored if w not in order]
            moves.append(Move(-1, True, (), tuple(loaded), tuple(order)))
        for number in range(len(self.clusters)):
            order = self._step(number, order, moves)
        return Orders(tuple(loaded), keep, moves)

    def _step(self, number: int, order: list[int], moves: list[Move]) -> list[int]:
        """Add the product of cluster ``number`` to ``moves``; the order after it."""
        cluster = self.sets[number]
        following = self.sets[number + 1] if number + 1 < len(self.sets) else _NONE
        uses = self.uses[number + 1]
        width = len(cluster)
        cost = self.costs[width]
        count = len(order)
        place = 0
        while order[place] not in cluster:
            place += 1
        # All wires, the latest needed first, by what they are to this product and the next.
        tail: list[int] = []
        head: list[int] = []
        calm_ones: list[int] = []
        wanted_ones: list[int] = []
        for wire in sorted(order, key=uses.__getitem__, reverse=True):
            if wire in cluster:
                (head if wire in following else tail).append(wire)
            else:
                (wanted_ones if wire in following else calm_ones).append(wire)
        own = tail + head

        best = _LATE * 1.0
        columns: list[int] = []
        after: list[int] = []
        blocks = self._column_blocks(order, place, width, column_limit(width), following)
        for block in blocks:
            calm = [wire for wire in calm_ones if wire not in block]
            wanted = [wire for wire in wanted_ones if wire not in block]
            touching = [wire for wire in block if wire in following]
            ways: list[tuple[int, list[int]]]  # the first wire of the next product, and the order
            if not touching:
                ways = [(len(block) + len(calm) + len(tail), block + calm + own + wanted)]
                if head:
                    ways.append((len(tail), own + wanted + calm + block))
                else:
                    free = len(own) + len(calm) + len(block)
                    ways.append((free, own + calm + block + wanted))
            elif not head and block[: len(touching)] == touching:
                ways = [(len(own) + len(calm), own + calm + wanted + block)]
            elif block[-len(touching) :] == touching:
                free = len(block) - len(touching)
                ways = [(free, block + wanted + head + tail + calm)]
            else:
                continue
            product = cost * column_factor(len(block))
            for free, way in ways:
                soon = min(map(uses.__getitem__, way[:4])) - number
                value = product + 0.2 * cost / max(soon, 1)
                if following:
                    value += self._product_cost(len(following), free, count)
                if value < best:
                    best, columns, after = value, block, way
        permuted: list[int] | None = None
        if following:
            # Another way: whatever the product gives, and then a step that puts all in order.
            block = max(blocks, key=len)
            value = cost * column_factor(len(block)) + PERMUTE_COST
            value += self._product_cost(len(following), count - len(following), count)
            if value < best:
                columns = block
                after = block + own
                after += [wire for wire in order if wire not in block and wire not in cluster]
                permuted = [wire for wire in order if wire not in following]
                permuted.sort(key=uses.__getitem__, reverse=True)
                permuted += [wire for wire in order if wire in following]
        moves.append(Move(number, False, tuple(columns), tuple(order), tuple(after)))
        if permuted is not None:
            moves.append(Move(number, True, (), tuple(after), tuple(permuted)))
            after = permuted
        return after

    def _product_cost(self, width: int, place: int, count: int) -> float:
        """The cost of a product whose first wire is at ``place`` of ``count``."""
        columns = place if place else count - width
        return self.costs[width] * column_factor(columns)

    def _column_blocks(
        self,
        order: Sequence[int],
        place: int,
        width: int,
        limit: int,
        following: frozenset[int],
    ) -> list[list[int]]:
        """SmallMatrices that may be the columns of a product whose wires begin at ``place``."""
        blocks: list[list[int]] = []
        if place:
            full = list(order[: min(place, limit)])
            blocks.append(full)
            for bit, wire in enumerate(full):
                if wire in following:
                    if bit:
                        blocks.append(full[:bit])
                    break
            return blocks
        # The product's own wires are lowest: any neighbours above will do. The longest run that
        # the next cluster does not need is best.
        above = list(order[width:])
        if not above:
            return [[]]
        run: list[int] = []
        best: list[int] = []
        for wire in above:
            run = [] if wire in following else [*run, wire]
            if len(run) > len(best):
                best = run
            if len(best) == limit:
                break
        if best:
            blocks.append(best)
        blocks.append(above[:limit])
        return blocks
