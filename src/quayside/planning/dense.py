"""The ``dense`` strategy: clusters become matrices, and passes apply them in cached tiles.

Planning has two halves. :func:`find_dense` looks at the structure alone (kinds of gates and
their wires) and decides everything but numbers; :meth:`DenseRecipe.fill` computes the matrices
for given gates. The same gates with other angles need only the second half again.
"""

from __future__ import annotations

from collections.abc import Sequence

from quayside.errors import ProgramError
from quayside.planning.cost import cluster_costs
from quayside.planning.dense_clusters import find_pieces
from quayside.planning.dense_layout import find_orders
from quayside.planning.dense_matrix import Matrices
from quayside.planning.dense_order import numbers_in
from quayside.planning.dense_passes import Dealer, Slot, Table, TilePieces
from quayside.planning.dense_recipe import (
    ClusterPassRecipe,
    DenseRecipe,
    LoneRecipe,
    PassRecipe,
    PermuteRecipe,
    PhaseRecipe,
    ProductRecipe,
    StartRecipe,
    TableRecipe,
)
from quayside.planning.dense_table import Diagonals
from quayside.planning.fuse import Node, fuse
from quayside.planning.plan import Layout, Plan, Profile
from quayside.program.operations import GateOperation

__all__ = ["find_dense"]

_OUTER_WIRES = 6
"""The most outer wires of one phase table: a table for each tile of them is kept."""


def find_dense(
    gates: Sequence[GateOperation], layout: Layout, profile: Profile
) -> tuple[DenseRecipe, Plan]:
    """The recipe for gates like these, and the plan for these.

    Raises:
        ProgramError: if clusters may be wider than a tile.
    """
    if not 1 <= profile.width <= profile.tile:
        raise ProgramError(
            f"a dense profile needs 1 <= width <= tile, not {profile.width} and {profile.tile}"
        )
    recipe = _find_recipe(gates, layout, profile)
    return recipe, recipe.fill(gates)


def _find_recipe(gates: Sequence[GateOperation], layout: Layout, profile: Profile) -> DenseRecipe:
    """The structure of a dense plan.

    ``profile.width`` is the most wires of a cluster, ``profile.tile`` of a tile; ``profile.low``
    of the lowest storage bits should be in every tile.
    """
    fused = fuse(
        gates,
        layout,
        widest=min(4, profile.width),
        widest_diagonal=min(6, profile.tile),
    )
    costs = cluster_costs(profile)
    order = layout.order
    passes: list[PassRecipe] = []
    scalars = fused.scalars
    start, pieces = find_pieces(fused.nodes, costs, 0 if order else profile.start)
    builder = _PassBuilder(gates, costs, order, passes, profile)
    if start is not None:
        items = [*scalars, *(item for node in start.nodes for item in node.items)]
        builder.matrices.add_start(items, start.wires)
        passes.append(StartRecipe(start.wires, len(items)))
        builder.order = start.wires
    else:
        passes.extend([LoneRecipe(item, order, 0) for item in scalars])
    dealer = Dealer(pieces, profile.tile)
    while dealer:
        lone = dealer.next_lone()
        if lone is not None:
            builder.add_wide(lone)
        else:
            low = 0
            for wire in builder.order[: min(profile.low, profile.tile)]:
                low |= 1 << wire
            builder.add_tile(dealer.next_tile(low, builder.order), dealer.next_uses())
    carries = fused.carries
    final = Layout(tuple([carries.get(wire, wire) for wire in builder.order]))
    matrices, diagonals = builder.matrices, builder.diagonals
    return DenseRecipe(
        profile,
        layout,
        final,
        tuple(passes),
        matrices.values,
        matrices.recipes(),
        diagonals.recipes(),
    )


