"""Assignment of clusters to passes, and of the diagonals between them.

A tile holds few wires, so the clusters of a plan are divided into passes. A pass takes one cluster
after the other: of those that are ready, the one that adds the fewest wires, until none fits. A
diagonal that was set aside waits until a cluster that depends on it is taken. Then

- it becomes part of a matrix, if its wires in the tile lie inside one cluster (its other wires are
  constant in a tile, and make it a phase that differs from tile to tile);
- otherwise all that are due at that moment become one table, which is multiplied once.

The result is a candidate plan: passes and orders of the buffer, with their cost, without matrices.
Where a run is long, several candidates are made, and only the cheapest one's matrices are computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from simquay.planning.dense.clusters import Cluster, Part, Piece
from simquay.planning.dense.cost import (
    DIAGONAL_COST,
    MOVE_COST,
    PERMUTE_COST,
    PHASE_COST,
    cluster_costs,
)
from simquay.planning.dense.fusion import GateNode, union_of
from simquay.planning.dense.orders import Move, column_factor, find_orders
from simquay.planning.profile import Profile
from simquay.planning.wires import WireGate
from simquay.program.bits import bits_of, mask_of

__all__ = ["CandidateLonePass", "CandidatePlan", "CandidateTilePass", "PassAssigner"]

_FIRSTS = 3
"""So many clusters are tried as the first of a pass."""


class PassAssigner:
    """Assigns pieces to passes, one pass at a time: each fixes the lowest wires of the next.

    False when no piece is left. Sets of pieces are integers: bit ``n`` stands for piece ``n``.
    """

    def __init__(self, pieces: Sequence[Piece], tile: int) -> None:
        self._pieces = pieces
        self._tile = tile
        self._left = (1 << len(pieces)) - 1
        self._clusters = [n for n, piece in enumerate(pieces) if isinstance(piece, Cluster)]
        self._before: list[int] = []  # for each piece, those just before it on its wires
        self._wide = 0
        last: dict[int, int] = {}
        diagonals: dict[int, int] = {}
        for index, piece in enumerate(pieces):
            before = 0
            own = 1 << index
            diagonal = isinstance(piece, GateNode) and piece.diagonal
            if isinstance(piece, GateNode) and piece.wide:
                self._wide |= own
            for wire in piece.wires:
                before |= last.get(wire, 0)
                if diagonal:
                    diagonals[wire] = diagonals.get(wire, 0) | own
                else:
                    before |= diagonals.pop(wire, 0)
                    last[wire] = own
            self._before.append(before)
        # Clusters and wide nodes: these are not applied along with a cluster.
        self._solid = self._wide
        for index in self._clusters:
            self._solid |= 1 << index

    def __bool__(self) -> bool:
        return bool(self._left)

    def next_uses(self) -> dict[int, int]:
        """For each wire, how many of the clusters left come before the first that needs it."""
        uses: dict[int, int] = {}
        for count, index in enumerate(self._clusters):
            for wire in self._pieces[index].wires:
                uses.setdefault(wire, count)
        return uses

    def next_lone(self) -> GateNode | None:
        """A wide node that is ready, or None. It is a pass by itself."""
        for index in bits_of(self._left & self._wide):
            piece = self._pieces[index]
            if isinstance(piece, GateNode) and not self._before[index] & self._left:
                self._left &= ~(1 << index)
                return piece
        return None

    def next_tile(self, low: int, padding: Sequence[int]) -> tuple[int, list[Part]]:
        """The next pass: the wires of its tile (a mask), and its parts in order.

        The tile holds the wires ``low`` (a mask). Where clusters do not fill it, wires of
        ``padding`` do, in their order.
        """
        tile, chosen = self._choose(low)
        if not chosen and low:
            # No cluster fits with the lowest wires: load shorter runs.
            tile, chosen = self._choose(0)
        taken: list[tuple[Cluster, list[GateNode]]] = []
        for index, due in chosen:
            self._left &= ~(due | 1 << index)
            self._clusters.remove(index)
            cluster = self._pieces[index]
            assert isinstance(cluster, Cluster)
            nodes = [self._pieces[n] for n in bits_of(due)]
            taken.append((cluster, [node for node in nodes if isinstance(node, GateNode)]))
        if not taken:
            for _, node in self._free_diagonals():
                if (tile | node.mask).bit_count() <= self._tile:
                    tile |= node.mask
        for wire in padding:
            if tile.bit_count() == self._tile:
                break
            tile |= 1 << wire
        parts = _arranged(_reordered(taken, low), tile)
        self._add_behind(parts, tile)
        if not self._clusters or not taken:
            self._add_last(parts, tile)
        return tile, parts

    def _choose(self, tile: int) -> tuple[int, list[tuple[int, int]]]:
        """A tile that holds the wires ``tile``; its clusters, with the diagonals due before each.

        Several clusters are tried as the first; then comes the one with the fewest new wires.
        """
        best: list[tuple[int, int]] = []
        best_tile = tile
        firsts = (
            index
            for index in self._clusters
            if (self._pieces[index].mask | tile).bit_count() <= self._tile
            and self._due(index, self._left) is not None
        )
        for first in islice(firsts, _FIRSTS):
            wires, chosen = self._fill(tile, first)
            if len(chosen) > len(best):
                best_tile, best = wires, chosen
            if len(best) == len(self._clusters):
                break
        return best_tile, best

    def _fill(self, tile: int, first: int) -> tuple[int, list[tuple[int, int]]]:
        """The wires and clusters of a tile that takes ``first``, then others until none fits."""
        pieces, left = self._pieces, self._left
        waiting = self._clusters.copy()
        chosen: list[tuple[int, int]] = []
        index = first
        while index >= 0:
            due = self._due(index, left)
            assert due is not None
            tile |= pieces[index].mask
            left &= ~(due | 1 << index)
            waiting.remove(index)
            chosen.append((index, due))
            index = -1
            fewest = self._tile - tile.bit_count() + 1
            seen = 0  # wires of clusters that must wait: later clusters on them wait, too
            for other in waiting:
                mask = pieces[other].mask
                if not mask & seen:
                    new = (mask & ~tile).bit_count()
                    if new < fewest and self._due(other, left) is not None:
                        index, fewest = other, new
                        if not new:
                            break
                seen |= mask
        return tile, chosen

    def _due(self, index: int, left: int) -> int | None:
        """The diagonals that must come just before a cluster; None if another piece must, too."""
        due = self._before[index] & left
        if not due:
            return 0
        if due & self._solid:
            return None
        for other in bits_of(due):
            if self._before[other] & left:
                return None
        return due

    def _free_diagonals(self) -> list[tuple[int, GateNode]]:
        """The diagonals that are ready, each with its index."""
        found = []
        for index in bits_of(self._left & ~self._solid):
            node = self._pieces[index]
            if isinstance(node, GateNode) and not self._before[index] & self._left:
                found.append((index, node))
        return found

    def _add_behind(self, parts: list[Part], tile: int) -> None:
        """Let the matrices of this pass take in ready diagonals after them, which costs nothing."""
        for index, node in self._free_diagonals():
            cluster = _last_around(parts, node.mask & tile)
            if cluster is not None:
                cluster.take_in(node, tile, after=True)
                self._left &= ~(1 << index)

    def _add_last(self, parts: list[Part], tile: int) -> None:
        """Add a table of the ready diagonals: no cluster, or only a wide node, waits for them."""
        ready = [(index, node) for index, node in self._free_diagonals() if node.mask & tile]
        if ready:
            self._left &= ~mask_of([index for index, _ in ready])
            parts.append([node for _, node in ready])


def _reordered(
    taken: Sequence[tuple[Cluster, list[GateNode]]], low: int
) -> list[tuple[Cluster, list[GateNode]]]:
    """The same clusters; those on the wires ``low`` come as late as dependencies allow.

    The lowest wires serve as columns of the first products, unless they are wires of the cluster.
    """
    reach = [cluster.mask | union_of(due) for cluster, due in taken]
    left = list(range(len(taken)))
    order = []
    while left:
        chosen = -1
        for position, index in enumerate(left):
            own = taken[index][0].mask
            if any(
                own & reach[other] or reach[index] & taken[other][0].mask
                for other in left[:position]
            ):
                continue
            if chosen < 0:
                chosen = index
            if not own & low:
                chosen = index
                break
        left.remove(chosen)
        order.append(taken[chosen])
    return order


def _arranged(taken: Sequence[tuple[Cluster, list[GateNode]]], tile: int) -> list[Part]:
    """The parts of a pass: clusters, and the diagonals due before each."""
    parts: list[Part] = []
    for cluster, due in taken:
        across: list[GateNode] = []
        for node in due:
            inside = node.mask & tile
            if not inside & ~cluster.mask:
                cluster.take_in(node, tile, after=False)
            elif last := _last_around(parts, inside):
                last.take_in(node, tile, after=True)
            else:
                across.append(node)
        if across:
            parts.append(across)
        parts.append(cluster)
    return parts


def _last_around(parts: Sequence[Part], wires: int) -> Cluster | None:
    """The last cluster on any of ``wires`` (a mask), if it has all of them."""
    for part in reversed(parts):
        if isinstance(part, Cluster) and part.mask & wires:
            return None if wires & ~part.mask else part
    return None


class CandidateTilePass(NamedTuple):
    """A pass over tiles whose wires are ``tile`` (a mask).

    All else is as in :class:`~simquay.planning.dense.steps.ClusterPass`.
    """

    tile: int
    before: tuple[int, ...]
    new: int
    loaded: tuple[int, ...]
    moves: list[Move]
    after: tuple[int, ...]
    keep: int


class CandidateLonePass(NamedTuple):
    """A gate by itself."""

    wire_gate: WireGate
    before: tuple[int, ...]
    new: int


class CandidatePlan:
    """Passes for pieces.

    Attributes:
        start: the cluster at the beginning, or None.
        passes: the passes after it.
        order: the storage order of the final state.
        cost: in nanoseconds of one core of the calibrated machine.
    """

    def __init__(
        self,
        start: Cluster | None,
        pieces: Sequence[Piece],
        order: tuple[int, ...],
        profile: Profile,
    ) -> None:
        self.start = start
        self.passes: list[CandidateTilePass | CandidateLonePass] = []
        self.order = order if start is None else start.wires
        self.cost = 0.0
        self._profile = profile
        self._costs = cluster_costs(profile)
        assigner = PassAssigner(pieces, profile.tile)
        while assigner:
            lone = assigner.next_lone()
            if lone is not None:
                self._add_wide(lone)
                continue
            low = mask_of(self.order[: min(profile.low, profile.tile)])
            tile, parts = assigner.next_tile(low, self.order)
            self._add_tile(tile, parts, assigner.next_uses())

    def _add_wide(self, node: GateNode) -> None:
        (wire_gate,) = node.gates
        new = [wire for wire in wire_gate[2] if wire not in self.order and not node.diagonal]
        self.order = (*self.order, *new)
        self.passes.append(CandidateLonePass(wire_gate, self.order, len(new)))
        self.cost += MOVE_COST * (1 << len(self.order))

    def _add_tile(self, tile: int, parts: Sequence[Part], later: dict[int, int]) -> None:
        # 1. The tile: its new wires go on top of storage.
        stored = set(self.order)
        new = [wire for wire in bits_of(tile) if wire not in stored]
        before = (*self.order, *new)
        active = [wire for wire in before if tile >> wire & 1]
        low = 0
        limit = min(self._profile.low, len(self.order), len(active))
        while low < limit and before[low] == active[low]:
            low += 1
        # 2. The order of the buffer before and after each step.
        loaded, keep, moves = find_orders(parts, active, low, later, self._costs)
        order = iter(moves[-1].after if moves else loaded)
        cost = MOVE_COST
        for part, columns, _, _ in moves:
            if part is None:
                cost += PERMUTE_COST
            elif isinstance(part, Cluster):
                cost += self._costs[len(part.wires)] * column_factor(len(columns))
                cost += PHASE_COST * (bool(part.outer_before) + bool(part.outer_after))
            else:
                cost += DIAGONAL_COST
        # 3. The tile is written back to the storage bits that it came from.
        self.cost += cost * (1 << len(before))
        self.order = tuple([next(order) if tile >> wire & 1 else wire for wire in before])
        self.passes.append(
            CandidateTilePass(tile, before, len(new), loaded, moves, self.order, keep)
        )
