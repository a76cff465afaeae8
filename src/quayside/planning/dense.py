"""The ``dense`` strategy: clusters become matrices, and passes apply them in cached tiles.

Planning has two halves. :func:`find_dense` looks at the structure alone (kinds of gates and
their wires) and decides everything but numbers; :meth:`DenseRecipe.fill` computes the matrices
for given gates. The same gates with other angles need only the second half again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from quayside.errors import ProgramError
from quayside.planning.cost import cluster_costs
from quayside.planning.dense_clusters import find_clusters, find_start
from quayside.planning.dense_layout import find_orders
from quayside.planning.dense_matrix import (
    MatrixRecipe,
    diagonal_entries,
    fill_matrix,
    fill_vector,
    make_recipe,
)
from quayside.planning.dense_passes import Dealer, Slot, Table, TilePieces
from quayside.planning.dense_plan import (
    ClusterPass,
    DensePass,
    LonePass,
    OuterPhase,
    PermuteStep,
    PhaseStep,
    ProductStep,
    StartPass,
    Step,
)
from quayside.planning.dense_table import diagonal_table
from quayside.planning.fuse import Item, Node, fuse
from quayside.planning.plan import Layout, Plan, Profile
from quayside.program.operations import Diagonal, GateOperation

__all__ = ["DenseRecipe", "find_dense"]

ComplexArray: TypeAlias = NDArray[np.complex128]

_OUTER_WIRES = 6
"""The most outer wires of one phase table: a table for each tile of them is kept."""


class _PhaseRecipe(NamedTuple):
    outer: tuple[int, ...]
    wires: tuple[int, ...]
    items: tuple[Item, ...]

    def fill(self, gates: Sequence[GateOperation]) -> OuterPhase:
        entries = diagonal_entries(self.items, gates, self.wires + self.outer)
        return OuterPhase(self.outer, entries.reshape(1 << len(self.outer), -1))


class _ProductRecipe(NamedTuple):
    matrix: MatrixRecipe
    wires: tuple[int, ...]
    result: tuple[int, ...]
    columns: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    phases_before: tuple[_PhaseRecipe, ...]
    phases_after: tuple[_PhaseRecipe, ...]
    gates: int

    def fill(self, gates: Sequence[GateOperation]) -> ProductStep:
        return ProductStep(
            fill_matrix(self.matrix, gates),
            self.wires,
            self.result,
            self.columns,
            self.before,
            self.after,
            tuple([phase.fill(gates) for phase in self.phases_before]),
            tuple([phase.fill(gates) for phase in self.phases_after]),
            self.gates,
        )


class _TableRecipe(NamedTuple):
    items: tuple[Item, ...]
    wires: tuple[int, ...]
    order: tuple[int, ...]
    phases: tuple[_PhaseRecipe, ...]

    def fill(self, gates: Sequence[GateOperation]) -> PhaseStep:
        return PhaseStep(
            diagonal_table(self.items, gates, self.wires),
            self.wires,
            self.order,
            tuple([phase.fill(gates) for phase in self.phases]),
            len(self.items) + sum([len(phase.items) for phase in self.phases]),
        )


class _PermuteRecipe(NamedTuple):
    before: tuple[int, ...]
    after: tuple[int, ...]

    def fill(self, gates: Sequence[GateOperation]) -> PermuteStep:
        return PermuteStep(self.before, self.after)


class _StartRecipe(NamedTuple):
    matrix: MatrixRecipe
    after: tuple[int, ...]
    gates: int

    def fill(self, gates: Sequence[GateOperation]) -> StartPass:
        return StartPass(fill_vector(self.matrix, gates), self.after, self.gates)


class _ClusterPassRecipe(NamedTuple):
    before: tuple[int, ...]
    new: int
    loaded: tuple[int, ...]
    steps: tuple[Union[_ProductRecipe, _TableRecipe, _PermuteRecipe], ...]
    after: tuple[int, ...]
    keep: int

    def fill(self, gates: Sequence[GateOperation]) -> ClusterPass:
        steps: list[Step] = [step.fill(gates) for step in self.steps]
        return ClusterPass(self.before, self.new, self.loaded, tuple(steps), self.after, self.keep)


class _LoneRecipe(NamedTuple):
    item: Item
    before: tuple[int, ...]
    new: int

    def fill(self, gates: Sequence[GateOperation]) -> LonePass:
        item = self.item
        gate: Any = gates[item.number]
        changes: dict[str, Any] = {"qubits": item.wires}
        if item.kind != "s":
            changes |= {"controls": item.controls, "control_state": item.control_state}
        if isinstance(gate, Diagonal) and item.select is not None:
            changes["diagonal"] = gate.diagonal.take(item.select)
        return LonePass(dataclasses.replace(gate, **changes), self.before, self.new)


_PassRecipe: TypeAlias = Union[_StartRecipe, _ClusterPassRecipe, _LoneRecipe]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class DenseRecipe:
    """All of a dense plan but the numbers."""

    profile: Profile
    initial: Layout
    final: Layout
    passes: tuple[_PassRecipe, ...]

    def fill(self, gates: Sequence[GateOperation]) -> Plan:
        """The plan for ``gates``, which must have the structure that the recipe was found for."""
        passes: list[DensePass] = [step.fill(gates) for step in self.passes]
        return Plan(self.profile, self.initial, self.final, passes)


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
    passes: list[_PassRecipe] = []
    scalars = fused.scalars
    start = None if order or not profile.start else find_start(fused, profile.start)
    pieces = find_clusters(fused, costs, start.nodes if start is not None else ())
    if start is not None:
        items = [*scalars, *(item for node in start.nodes for item in node.items)]
        matrix = make_recipe(items, gates, start.wires, start.wires)
        passes.append(_StartRecipe(matrix, start.wires, len(items)))
        order = start.wires
    else:
        passes.extend([_LoneRecipe(item, order, 0) for item in scalars])
    builder = _PassBuilder(gates, costs, order, passes, profile)
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
    return DenseRecipe(profile, layout, final, tuple(passes))


class _PassBuilder:
    """Turns the pieces of passes into recipes, and keeps the storage order."""

    def __init__(
        self,
        gates: Sequence[GateOperation],
        costs: Sequence[float],
        order: tuple[int, ...],
        passes: list[_PassRecipe],
        profile: Profile,
    ) -> None:
        self.gates = gates
        self.costs = costs
        self.order = order
        self.passes = passes
        self.profile = profile

    def add_wide(self, node: Node) -> None:
        stored = set(self.order)
        for item in node.items:
            new = [wire for wire in item.wires if wire not in stored]
            if item.kind == "d":
                new = []
            self.order = (*self.order, *new)
            stored.update(new)
            self.passes.append(_LoneRecipe(item, self.order, len(new)))

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
        steps: list[_ProductRecipe | _TableRecipe | _PermuteRecipe] = []
        order = orders.loaded
        moves = iter(orders.moves)
        for step in pieces.steps:
            if isinstance(step, Table):
                steps.extend(self._tables(step, tile, order))
                continue
            for move in moves:
                if not move.permutes:
                    break
                steps.append(_PermuteRecipe(move.before, move.after))
            steps.append(self._product(step, tile, move.columns, move.before, move.after))
            order = move.after
        places = [position for position, wire in enumerate(before) if tile >> wire & 1]
        after = list(before)
        for position, wire in zip(places, order, strict=True):
            after[position] = wire
        self.passes.append(
            _ClusterPassRecipe(
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
    ) -> _ProductRecipe:
        inside = set(slot.wires)
        wires = tuple([w for w in before if w in inside])
        result = tuple([w for w in after if w in inside])
        phases_before = _phases(slot.outer_before, tile, wires)
        phases_after = _phases(slot.outer_after, tile, result)
        outer = sum([len(phase.items) for phase in (*phases_before, *phases_after)])
        return _ProductRecipe(
            make_recipe(slot.items, self.gates, wires, result),
            wires,
            result,
            columns,
            before,
            after,
            phases_before,
            phases_after,
            len(slot.items) + outer,
        )

    def _tables(self, table: Table, tile: int, order: tuple[int, ...]) -> list[_TableRecipe]:
        """One step for the diagonals inside the tile, and one for each group of outer ones."""
        inner = [node for node in table.nodes if not node.mask & ~tile]
        steps = []
        if inner:
            items = tuple([item for node in inner for item in node.items])
            steps.append(_TableRecipe(items, _span(inner, tile, order), order, ()))
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
            steps.append(_TableRecipe((), wires, order, _phases(group, tile, wires)))
        return steps


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


def _phases(nodes: Sequence[Node], tile: int, wires: tuple[int, ...]) -> tuple[_PhaseRecipe, ...]:
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
    return tuple(
        [
            _PhaseRecipe(
                tuple([w for w in range(mask.bit_length()) if mask >> w & 1]),
                wires,
                tuple([item for node in members for item in node.items]),
            )
            for mask, members in groups
        ]
    )
