"""Steps of the tiled planner → recipes of passes: storage bits, local bits, rounds and stages.

A recipe is a pass without numbers; :meth:`PassRecipe.fill` puts them in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from quayside.planning.tile_blocks import Block, Values
from quayside.planning.tile_diagonal import (
    DiagonalRecipe,
    condition_of,
    diagonal_recipe,
    gathered,
)
from quayside.planning.tile_plan import (
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
from quayside.planning.tile_rounds import make_rounds
from quayside.planning.tile_schedule import Step
from quayside.program.operations import Matrix, Permutation, Prepare

__all__ = ["PassRecipe", "WideRecipe", "build_pass"]


@dataclass(frozen=True, slots=True, eq=False)
class _DenseRecipe:
    """``index`` is the block's index for each index over the ascending bits; None if the same."""

    number: int
    bits: tuple[int, ...]
    index: NDArray[np.intp] | None
    form: Form
    condition: Condition

    def fill(self, values: Sequence[Values]) -> DenseStage:
        matrix = values[self.number]
        if self.index is not None:
            matrix = matrix[self.index[:, None], self.index]
        return DenseStage(self.bits, matrix, self.form, self.condition)


@dataclass(frozen=True, slots=True, eq=False)
class _PrepareRecipe:
    number: int
    bits: tuple[int, ...]
    index: NDArray[np.intp]

    def fill(self, values: Sequence[Values]) -> PrepareStage:
        return PrepareStage(self.bits, values[self.number][self.index])


@dataclass(frozen=True, slots=True, eq=False)
class _PermuteRecipe:
    """A permutation has no numbers: its stage is the same always."""

    stage: PermuteStage

    def fill(self, values: Sequence[Values]) -> PermuteStage:
        return self.stage


_StageRecipe: TypeAlias = Union[_DenseRecipe, _PrepareRecipe, _PermuteRecipe, DiagonalRecipe]


@dataclass(frozen=True, slots=True, eq=False)
class PassRecipe:
    """A :class:`~quayside.planning.tile_plan.TilePass` without its numbers."""

    before: int
    width: int
    active: tuple[int, ...]
    rounds: tuple[tuple[tuple[int, ...], tuple[_StageRecipe, ...]], ...]
    store: tuple[int, ...]

    def fill(self, values: Sequence[Values]) -> TilePass:
        """The pass for the numbers of all blocks."""
        rounds = []
        for targets, recipes in self.rounds:
            stages: list[Stage] = [recipe.fill(values) for recipe in recipes]
            rounds.append(Round(targets, tuple(stages)))
        return TilePass(self.before, self.width, self.active, tuple(rounds), self.store)


@dataclass(frozen=True, slots=True, eq=False)
class WideRecipe:
    """A :class:`~quayside.planning.tile_plan.WidePass` without its numbers."""

    before: int
    width: int
    number: int
    block: Block
    bits: tuple[int, ...]
    controls: tuple[int, ...]

    def fill(self, values: Sequence[Values]) -> WidePass:
        """The pass for the numbers of all blocks."""
        block = self.block
        gate: Matrix | Permutation | Prepare
        if block.kind == "dense":
            gate = Matrix(values[self.number], self.bits, self.controls, block.control_state)
        elif block.kind == "prepare":
            gate = Prepare(values[self.number], self.bits)
        else:
            table = np.argsort(np.array(block.table, dtype=np.intp))
            gate = Permutation(table, self.bits, self.controls, block.control_state)
        return WidePass(self.before, self.width, gate)


def build_pass(step: Step, blocks: Sequence[Block], span: int) -> PassRecipe | WideRecipe:
    """The pass that ``step`` stands for; rounds have up to ``span`` targets (0: no limit)."""
    bit_of = {wire: bit for bit, wire in enumerate(step.grown)}
    if step.wide:
        (number,) = step.stages
        assert isinstance(number, int)
        block = blocks[number]
        bits = tuple(bit_of[wire] for wire in block.wires)
        controls = tuple(bit_of[wire] for wire in block.controls)
        return WideRecipe(len(step.before), len(step.grown), number, block, bits, controls)
    active = sorted(bit_of[wire] for wire in step.active)
    place = {bit: local for local, bit in enumerate(active)}
    local = {wire: place[bit] for wire, bit in bit_of.items() if bit in place}
    outside = (bit for bit in range(len(step.grown)) if bit not in place)
    outer = {step.grown[bit]: number for number, bit in enumerate(outside)}
    rounds = []
    for entries in make_rounds(blocks, step.stages, span):
        recipes: list[_StageRecipe] = []
        targets: set[int] = set()
        for entry in entries:
            if isinstance(entry, int):
                recipes.append(_stage(blocks[entry], entry, local, outer))
                targets.update(local[wire] for wire in blocks[entry].wires)
            else:
                recipes.append(diagonal_recipe(blocks, entry, local, outer))
        rounds.append((tuple(sorted(targets)), tuple(recipes)))
    landed = {wire: place[bit] for bit, wire in enumerate(step.after) if bit in place}
    store = tuple(landed[step.grown[bit]] for bit in active)
    return PassRecipe(len(step.before), len(step.grown), tuple(active), tuple(rounds), store)


def _stage(
    block: Block, number: int, local: dict[int, int], outer: dict[int, int]
) -> _DenseRecipe | _PrepareRecipe | _PermuteRecipe:
    places = sorted([(local[wire], j) for j, wire in enumerate(block.wires)])
    bits = tuple([bit for bit, _ in places])
    order = tuple([j for _, j in places])
    condition = condition_of(block, local, outer)
    if block.kind == "dense":
        index = None if order == tuple(range(len(order))) else gathered(order)
        return _DenseRecipe(number, bits, index, block.form, condition)
    index = gathered(order)
    if block.kind == "prepare":
        return _PrepareRecipe(number, bits, index)
    source = np.argsort(index)[np.array(block.table, dtype=np.intp)[index]]
    return _PermuteRecipe(PermuteStage(bits, source, condition))
