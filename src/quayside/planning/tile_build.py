"""Steps of the tiled planner → passes: storage bits, local bits, rounds and diagonal groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quayside.planning.tile_blocks import Block
from quayside.planning.tile_diagonal import condition_of, diagonal_stage, gathered
from quayside.planning.tile_plan import (
    DenseStage,
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

__all__ = ["build_pass"]


def build_pass(step: Step, blocks: Sequence[Block], span: int) -> TilePass | WidePass:
    """The pass that ``step`` stands for; rounds have up to ``span`` targets (0: no limit)."""
    bit_of = {wire: bit for bit, wire in enumerate(step.grown)}
    if step.wide:
        (number,) = step.stages
        assert isinstance(number, int)
        return _wide(len(step.before), len(step.grown), blocks[number], bit_of)
    active = sorted(bit_of[wire] for wire in step.active)
    place = {bit: local for local, bit in enumerate(active)}
    local = {wire: place[bit] for wire, bit in bit_of.items() if bit in place}
    outside = (bit for bit in range(len(step.grown)) if bit not in place)
    outer = {step.grown[bit]: number for number, bit in enumerate(outside)}
    rounds = [
        _round(blocks, stages, local, outer) for stages in make_rounds(blocks, step.stages, span)
    ]
    landed = {wire: place[bit] for bit, wire in enumerate(step.after) if bit in place}
    store = tuple(landed[step.grown[bit]] for bit in active)
    return TilePass(len(step.before), len(step.grown), tuple(active), tuple(rounds), store)


def _wide(before: int, width: int, block: Block, bit_of: dict[int, int]) -> WidePass:
    bits = tuple(bit_of[wire] for wire in block.wires)
    controls = tuple(bit_of[wire] for wire in block.controls)
    gate: Matrix | Permutation | Prepare
    if block.kind == "dense":
        gate = Matrix(block.values, bits, controls, block.control_state)
    elif block.kind == "prepare":
        gate = Prepare(block.values, bits)
    else:
        gate = Permutation(np.argsort(block.values), bits, controls, block.control_state)
    return WidePass(before, width, gate)


def _stage(block: Block, local: dict[int, int], outer: dict[int, int]) -> Stage:
    bits = [local[wire] for wire in block.wires]
    order = sorted(range(len(bits)), key=bits.__getitem__)
    ascending = tuple(bits[j] for j in order)
    old = gathered(order)  # the block's index for each index over the ascending bits
    condition = condition_of(block, local, outer)
    if block.kind == "dense":
        matrix = np.ascontiguousarray(block.values[old[:, None], old], dtype=np.complex128)
        return DenseStage(ascending, matrix, block.form, condition)
    if block.kind == "prepare":
        return PrepareStage(ascending, block.values[old].astype(np.complex128))
    return PermuteStage(ascending, np.argsort(old)[block.values[old]], condition)


def _round(
    blocks: Sequence[Block],
    entries: Sequence[int | list[int]],
    local: dict[int, int],
    outer: dict[int, int],
) -> Round:
    stages: list[Stage] = []
    targets: set[int] = set()
    for entry in entries:
        if isinstance(entry, int):
            stages.append(_stage(blocks[entry], local, outer))
            targets.update(local[wire] for wire in blocks[entry].wires)
        else:
            stages.append(diagonal_stage([blocks[number] for number in entry], local, outer))
    return Round(tuple(sorted(targets)), tuple(stages))
