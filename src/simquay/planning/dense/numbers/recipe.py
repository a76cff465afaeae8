"""Recipes: dense plans without their numbers.

The numbers of all steps (matrices of clusters, tables of diagonals) are computed together. Then the
passes are made with them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias, Union

from simquay.planning.dense.fusion import WireGate
from simquay.planning.dense.numbers.matrices import MatrixRecipes
from simquay.planning.dense.numbers.tables import DiagonalRecipes
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
from simquay.planning.plan import Plan, SweepPlan
from simquay.planning.profile import Layout, Profile
from simquay.program.operations import GateOperation, Permutation

__all__ = [
    "ClusterPassRecipe",
    "DenseRecipe",
    "LoneRecipe",
    "PassRecipe",
    "PermuteRecipe",
    "PhaseRecipe",
    "ProductRecipe",
    "StartRecipe",
    "TableRecipe",
]


class _Numbers(NamedTuple):
    """The numbers of given gates: matrices and tables by index, the start's amplitudes."""

    gates: Sequence[GateOperation]
    matrices: list[Pool]
    tables: list[Pool]
    start: Pool | None


class PhaseRecipe(NamedTuple):
    """An :class:`OuterPhase`; ``table`` is an index."""

    outer: tuple[int, ...]
    table: int
    gates: int

    def fill(self, numbers: _Numbers) -> OuterPhase:
        """The phase with its numbers."""
        table = numbers.tables[self.table]
        return OuterPhase(self.outer, table.reshape(*table.shape[:-1], 1 << len(self.outer), -1))


def _phases(phases: tuple[PhaseRecipe, ...], numbers: _Numbers) -> tuple[OuterPhase, ...]:
    return tuple([phase.fill(numbers) for phase in phases]) if phases else ()


class ProductRecipe(NamedTuple):
    """A :class:`ProductStep`; ``matrix`` is an index."""

    matrix: int
    wires: tuple[int, ...]
    result: tuple[int, ...]
    columns: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    phases_before: tuple[PhaseRecipe, ...]
    phases_after: tuple[PhaseRecipe, ...]
    gates: int

    def fill(self, numbers: _Numbers) -> ProductStep:
        """The step with its numbers."""
        index, wires, result, columns, before, after, first, last, gates = self
        return ProductStep(
            numbers.matrices[index],
            wires,
            result,
            columns,
            before,
            after,
            _phases(first, numbers),
            _phases(last, numbers),
            gates,
        )


class TableRecipe(NamedTuple):
    """A :class:`PhaseStep`; ``table`` is an index."""

    table: int
    wires: tuple[int, ...]
    order: tuple[int, ...]
    phases: tuple[PhaseRecipe, ...]
    gates: int

    def fill(self, numbers: _Numbers) -> PhaseStep:
        """The step with its numbers."""
        table = numbers.tables[self.table]
        return PhaseStep(table, self.wires, self.order, _phases(self.phases, numbers), self.gates)


class PermuteRecipe(NamedTuple):
    """A :class:`PermuteStep`."""

    before: tuple[int, ...]
    after: tuple[int, ...]

    def fill(self, numbers: _Numbers) -> PermuteStep:
        """The step; it has no numbers."""
        return PermuteStep(self.before, self.after)


class StartRecipe(NamedTuple):
    """A :class:`StartPass`."""

    after: tuple[int, ...]
    gates: int

    def fill(self, numbers: _Numbers) -> StartPass:
        """The pass with its numbers."""
        assert numbers.start is not None
        return StartPass(numbers.start, self.after, self.gates)


class ClusterPassRecipe(NamedTuple):
    """A :class:`ClusterPass`."""

    before: tuple[int, ...]
    new: int
    loaded: tuple[int, ...]
    steps: tuple[Union[ProductRecipe, TableRecipe, PermuteRecipe], ...]
    after: tuple[int, ...]
    keep: int

    def fill(self, numbers: _Numbers) -> ClusterPass:
        """The pass with its numbers."""
        steps: list[Step] = [step.fill(numbers) for step in self.steps]
        return ClusterPass(self.before, self.new, self.loaded, tuple(steps), self.after, self.keep)


class LoneRecipe(NamedTuple):
    """A :class:`LonePass`."""

    wire_gate: WireGate
    before: tuple[int, ...]
    new: int

    def fill(self, numbers: _Numbers) -> LonePass:
        """The pass with its gate, on wires."""
        index, kind, wires, controls, state, select = self.wire_gate
        gate: Any = numbers.gates[index]
        changes: dict[str, Any] = {"qubits": wires}
        if kind != "prepare":
            changes |= {"controls": controls, "control_state": state}
        if select is not None:
            changes["diagonal"] = gate.diagonal.take(select)
        return LonePass(dataclasses.replace(gate, **changes), self.before, self.new)


PassRecipe: TypeAlias = Union[StartRecipe, ClusterPassRecipe, LoneRecipe]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class DenseRecipe:
    """All of a dense plan but the numbers."""

    profile: Profile
    initial: Layout
    final: Layout
    passes: tuple[PassRecipe, ...]
    pool: PoolLayout
    matrices: MatrixRecipes
    diagonals: DiagonalRecipes

    def fill(self, gates: Sequence[GateOperation]) -> Plan:
        """The plan for ``gates``, which must have the structure that the recipe was found for."""
        passes = self._fill(gates, self.pool.fill(gates))
        return Plan(self.profile, self.initial, self.final, passes)

    def fill_sweep(self, gate_lists: Sequence[Sequence[GateOperation]]) -> SweepPlan | None:
        """The plans for several gate lists of that structure as one; None where a gate with
        numbers is applied by itself."""
        for pass_ in self.passes:
            # A lone pass holds the gate itself; only a permutation is the same for all lists.
            if isinstance(pass_, LoneRecipe) and not isinstance(
                gate_lists[0][pass_.wire_gate[0]], Permutation
            ):
                return None
        passes = self._fill(gate_lists[0], self.pool.fill_sweep(gate_lists))
        return SweepPlan(self.profile, self.initial, self.final, len(gate_lists), passes)

    def _fill(self, gates: Sequence[GateOperation], pool: Pool) -> list[DensePass]:
        matrices, start = self.matrices.fill(pool)
        numbers = _Numbers(gates, matrices, self.diagonals.fill(pool), start)
        return [pass_.fill(numbers) for pass_ in self.passes]
