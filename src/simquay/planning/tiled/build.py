"""Scheduled passes become recipes: wires become storage bits and local bits, blocks become stages.

A recipe is a pass without numbers; :meth:`PassRecipe.fill` puts them in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, Union

import numpy as np

from simquay.planning.numbers.pool import Pool
from simquay.planning.tiled.block_types import Block, BlockType
from simquay.planning.tiled.diagonals import (
    DiagonalRecipe,
    condition_of,
    diagonal_recipe,
    fill_diagonal,
)
from simquay.planning.tiled.gather import ArrayRef, Filled, GatherPlan
from simquay.planning.tiled.passes import (
    ALWAYS,
    Condition,
    DenseStage,
    Form,
    PermuteStage,
    PrepareStage,
    Round,
    Stage,
    TilePass,
    WidePass,
)
from simquay.planning.tiled.scheduling.graph import Graph
from simquay.planning.tiled.scheduling.rounds import make_rounds
from simquay.planning.tiled.scheduling.schedule import ScheduledPass
from simquay.program.bits import spread
from simquay.program.operations import Matrix, Permutation, Prepare

__all__ = ["PassRecipe", "WideRecipe", "build_pass"]

_Dense: TypeAlias = tuple[tuple[int, ...], ArrayRef, Form, Condition]
"""A :class:`DenseStage` without its matrix: its bits, where the matrix will be, form, condition."""


@dataclass(frozen=True, slots=True, eq=False)
class _PrepareRecipe:
    bits: tuple[int, ...]
    array: ArrayRef


_StageRecipe: TypeAlias = Union[_Dense, DiagonalRecipe, PermuteStage, _PrepareRecipe]
"""A permutation has no numbers: its recipe is the stage."""


@dataclass(frozen=True, slots=True, eq=False)
class PassRecipe:
    """A :class:`~simquay.planning.tiled.passes.TilePass` without its numbers."""

    before: int
    width: int
    active: tuple[int, ...]
    rounds: list[tuple[tuple[int, ...], list[_StageRecipe]]]
    store: tuple[int, ...]

    def fill(self, filled: Filled, pool: Pool) -> TilePass:
        """The pass with the matrices and tables that were gathered."""
        rounds = []
        for targets, recipes in self.rounds:
            stages: list[Stage] = []
            for recipe in recipes:
                if isinstance(recipe, tuple):
                    bits, (kind, row), form, condition = recipe
                    stages.append(DenseStage(bits, filled[kind][row], form, condition))
                elif isinstance(recipe, list):
                    stages.append(fill_diagonal(recipe, filled))
                elif isinstance(recipe, PermuteStage):
                    stages.append(recipe)
                else:
                    kind, row = recipe.array
                    stages.append(PrepareStage(recipe.bits, filled[kind][row]))
            rounds.append(Round(targets, tuple(stages)))
        return TilePass(self.before, self.width, self.active, tuple(rounds), self.store)


@dataclass(frozen=True, slots=True, eq=False)
class WideRecipe:
    """A :class:`~simquay.planning.tiled.passes.WidePass` without its numbers."""

    before: int
    width: int
    type_: BlockType
    start: int
    bits: tuple[int, ...]
    controls: tuple[int, ...]

    def fill(self, filled: Filled, pool: Pool) -> WidePass:
        """The pass; ``pool`` has the numbers."""
        type_, start, size = self.type_, self.start, 1 << self.type_.size
        gate: Matrix | Permutation | Prepare
        if type_.kind == "dense":
            matrix = pool[start : start + size * size].reshape(size, size)
            gate = Matrix(matrix, self.bits, self.controls, type_.state)
        elif type_.kind == "prepare":
            gate = Prepare(pool[start : start + size], self.bits)
        else:
            table = np.argsort(np.array(type_.source, dtype=np.intp))
            gate = Permutation(table, self.bits, self.controls, type_.state)
        return WidePass(self.before, self.width, gate)


def build_pass(
    scheduled: ScheduledPass,
    blocks: Sequence[Block],
    graph: Graph,
    span: int,
    gather_plan: GatherPlan,
) -> PassRecipe | WideRecipe:
    """The recipe of a pass; its rounds have up to ``span`` targets (0: no limit)."""
    if scheduled.wide:
        (block,) = scheduled.stages
        assert isinstance(block, int)
        bit_of = {wire: bit for bit, wire in enumerate(scheduled.grown)}
        type_, wires, start = blocks[block]
        bits = tuple([bit_of[wire] for wire in wires])
        own, controls = bits[: type_.size], bits[type_.size :]
        return WideRecipe(len(scheduled.before), len(scheduled.grown), type_, start, own, controls)
    active: list[int] = []
    # For each wire, its local bit, or ``~bit`` for an outer bit.
    bit_of = {}
    outer = 0
    for bit, wire in enumerate(scheduled.grown):
        if wire in scheduled.active:
            bit_of[wire] = len(active)
            active.append(bit)
        else:
            outer += 1
            bit_of[wire] = -outer
    rounds: list[tuple[tuple[int, ...], list[_StageRecipe]]] = []
    for entries in make_rounds(graph, scheduled.stages, span):
        recipes: list[_StageRecipe] = []
        targets: set[int] = set()
        for entry in entries:
            if isinstance(entry, int):
                recipes.append(_stage(blocks, entry, bit_of, targets, gather_plan))
            else:
                recipes.append(diagonal_recipe(blocks, entry, bit_of, gather_plan))
        rounds.append((tuple(sorted(targets)), recipes))
    store = tuple(range(len(active)))
    if scheduled.after is not scheduled.grown:
        landed = {scheduled.after[bit]: local for local, bit in enumerate(active)}
        store = tuple([landed[scheduled.grown[bit]] for bit in active])
    return PassRecipe(len(scheduled.before), len(scheduled.grown), tuple(active), rounds, store)


def _stage(
    blocks: Sequence[Block],
    block: int,
    bit_of: dict[int, int],
    targets: set[int],
    gather_plan: GatherPlan,
) -> _Dense | PermuteStage | _PrepareRecipe:
    """The recipe of a block's stage; its bits join ``targets``."""
    type_, wires, _ = blocks[block]
    condition = condition_of(wires[type_.size :], type_.state, bit_of) if type_.controls else ALWAYS
    if type_.size == 1:
        bits: tuple[int, ...] = (bit_of[wires[0]],)
        order: tuple[int, ...] = (0,)
        targets.add(bits[0])
    elif type_.size == 2:
        one, two = bit_of[wires[0]], bit_of[wires[1]]
        bits, order = ((one, two), (0, 1)) if one < two else ((two, one), (1, 0))
        targets.add(one)
        targets.add(two)
    else:
        sorted_bits = sorted([(bit_of[wire], j) for j, wire in enumerate(wires[: type_.size])])
        bits = tuple([bit for bit, _ in sorted_bits])
        order = tuple([j for _, j in sorted_bits])
        targets.update(bits)
    if type_.kind == "dense":
        return bits, gather_plan.matrix(block, order), type_.form, condition
    if type_.kind == "prepare":
        state = gather_plan.table(type_.size, [(block, _inverse(order))])
        return _PrepareRecipe(bits, state)
    if type_.source == (1, 0):
        return PermuteStage(bits, _FLIP, condition)
    index = spread(order)
    source = np.argsort(index)[np.array(type_.source, dtype=np.intp)[index]]
    return PermuteStage(bits, source, condition)


_FLIP = np.array([1, 0], dtype=np.intp)


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    """The inverse of the permutation ``order``."""
    return tuple(sorted(range(len(order)), key=order.__getitem__))
