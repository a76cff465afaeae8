"""Passes: which clusters share a tile, and where the diagonals between them go.

A tile holds few wires, so the clusters of a plan are dealt out to passes: each pass takes, of what
is ready, the cluster that adds the fewest wires, until none fits. A diagonal that was set aside
waits until a cluster behind it is taken, and then

- becomes part of a matrix, where its wires in the tile lie inside one cluster (its other wires
  are the same all over the tile: they make it a phase that depends on the tile);
- otherwise goes, with all that are due at that moment, into one table that is multiplied once.
"""

from __future__ import annotations

from collections.abc import Sequence

from simquay.planning.dense.clusters import Cluster, Piece
from simquay.planning.dense.fusion import GateNode
from simquay.program.bits import bits_of

__all__ = ["DiagonalTable", "PassAssigner", "PassContents", "PlacedCluster"]

_FIRSTS = 3
"""How many clusters are tried as the first of a pass."""


class PlacedCluster:
    """A cluster in a pass, with the diagonals that its matrix takes in.

    ``nodes`` are those of the matrix itself; ``outer_before`` and ``outer_after`` diagonals
    with wires outside the tile, before and after it.
    """

    __slots__ = ("mask", "nodes", "outer_after", "outer_before", "wires")

    def __init__(self, cluster: Cluster) -> None:
        self.wires = cluster.wires
        self.mask = cluster.mask
        self.nodes = cluster.nodes
        self.outer_before: list[GateNode] = []
        self.outer_after: list[GateNode] = []

    def take_in(self, node: GateNode, tile: int, *, after: bool) -> None:
        """Make a diagonal part of this matrix; its wires in the tile are all the cluster's."""
        if node.mask & ~tile:
            (self.outer_after if after else self.outer_before).append(node)
        elif after:
            self.nodes.append(node)
        else:
            self.nodes.insert(0, node)


class DiagonalTable:
    """Diagonals that are applied between two clusters of a pass, some with outer wires."""

    __slots__ = ("nodes",)

    def __init__(self, nodes: list[GateNode]) -> None:
        self.nodes = nodes


class PassContents:
    """What a pass applies, in order, and the wires of its tile (a mask)."""

    __slots__ = ("steps", "tile")

    def __init__(self, tile: int, steps: list[PlacedCluster | DiagonalTable]) -> None:
        self.tile = tile
        self.steps = steps


