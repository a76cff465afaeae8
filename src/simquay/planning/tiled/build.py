"""Steps of the tiled planner → recipes of passes: storage bits, local bits, rounds and stages.

A recipe is a pass without numbers; :meth:`PassRecipe.fill` puts them in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, Union

import numpy as np

from simquay.planning.tiled.blocks.blocks import Blocks
from simquay.planning.tiled.blocks.types import BlockType
from simquay.planning.tiled.diagonals import (
    DiagonalRecipe,
    condition_of,
    diagonal_recipe,
    fill_diagonal,
)
from simquay.planning.tiled.numbers.gather import ArrayRef, Filled, GatherPlan
from simquay.planning.tiled.numbers.pool import Pool
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
    slot: ArrayRef


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
                    kind, row = recipe.slot
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
            table = np.argsort(np.array(type_.table, dtype=np.intp))
            gate = Permutation(table, self.bits, self.controls, type_.state)
        return WidePass(self.before, self.width, gate)


def build_pass(
    step: ScheduledPass, blocks: Blocks, span: int, gather_plan: GatherPlan
) -> PassRecipe | WideRecipe:
    """The pass that ``step`` stands for; rounds have up to ``span`` targets (0: no limit)."""
    if step.wide:
        (number,) = step.stages
        assert isinstance(number, int)
        bit_of = {wire: bit for bit, wire in enumerate(step.grown)}
        type_ = blocks.types[number]
        bits = tuple([bit_of[wire] for wire in blocks.wires[number]])
        own, controls = bits[: type_.size], bits[type_.size :]
        start = blocks.starts[number]
        return WideRecipe(len(step.before), len(step.grown), type_, start, own, controls)
    active: list[int] = []
    # Where each wire is: a local bit, or ~bit for an outer bit.
    place = {}
    outer = 0
    for bit, wire in enumerate(step.grown):
        if wire in step.active:
            place[wire] = len(active)
            active.append(bit)
        else:
            outer += 1
            place[wire] = -outer
    rounds: list[tuple[tuple[int, ...], list[_StageRecipe]]] = []
    for entries in make_rounds(blocks, step.stages, span):
        recipes: list[_StageRecipe] = []
        targets: set[int] = set()
        for entry in entries:
            if isinstance(entry, int):
                recipes.append(_stage(blocks, entry, place, targets, gather_plan))
            else:
                recipes.append(diagonal_recipe(blocks, entry, place, gather_plan))
        rounds.append((tuple(sorted(targets)), recipes))
    store = tuple(range(len(active)))
    if step.after is not step.grown:
        landed = {step.after[bit]: local for local, bit in enumerate(active)}
        store = tuple([landed[step.grown[bit]] for bit in active])
    return PassRecipe(len(step.before), len(step.grown), tuple(active), rounds, store)


def _stage(
    blocks: Blocks, number: int, place: dict[int, int], targets: set[int], gather_plan: GatherPlan
) -> _Dense | PermuteStage | _PrepareRecipe:
    """The recipe of a block's stage; its bits join ``targets``."""
    type_ = blocks.types[number]
    wires = blocks.wires[number]
    condition = condition_of(wires[type_.size :], type_.state, place) if type_.controls else ALWAYS
    if type_.size == 1:
        bits: tuple[int, ...] = (place[wires[0]],)
        order: tuple[int, ...] = (0,)
        targets.add(bits[0])
    elif type_.size == 2:
        one, two = place[wires[0]], place[wires[1]]
        bits, order = ((one, two), (0, 1)) if one < two else ((two, one), (1, 0))
        targets.add(one)
        targets.add(two)
    else:
        places = sorted([(place[wire], j) for j, wire in enumerate(wires[: type_.size])])
        bits = tuple([bit for bit, _ in places])
        order = tuple([j for _, j in places])
        targets.update(bits)
    if type_.kind == "dense":
        return bits, gather_plan.matrix(number, order), type_.form, condition
    if type_.kind == "prepare":
        state = gather_plan.table(type_.size, [(number, _inverse(order))])
        return _PrepareRecipe(bits, state)
    if type_.table == (1, 0):
        return PermuteStage(bits, _FLIP, condition)
    index = spread(order)
    source = np.argsort(index)[np.array(type_.table, dtype=np.intp)[index]]
    return PermuteStage(bits, source, condition)


_FLIP = np.array([1, 0], dtype=np.intp)


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    """Where each number is in ``order``."""
    return tuple(sorted(range(len(order)), key=order.__getitem__))
