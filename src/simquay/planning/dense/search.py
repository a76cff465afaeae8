"""The ``dense`` strategy: clusters become matrices, and passes apply them in cached tiles.

Planning has two halves. :func:`find_dense` reads the structure alone (kinds of gates and their
wires) and finds a recipe: a plan without numbers. :meth:`DenseRecipe.fill` computes the matrices
for given gates. The same gates with other angles need only the second half again.
"""

from __future__ import annotations

from collections.abc import Sequence

from simquay.errors import ProgramError
from simquay.planning.dense.assignment import DiagonalTable, PlacedCluster
from simquay.planning.dense.candidates import (
    CandidateLonePass,
    CandidatePlan,
    CandidateTable,
    CandidateTilePass,
)
from simquay.planning.dense.clusters import SEARCH_MODES, ClusterSearch
from simquay.planning.dense.cost import cluster_costs
from simquay.planning.dense.fusion import FusedGates, GateNode, fuse_gates
from simquay.planning.dense.numbers.matrices import Matrices
from simquay.planning.dense.numbers.recipe import (
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
from simquay.planning.dense.numbers.tables import Diagonals
from simquay.planning.dense.orders import Move
from simquay.planning.plan import Plan
from simquay.planning.profile import Layout, Profile
from simquay.program.bits import bits_of
from simquay.program.operations import GateOperation

__all__ = ["find_dense"]

_SEARCH_SHARE = 0.01
"""The share of a run's predicted time that searches beyond the first may take."""

_SEARCH_TIME = 10_000.0
"""Nanoseconds that a search takes for each node, on the machine of the calibration."""

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
    """The recipe for ``gates``: the cheapest of one candidate plan or more."""
    fused = fuse_gates(
        gates,
        layout,
        widest=min(4, profile.width),
        widest_diagonal=min(6, profile.tile),
    )
    search = ClusterSearch(fused.nodes, cluster_costs(profile))
    widest = 0 if layout.order else profile.start
    candidate = CandidatePlan(*search.find(widest), layout.order, profile)
    # Further searches take time: only a long run is worth them.
    tries = int(_SEARCH_SHARE * candidate.cost / (_SEARCH_TIME * max(len(fused.nodes), 1)))
    for mode in SEARCH_MODES[1 : 1 + tries]:
        other = CandidatePlan(*search.find(widest, mode), layout.order, profile)
        if other.cost < candidate.cost:
            candidate = other
    return _Builder(gates, profile).recipe(candidate, fused, layout)


class _Builder:
    """Turns a candidate plan into a recipe."""

    def __init__(self, gates: Sequence[GateOperation], profile: Profile) -> None:
        self.matrices = Matrices(gates)
        self.diagonals = Diagonals(self.matrices.pool.starts)
        self.profile = profile

    def recipe(self, candidate: CandidatePlan, fused: FusedGates, layout: Layout) -> DenseRecipe:
        """The recipe for a state of ``layout``."""
        passes: list[PassRecipe] = []
        scalars = fused.scalars
        if candidate.start is not None:
            nodes = [
                GateNode((), 0, True, False, -1, wire_gate) for wire_gate in scalars
            ] + candidate.start.nodes
            self.matrices.add_start(nodes, candidate.start.wires)
            count = sum([len(node.gates) for node in nodes])
            passes.append(StartRecipe(candidate.start.wires, count))
        else:
            passes.extend([LoneRecipe(wire_gate, layout.order, 0) for wire_gate in scalars])
        for part in candidate.passes:
            if isinstance(part, CandidateLonePass):
                passes.append(LoneRecipe(*part))
            else:
                passes.append(self._pass(part))
        final = Layout(tuple([fused.carries.get(wire, wire) for wire in candidate.order]))
        return DenseRecipe(
            self.profile,
            layout,
            final,
            tuple(passes),
            self.matrices.pool,
            self.matrices.recipes(),
            self.diagonals.recipes(),
        )

    def _pass(self, candidate: CandidateTilePass) -> ClusterPassRecipe:
        tile, before, new, loaded, parts, after, keep = candidate
        steps: list[ProductRecipe | TableRecipe | PermuteRecipe] = []
        for part in parts:
            if isinstance(part, CandidateTable):
                steps += self._tables(part.table, tile, part.order)
            elif part.placed is None:
                steps.append(PermuteRecipe(part.move.before, part.move.after))
            else:
                steps.append(self._product(part.placed, tile, part.move))
        return ClusterPassRecipe(before, new, loaded, tuple(steps), after, keep)

    def _product(
        self,
        placed: PlacedCluster,
        tile: int,
        move: Move,
    ) -> ProductRecipe:
        _, _, columns, before, after = move
        inside = set(placed.wires)
        wires = tuple([w for w in before if w in inside])
        result = tuple([w for w in after if w in inside])
        phases_before = self._phases(placed.outer_before, tile, wires)
        phases_after = self._phases(placed.outer_after, tile, result)
        outer = sum([phase.gates for phase in (*phases_before, *phases_after)])
        return ProductRecipe(
            self.matrices.add(placed.nodes, wires, result),
            wires,
            result,
            columns,
            before,
            after,
            phases_before,
            phases_after,
            sum([len(node.gates) for node in placed.nodes]) + outer,
        )

    def _tables(self, table: DiagonalTable, tile: int, order: tuple[int, ...]) -> list[TableRecipe]:
        """One step for the diagonals inside the tile, and one for each group of outer ones."""
        inner = [node for node in table.nodes if not node.mask & ~tile]
        steps = []
        if inner:
            wire_gates = [wire_gate for node in inner for wire_gate in node.gates]
            wires = _span(inner, tile, order)
            steps.append(
                TableRecipe(
                    self.diagonals.add(wire_gates, wires), wires, order, (), len(wire_gates)
                )
            )
        groups: list[list[GateNode]] = []
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
        self, nodes: Sequence[GateNode], tile: int, wires: tuple[int, ...]
    ) -> tuple[PhaseRecipe, ...]:
        """Phases by tile for ``nodes``, in groups of few outer wires."""
        groups: list[tuple[int, list[GateNode]]] = []
        for node in nodes:
            outer = node.mask & ~tile
            for position, (mask, members) in enumerate(groups):
                if (mask | outer).bit_count() <= max(_OUTER_WIRES, outer.bit_count()):
                    groups[position] = (mask | outer, [*members, node])
                    break
            else:
                groups.append((outer, [node]))
        phases = []
        for mask, members in groups:
            outside = tuple(bits_of(mask))
            wire_gates = [wire_gate for node in members for wire_gate in node.gates]
            table = self.diagonals.add(wire_gates, wires + outside)
            phases.append(PhaseRecipe(outside, table, len(wire_gates)))
        return tuple(phases)


def _span(nodes: Sequence[GateNode], tile: int, order: tuple[int, ...]) -> tuple[int, ...]:
    """The shortest run of ``order`` that holds all wires of ``nodes`` that are in the tile."""
    mask = 0
    for node in nodes:
        mask |= node.mask
    mask &= tile
    positions = [position for position, wire in enumerate(order) if mask >> wire & 1]
    low, high = positions[0], positions[-1]
    if low < 4:
        low = 0  # short runs of equal factors cost more than a longer table
    return order[low : high + 1]
