"""The ``dense`` strategy: clusters become matrices, and passes apply them in cached tiles.

Planning has two halves. :func:`find_dense` reads the structure alone (kinds of gates and their
wires) and finds a recipe: a plan without numbers. :meth:`DenseRecipe.fill` computes the matrices
for given gates. The same gates with other angles need only the second half again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

from simquay.errors import ProgramError
from simquay.planning.dense.assignment import (
    CandidateLonePass,
    CandidatePlan,
    CandidateTilePass,
)
from simquay.planning.dense.clusters import SEARCH_MODES, Cluster, ClusterSearch
from simquay.planning.dense.cost import cluster_costs
from simquay.planning.dense.fusion import FusedGates, GateNode, fuse_gates, union_of
from simquay.planning.dense.matrices import Matrices, MatrixRecipes
from simquay.planning.dense.phase_tables import DiagonalRecipes, Diagonals
from simquay.planning.dense.steps import (
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
from simquay.planning.numbers.pool import Pool, PoolLayout
from simquay.planning.numbers.sweep import GateSweep
from simquay.planning.plan import Plan, SweepPlan
from simquay.planning.profile import Layout, Profile
from simquay.planning.wires import WireGate
from simquay.program.bits import bits_of
from simquay.program.gates import GateOperation

__all__ = ["DenseRecipe", "find_dense"]

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
    recipe = _Builder(gates, profile).recipe(candidate, fused, layout)
    return recipe, recipe.fill(gates)


_Phase: TypeAlias = tuple[tuple[int, ...], int]
"""An :class:`OuterPhase` without its numbers: the outer wires, and the index of its table."""


class _Numbers(NamedTuple):
    """The numbers of given gates: matrices and tables by index."""

    gates: Sequence[GateOperation]
    matrices: list[Pool]
    tables: list[Pool]

    def phases(self, found: Sequence[_Phase]) -> tuple[OuterPhase, ...]:
        """Phases by tile."""
        phases = []
        for outside, index in found:
            table = self.tables[index]
            shape = (*table.shape[:-1], 1 << len(outside), -1)
            phases.append(OuterPhase(outside, table.reshape(shape)))
        return tuple(phases)


_T = TypeVar("_T")

_Late: TypeAlias = Callable[[_Numbers], _T]
"""A part of a plan without its numbers: a function that makes the part with them."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class DenseRecipe:
    """All of a dense plan but the numbers; ``lone`` are the gates that are passes by themselves."""

    profile: Profile
    initial: Layout
    final: Layout
    lone: tuple[int, ...]
    passes: tuple[_Late[DensePass], ...]
    pool: PoolLayout
    matrices: MatrixRecipes
    diagonals: DiagonalRecipes

    @property
    def size(self) -> int:
        """About the bytes of the recipe and of a plan."""
        entries = self.pool.size + sum([1 << table.width for table in self.diagonals.tables])
        indices = 0 if self.diagonals.small is None else self.diagonals.small.places.size
        for products in self.matrices.small:
            inner = products.inner
            indices += products.places.size + (inner.places.size if inner else 0)
        for group in self.matrices.groups:
            entries += len(group.matrices) * group.size * group.columns
            indices += sum([rows.size for rows, _ in group.steps])
        return 16 * entries + 8 * indices + 200 * len(self.pool.starts)

    def fill(self, gates: Sequence[GateOperation]) -> Plan:
        """The plan for ``gates``, which must have the structure that the recipe was found for."""
        passes = self._fill(gates, self.pool.fill(gates))
        return Plan(self.profile, self.initial, self.final, passes)

    def fill_sweep(self, sweep: GateSweep) -> SweepPlan | None:
        """The plans for the gate lists of a sweep of that structure as one; None where a gate
        whose numbers change is applied by itself."""
        # A lone pass holds the gate itself, which must be the same for all lists.
        if not all(set(self.lone).isdisjoint(places) for places, _ in sweep.changes):
            return None
        passes = self._fill(sweep.gates, self.pool.fill_sweep(sweep))
        return SweepPlan(self.profile, self.initial, self.final, sweep.batch, passes)

    def _fill(self, gates: Sequence[GateOperation], pool: Pool) -> list[DensePass]:
        numbers = _Numbers(gates, self.matrices.fill(pool), self.diagonals.fill(pool))
        return [pass_(numbers) for pass_ in self.passes]