class _PassBuilder:
    """Turns the pieces of passes into recipes, and keeps the storage order."""

    def __init__(
        self,
        gates: Sequence[GateOperation],
        costs: Sequence[float],
        order: tuple[int, ...],
        passes: list[PassRecipe],
        profile: Profile,
    ) -> None:
        self.matrices = Matrices(gates)
        self.diagonals = Diagonals(self.matrices.values.offsets)
        self.costs = costs
        self.order = order
        self.passes = passes
        self.profile = profile

    def add_wide(self, node: Node) -> None:
        stored = set(self.order)
        for item in node.items:
            _, kind, wires, _, _, _ = item
            new = [wire for wire in wires if wire not in stored] if kind != "d" else []
            self.order = (*self.order, *new)
            stored.update(new)
            self.passes.append(LoneRecipe(item, self.order, len(new)))

    def add_tile(self, pieces: TilePieces, later: dict[int, int]) -> None:
        tile = pieces.tile
        stored = set(self.order)
        new = [w for w in range(tile.bit_length()) if tile >> w & 1 and w not in stored]
        before = (*self.order, *new)
        active = [wire for wire in before if tile >> wire & 1]
        low = 0
        limit = min(self.profile.low, len(self.order), len(active))
        while low < limit and before[low] == active[low]:
            low += 1
        slots = [step for step in pieces.steps if isinstance(step, Slot)]
        orders = find_orders([slot.wires for slot in slots], active, low, later, self.costs)
        steps: list[ProductRecipe | TableRecipe | PermuteRecipe] = []
        order = orders.loaded
        moves = iter(orders.moves)
        for step in pieces.steps:
            if isinstance(step, Table):
                steps.extend(self._tables(step, tile, order))
                continue
            for move in moves:
                if not move.permutes:
                    break
                steps.append(PermuteRecipe(move.before, move.after))
            steps.append(self._product(step, tile, move.columns, move.before, move.after))
            order = move.after
        places = [position for position, wire in enumerate(before) if tile >> wire & 1]
        after = list(before)
        for position, wire in zip(places, order, strict=True):
            after[position] = wire
        self.passes.append(
            ClusterPassRecipe(
                before, len(new), orders.loaded, tuple(steps), tuple(after), orders.keep
            )
        )
        self.order = tuple(after)

    def _product(
        self,
        slot: Slot,
        tile: int,
        columns: tuple[int, ...],
        before: tuple[int, ...],
        after: tuple[int, ...],
    ) -> ProductRecipe:
        inside = set(slot.wires)
        wires = tuple([w for w in before if w in inside])
        result = tuple([w for w in after if w in inside])
        phases_before = self._phases(slot.outer_before, tile, wires)
        phases_after = self._phases(slot.outer_after, tile, result)
        outer = sum([phase.gates for phase in (*phases_before, *phases_after)])
        return ProductRecipe(
            self.matrices.add(slot.items, wires, result),
            wires,
            result,
            columns,
            before,
            after,
            phases_before,
            phases_after,
            len(slot.items) + outer,
        )

    def _tables(self, table: Table, tile: int, order: tuple[int, ...]) -> list[TableRecipe]:
        """One step for the diagonals inside the tile, and one for each group of outer ones."""
        inner = [node for node in table.nodes if not node.mask & ~tile]
        steps = []
        if inner:
            items = [item for node in inner for item in node.items]
            wires = _span(inner, tile, order)
            steps.append(
                TableRecipe(self.diagonals.add(items, wires), wires, order, (), len(items))
            )
        groups: list[list[Node]] = []
        for node in table.nodes:
            if not node.mask & ~tile:
                continue
            for group in groups:
                if len(_span([*group, node], tile, order)) <= _OUTER_WIRES:
                    group.append(node)
                    break
            else:
                groups.append([node])
        for group in groups:
            wires = _span(group, tile, order)
            phases = self._phases(group, tile, wires)
            count = sum([phase.gates for phase in phases])
            steps.append(TableRecipe(self.diagonals.add((), wires), wires, order, phases, count))
        return steps

    def _phases(
        self, nodes: Sequence[Node], tile: int, wires: tuple[int, ...]
    ) -> tuple[PhaseRecipe, ...]:
        """Phases by tile for ``nodes``, in groups of few outer wires."""
        groups: list[tuple[int, list[Node]]] = []
        for node in nodes:
            outer = node.mask & ~tile
            for place, (mask, members) in enumerate(groups):
                if (mask | outer).bit_count() <= max(_OUTER_WIRES, outer.bit_count()):
                    groups[place] = (mask | outer, [*members, node])
                    break
            else:
                groups.append((outer, [node]))
        phases = []
        for mask, members in groups:
            outside = tuple(numbers_in(mask))
            items = [item for node in members for item in node.items]
            table = self.diagonals.add(items, wires + outside)
            phases.append(PhaseRecipe(outside, table, len(items)))
        return tuple(phases)


def _span(nodes: Sequence[Node], tile: int, order: tuple[int, ...]) -> tuple[int, ...]:
    """The shortest run of neighbours in ``order`` that holds all the nodes' wires in the tile."""
    mask = 0
    for node in nodes:
        mask |= node.mask
    mask &= tile
    places = [place for place, wire in enumerate(order) if mask >> wire & 1]
    low, high = places[0], places[-1]
    if low < 4:
        low = 0  # short runs of equal factors cost more than a longer table
    return order[low : high + 1]
