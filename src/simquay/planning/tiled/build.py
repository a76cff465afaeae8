"""Scheduled passes become recipes: wires become storage bits and local bits, blocks become stages.

A recipe is a pass without its numbers: a function that makes it from the arrays that were gathered.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from simquay.planning.tiled.diagonals import condition_of, diagonal_recipe
from simquay.planning.tiled.gather import ArrayRef, Filled, GatherPlan, Late
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
from simquay.program.gates import Matrix, Permutation, Prepare

__all__ = ["build_pass"]


def build_pass(
    scheduled: ScheduledPass, graph: Graph, span: int, gather_plan: GatherPlan
) -> Late[TilePass | WidePass]:
    """The recipe of a pass; its rounds have up to ``span`` targets (0: no limit)."""
    before, width = len(scheduled.before), len(scheduled.grown)
    if scheduled.wide:
        (block,) = scheduled.stages
        assert isinstance(block, int)
        gate = _wide_gate(block, scheduled.grown, gather_plan)
        return lambda filled: WidePass(before, width, gate(filled))
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
    rounds: list[tuple[tuple[int, ...], list[Late[Stage]]]] = []
    for entries in make_rounds(graph, scheduled.stages, span):
        recipes: list[Late[Stage]] = []
        targets: set[int] = set()
        for entry in entries:
            if isinstance(entry, int):
                recipes.append(_stage(entry, bit_of, targets, gather_plan))
            else:
                recipes.append(diagonal_recipe(entry, bit_of, gather_plan))
        rounds.append((tuple(sorted(targets)), recipes))
    store = tuple(range(len(active)))
    if scheduled.after is not scheduled.grown:
        landed = {scheduled.after[bit]: local for local, bit in enumerate(active)}
        store = tuple([landed[scheduled.grown[bit]] for bit in active])
    bits = tuple(active)
    structure = object()

    def fill(filled: Filled) -> TilePass:
        made = [
            Round(targets, tuple([recipe(filled) for recipe in recipes]))
            for targets, recipes in rounds
        ]
        return TilePass(before, width, bits, tuple(made), store, structure)

    return fill


def _wide_gate(
    block: int, order: list[int], gather_plan: GatherPlan
) -> Late[Matrix | Permutation | Prepare]:
    """The gate of a block on more qubits than a tile has, where bit ``p`` is wire ``order[p]``."""
    type_, wires, _ = gather_plan.blocks[block]
    bits = tuple(map(order.index, wires))
    own, controls = bits[: type_.size], bits[type_.size :]
    if type_.kind == "permute":
        table = np.argsort(np.array(type_.source, dtype=np.intp))
        permutation = Permutation(table, own, controls, type_.state)
        return lambda _: permutation
    straight = tuple(range(type_.size))
    if type_.kind == "prepare":
        kind, row = gather_plan.table(type_.size, [(block, straight)])
        return lambda filled: Prepare(filled[kind][row], own)
    kind, row = gather_plan.matrix(block, straight)
    return lambda filled: Matrix(filled[kind][row], own, controls, type_.state)


def _stage(
    block: int, bit_of: dict[int, int], targets: set[int], gather_plan: GatherPlan
) -> Late[Stage]:
    """The recipe of a block's stage; its bits join ``targets``."""
    type_, wires, _ = gather_plan.blocks[block]
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
        array = gather_plan.matrix(block, order)
        return partial(_dense, bits, array, type_.form, condition, type_.affine)
    if type_.kind == "prepare":
        inverse = tuple(sorted(range(len(order)), key=order.__getitem__))
        return partial(_prepare, bits, gather_plan.table(type_.size, [(block, inverse)]))
    if type_.source == (1, 0):
        return partial(_same, PermuteStage(bits, _FLIP, condition))
    index = spread(order)
    source = np.argsort(index)[np.array(type_.source, dtype=np.intp)[index]]
    return partial(_same, PermuteStage(bits, source, condition))


_FLIP = np.array([1, 0], dtype=np.intp)


# Closures would make the variables of the function above, which runs for each block, slower.
def _dense(
    bits: tuple[int, ...],
    array: ArrayRef,
    form: Form,
    condition: Condition,
    affine: bool,
    filled: Filled,
) -> DenseStage:
    kind, row = array
    return DenseStage(bits, filled[kind][row], form, condition, affine)


def _prepare(bits: tuple[int, ...], array: ArrayRef, filled: Filled) -> PrepareStage:
    kind, row = array
    return PrepareStage(bits, filled[kind][row])


def _same(stage: PermuteStage, _: Filled) -> PermuteStage:
    return stage