class _Builder:
    """Turns a candidate plan into a recipe."""

    def __init__(self, gates: Sequence[GateOperation], profile: Profile) -> None:
        self.pool = PoolLayout(gates)
        self.matrices = Matrices(gates, self.pool.starts)
        self.diagonals = Diagonals(self.pool.starts)
        self.profile = profile

    def recipe(self, candidate: CandidatePlan, fused: FusedGates, layout: Layout) -> DenseRecipe:
        """The recipe for a state of ``layout``."""
        lone: list[int] = []
        passes: list[_Late[DensePass]] = []
        if candidate.start is not None:
            passes.append(self._start(candidate.start, fused.scalars))
        else:
            lone += [index for index, *_ in fused.scalars]
            passes += [_lone(wire_gate, layout.order, 0) for wire_gate in fused.scalars]
        for part in candidate.passes:
            if isinstance(part, CandidateLonePass):
                lone.append(part.wire_gate[0])
                passes.append(_lone(*part))
            else:
                passes.append(self._pass(part))
        return DenseRecipe(
            self.profile,
            layout,
            Layout(tuple([fused.renamed.get(wire, wire) for wire in candidate.order])),
            tuple(lone),
            tuple(passes),
            self.pool,
            self.matrices.recipes(),
            self.diagonals.recipes(),
        )

    def _start(self, start: Cluster, scalars: Sequence[WireGate]) -> _Late[StartPass]:
        nodes = [GateNode((), 0, True, False, [wire_gate]) for wire_gate in scalars]
        nodes += start.nodes
        column = self.matrices.add(nodes, start.wires, start.wires, first=True)
        count = _count(nodes)
        return lambda numbers: StartPass(numbers.matrices[column][..., 0], start.wires, count)

    def _pass(self, candidate: CandidateTilePass) -> _Late[ClusterPass]:
        tile, before, new, loaded, moves, after, keep = candidate
        steps: list[_Late[Step]] = []
        for part, columns, ordered, moved in moves:
            if part is None:
                steps.append(_same(PermuteStep(ordered, moved)))
            elif isinstance(part, Cluster):
                steps.append(self._product(part, tile, columns, ordered, moved))
            else:
                steps += self._tables(part, tile, ordered)
        return lambda numbers: ClusterPass(
            before, new, loaded, tuple([step(numbers) for step in steps]), after, keep
        )

    def _product(
        self,
        cluster: Cluster,
        tile: int,
        columns: tuple[int, ...],
        before: tuple[int, ...],
        after: tuple[int, ...],
    ) -> _Late[ProductStep]:
        inside = set(cluster.wires)
        wires = tuple([w for w in before if w in inside])
        result = tuple([w for w in after if w in inside])
        first = self._phases(cluster.outer_before, tile, wires)
        last = self._phases(cluster.outer_after, tile, result)
        matrix = self.matrices.add(cluster.nodes, wires, result)
        gates = _count([*cluster.nodes, *cluster.outer_before, *cluster.outer_after])
        return lambda numbers: ProductStep(
            numbers.matrices[matrix],
            wires,
            result,
            columns,
            before,
            after,
            numbers.phases(first),
            numbers.phases(last),
            gates,
        )

    def _tables(
        self, nodes: Sequence[GateNode], tile: int, order: tuple[int, ...]
    ) -> list[_Late[PhaseStep]]:
        """One step for the diagonals inside the tile, and one for each group of outer ones."""
        inner = [node for node in nodes if not node.mask & ~tile]
        groups: list[list[GateNode]] = []
        for node in nodes:
            if not node.mask & ~tile:
                continue
            for group in groups:
                if len(_span([*group, node], tile, order)) <= _OUTER_WIRES:
                    group.append(node)
                    break
            else:
                groups.append([node])
        if inner:
            groups.insert(0, inner)
        return [self._table(group, tile, order) for group in groups]

    def _table(
        self, nodes: Sequence[GateNode], tile: int, order: tuple[int, ...]
    ) -> _Late[PhaseStep]:
        """A step for nodes that lie in the tile, or for nodes that do not."""
        wires = _span(nodes, tile, order)
        outer = [node for node in nodes if node.mask & ~tile]
        table = self.diagonals.add([] if outer else _wire_gates(nodes), wires)
        phases = self._phases(outer, tile, wires)
        gates = _count(nodes)
        return lambda numbers: PhaseStep(
            numbers.tables[table], wires, order, numbers.phases(phases), gates
        )

    def _phases(self, nodes: Sequence[GateNode], tile: int, wires: tuple[int, ...]) -> list[_Phase]:
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
            table = self.diagonals.add(_wire_gates(members), wires + outside)
            phases.append((outside, table))
        return phases


def _count(nodes: Sequence[GateNode]) -> int:
    """How many gates nodes have."""
    return sum([len(node.gates) for node in nodes])


def _wire_gates(nodes: Sequence[GateNode]) -> list[WireGate]:
    return [wire_gate for node in nodes for wire_gate in node.gates]


def _same(part: _T) -> _Late[_T]:
    """A part that has no numbers."""
    return lambda _: part


def _lone(wire_gate: WireGate, before: tuple[int, ...], new: int) -> _Late[LonePass]:
    """A pass of one gate, on wires."""
    index, kind, wires, controls, state, select = wire_gate

    def fill(numbers: _Numbers) -> LonePass:
        gate: Any = numbers.gates[index]
        changes: dict[str, Any] = {"qubits": wires}
        if kind != "s":
            changes |= {"controls": controls, "control_state": state}
        if select is not None:
            changes["diagonal"] = gate.diagonal.take(select)
        return LonePass(dataclasses.replace(gate, **changes), before, new)

    return fill


def _span(nodes: Sequence[GateNode], tile: int, order: tuple[int, ...]) -> tuple[int, ...]:
    """The shortest run of ``order`` that holds all wires of ``nodes`` that are in the tile."""
    mask = union_of(nodes) & tile
    positions = [position for position, wire in enumerate(order) if mask >> wire & 1]
    low, high = positions[0], positions[-1]
    if low < 4:
        low = 0  # short runs of equal factors cost more than a longer table
    return order[low : high + 1]
