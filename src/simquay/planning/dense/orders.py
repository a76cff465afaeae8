"""The order of a tile's wires in the buffer, from one matrix product to the next.

A product needs its own wires to be adjacent, and a run of other wires as *columns*: the lowest
wires of the buffer, or any adjacent ones if the product's own wires are lowest. Either of the two
may be lowest before the product and either after it: BLAS reads and writes both at the same speed.
All other wires may change their order at no cost. So each product can order the buffer for the next
one.

The choice at each product is which of the two is lowest afterwards. As in Belady's rule for caches,
the lowest wires should be those that are needed latest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from simquay.planning.dense.clusters import Cluster, Part
from simquay.planning.dense.cost import PERMUTE_COST

__all__ = ["Move", "column_factor", "column_limit", "find_orders"]

_COLUMN_FACTORS = (6.0, 3.2, 1.9, 1.3, 1.08, 1.0)
"""The time of a product with ``2**q`` columns, relative to one with 32 or more."""

_LATE = 1 << 30


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
    """A step of a pass, without numbers: a part, and the order of the buffer before and after it.

    Attributes:
        part: a cluster, whose product is made; diagonals, which are applied as one table and move
            nothing; or None, where the buffer is only permuted.
        columns: of a product, the run of wires that is its free dimension.
        before, after: the orders.
    """

    part: Part | None
    columns: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]


def find_orders(
    parts: Sequence[Part],
    stored: Sequence[int],
    low: int,
    later: Mapping[int, int],
    costs: Sequence[float],
) -> tuple[tuple[int, ...], int, list[Move]]:
    """Orders for applying ``parts`` one after the other in one tile.

    Args:
        parts: clusters, and diagonals between them.
        stored: the tile's wires as they are in storage, lowest first.
        low: the lowest ``low`` of them are adjacent in storage.
        later: when a wire is needed after this pass, in clusters; absent for never.
        costs: the cost of a cluster by its width.

    Returns:
        The order of the buffer when the tile is loaded; how many of the lowest wires are loaded in
        the order of storage; and the steps, in order.
    """
    order = tuple(stored)
    sets = [frozenset(part.wires) for part in parts if isinstance(part, Cluster)]
    if not sets:
        return order, low, [Move(part, (), order, order) for part in parts]
    # uses[i][w]: the first cluster from index i on that needs w.
    count = len(sets)
    after = {w: count + later.get(w, _LATE) for w in stored}
    uses = [after]
    for index in range(count - 1, -1, -1):
        after = {**after, **dict.fromkeys(sets[index], index)}
        uses.append(after)
    uses.reverse()
    first = sets[0]
    keep = next((position for position in range(low) if stored[position] in first), low)
    rest = sorted(stored[keep:], key=lambda w: -uses[0][w])
    idle = [w for w in rest if w not in first]
    own = [w for w in rest if w in first]
    order = (*stored[:keep], *idle, *own)
    permuted: tuple[int, ...] | None = None  # the order that the next product needs
    loaded = order
    if keep < min(3, low):
        # A load of such short runs would be slow: permute in cache instead.
        keep = low
        loaded = (*stored[:low], *[w for w in stored[low:] if w not in first])
        loaded += tuple([w for w in stored[low:] if w in first])
        idle = sorted([w for w in stored if w not in first], key=lambda w: -uses[0][w])
        permuted = (*idle, *own)
        order = loaded
    moves: list[Move] = []
    sets.append(frozenset())
    index = 0
    for part in parts:
        if not isinstance(part, Cluster):
            moves.append(Move(part, (), order, order))
            continue
        if permuted is not None:
            moves.append(Move(None, (), order, permuted))
            order = permuted
        move, permuted = _product(part, order, sets[index + 1], index, uses[index + 1], costs)
        moves.append(move)
        order = move.after
        index += 1
    return loaded, keep, moves


def _product(
    part: Cluster,
    order: tuple[int, ...],
    following: frozenset[int],
    index: int,
    uses: Mapping[int, int],
    costs: Sequence[float],
) -> tuple[Move, tuple[int, ...] | None]:
    """The product of a cluster in a buffer of this ``order``, and the permutation after it or None.

    Args:
        part: cluster number ``index`` of the pass.
        order: the buffer's.
        following: the wires of the next cluster.
        index: of the cluster.
        uses: for each wire, the first cluster after this one that needs it.
        costs: as in :func:`find_orders`.
    """
    cluster = part.wires
    width = len(cluster)
    cost = costs[width]
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
    runs = _column_runs(order, position, width, column_limit(width), following)
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
                value += _product_cost(costs, len(following), free, count)
            if value < best:
                best, columns, after = value, run, way
    permuted: tuple[int, ...] | None = None
    if following:
        # 3. The alternative: any order, and then a permutation for the next product.
        run = max(runs, key=len)
        value = cost * column_factor(len(run)) + PERMUTE_COST
        value += _product_cost(costs, len(following), count - len(following), count)
        if value < best:
            columns = run
            after = run + own
            after += [wire for wire in order if wire not in run and wire not in cluster]
            others = [wire for wire in order if wire not in following]
            others.sort(key=uses.__getitem__, reverse=True)
            permuted = (*others, *[wire for wire in order if wire in following])
    return Move(part, tuple(columns), order, tuple(after)), permuted


def _product_cost(costs: Sequence[float], width: int, position: int, count: int) -> float:
    """The cost of a product whose first wire is at ``position`` of ``count``."""
    columns = position if position else count - width
    return costs[width] * column_factor(columns)


def _column_runs(
    order: Sequence[int],
    position: int,
    width: int,
    limit: int,
    following: frozenset[int],
) -> list[list[int]]:
    """Runs of wires that may be the columns of a product whose wires begin at ``position``."""
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