class PassAssigner:
    """Deals pieces out to passes, one at a time, since each pass fixes the next one's low wires.

    False when nothing is left. Sets of pieces are masks: bit ``n`` is piece number ``n``.
    """

    def __init__(self, pieces: Sequence[Piece], tile: int) -> None:
        self._pieces = pieces
        self._tile = tile
        self._left = (1 << len(pieces)) - 1
        self._clusters = [n for n, piece in enumerate(pieces) if isinstance(piece, Cluster)]
        self._before: list[int] = []  # what must come before each piece
        self._wide = 0
        last: dict[int, int] = {}
        diagonals: dict[int, int] = {}
        for number, piece in enumerate(pieces):
            before = 0
            own = 1 << number
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
        for number in self._clusters:
            self._solid |= 1 << number

    def __bool__(self) -> bool:
        return bool(self._left)

    def next_uses(self) -> dict[int, int]:
        """When each wire is needed by the clusters that are left, counted in clusters."""
        uses: dict[int, int] = {}
        for count, number in enumerate(self._clusters):
            for wire in self._pieces[number].wires:
                uses.setdefault(wire, count)
        return uses

    def next_lone(self) -> GateNode | None:
        """A wide node that is due now: it is a pass by itself."""
        for number in bits_of(self._left & self._wide):
            piece = self._pieces[number]
            if isinstance(piece, GateNode) and not self._before[number] & self._left:
                self._left &= ~(1 << number)
                return piece
        return None

    def next_tile(self, low: int, padding: Sequence[int]) -> PassContents:
        """The next pass, whose tile holds the wires ``low`` (a mask).

        Where the clusters do not fill the tile, wires of ``padding`` do, the first first.
        """
        tile, chosen = self._choose(low)
        if not chosen and low:
            # Nothing fits beside the lowest wires: this load moves shorter runs.
            tile, chosen = self._choose(0)
        taken: list[tuple[Cluster, list[GateNode]]] = []
        for number, due in chosen:
            self._left &= ~(due | 1 << number)
            self._clusters.remove(number)
            cluster = self._pieces[number]
            assert isinstance(cluster, Cluster)
            nodes = [self._pieces[n] for n in bits_of(due)]
            taken.append((cluster, [node for node in nodes if isinstance(node, GateNode)]))
        if not taken:
            for number in self._free_diagonals():
                mask = self._pieces[number].mask
                if (tile | mask).bit_count() <= self._tile:
                    tile |= mask
        for wire in padding:
            if tile.bit_count() == self._tile:
                break
            tile |= 1 << wire
        steps = _place(_reordered(taken, low), tile)
        self._place_behind(steps, tile)
        if not self._clusters or not taken:
            self._place_last(steps, tile)
        return PassContents(tile, steps)

    def _choose(self, tile: int) -> tuple[int, list[tuple[int, int]]]:
        """Clusters for a tile that holds the wires ``tile``, each with the diagonals due before it.

        Several are tried as the first one; what comes after is by the fewest new wires.
        """
        best: list[tuple[int, int]] = []
        best_tile = tile
        firsts: list[int] = []
        for number in self._clusters:
            fits = (self._pieces[number].mask | tile).bit_count() <= self._tile
            if fits and self._due(number, self._left) is not None:
                firsts.append(number)
                if len(firsts) == _FIRSTS:
                    break
        for first in firsts:
            wires, chosen = self._fill(tile, first)
            if len(chosen) > len(best):
                best_tile, best = wires, chosen
            if len(best) == len(self._clusters):
                break
        return best_tile, best

    def _fill(self, tile: int, first: int) -> tuple[int, list[tuple[int, int]]]:
        """Take the cluster ``first``, then others until none fits."""
        pieces, left = self._pieces, self._left
        waiting = self._clusters.copy()
        chosen: list[tuple[int, int]] = []
        number = first
        while number >= 0:
            due = self._due(number, left)
            assert due is not None
            tile |= pieces[number].mask
            left &= ~(due | 1 << number)
            waiting.remove(number)
            chosen.append((number, due))
            number = -1
            fewest = self._tile - tile.bit_count() + 1
            seen = 0  # wires of clusters that must wait: those behind them on these must, too
            for other in waiting:
                mask = pieces[other].mask
                if not mask & seen:
                    new = (mask & ~tile).bit_count()
                    if new < fewest and self._due(other, left) is not None:
                        number, fewest = other, new
                        if not new:
                            break
                seen |= mask
        return tile, chosen

    def _due(self, number: int, left: int) -> int | None:
        """The diagonals that must be applied just before a cluster, if nothing else must."""
        due = self._before[number] & left
        if not due:
            return 0
        if due & self._solid:
            return None
        for other in bits_of(due):
            if self._before[other] & left:
                return None
        return due

    def _free_diagonals(self) -> list[int]:
        return [
            number
            for number in bits_of(self._left & ~self._solid)
            if not self._before[number] & self._left
        ]

    def _place_behind(self, steps: list[PlacedCluster | DiagonalTable], tile: int) -> None:
        """Let the matrices of this pass take in diagonals behind them: these cost nothing."""
        for number in self._free_diagonals():
            node = self._pieces[number]
            assert isinstance(node, GateNode)
            inside = node.mask & tile
            if not inside:
                continue
            for step in reversed(steps):
                if isinstance(step, PlacedCluster) and step.mask & inside:
                    if inside & ~step.mask == 0:
                        step.take_in(node, tile, after=True)
                        self._left &= ~(1 << number)
                    break

    def _place_last(self, steps: list[PlacedCluster | DiagonalTable], tile: int) -> None:
        """Diagonals that no cluster is behind, or that only hold up a wide node: a table."""
        nodes: list[GateNode] = []
        for number in self._free_diagonals():
            node = self._pieces[number]
            assert isinstance(node, GateNode)
            if node.mask & tile:
                nodes.append(node)
                self._left &= ~(1 << number)
        if nodes:
            steps.append(DiagonalTable(nodes))


def _reordered(
    taken: Sequence[tuple[Cluster, list[GateNode]]], low: int
) -> list[tuple[Cluster, list[GateNode]]]:
    """The same clusters, those that need the lowest wires as late as dependencies allow.

    The lowest wires are the columns of the first products: a cluster on them is in the way.
    """
    reach = []
    for cluster, due in taken:
        mask = cluster.mask
        for node in due:
            mask |= node.mask
        reach.append(mask)
    left = list(range(len(taken)))
    order = []
    while left:
        chosen = -1
        for place, number in enumerate(left):
            own = taken[number][0].mask
            if any(
                own & reach[other] or reach[number] & taken[other][0].mask for other in left[:place]
            ):
                continue
            if chosen < 0:
                chosen = number
            if not own & low:
                chosen = number
                break
        left.remove(chosen)
        order.append(taken[chosen])
    return order


def _place(
    taken: Sequence[tuple[Cluster, list[GateNode]]], tile: int
) -> list[PlacedCluster | DiagonalTable]:
    """Steps for clusters and the diagonals due before each."""
    steps: list[PlacedCluster | DiagonalTable] = []
    for cluster, due in taken:
        slot = PlacedCluster(cluster)
        across: list[GateNode] = []
        for node in due:
            inside = node.mask & tile
            if inside & ~slot.mask == 0:
                slot.take_in(node, tile, after=False)
                continue
            # It may lie inside the matrix that was last on its wires.
            for step in reversed(steps):
                if isinstance(step, PlacedCluster) and step.mask & inside:
                    if inside & ~step.mask == 0:
                        step.take_in(node, tile, after=True)
                    else:
                        across.append(node)
                    break
            else:
                across.append(node)
        if across:
            steps.append(DiagonalTable(across))
        steps.append(slot)
    return steps
