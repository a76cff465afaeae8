"""Fusion of flips (X under a condition) into neighbouring matrices and into exchanges.

There a flip costs nothing; in registers it costs a third of a two-qubit matrix. The planner counts
flops, of which a flip has none, so plans have many.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import (
    ALWAYS,
    DenseStage,
    DiagonalStage,
    Form,
    PermuteStage,
    Stage,
    mask_of,
    spread,
)

__all__ = ["Multiplex", "fuse_flips", "pair_conditions", "take_first_flips", "take_last_flips"]

MAX_BITS = 3
"""Bits of the widest matrix that is applied in registers."""


def fuse_flips(stages: Sequence[Stage]) -> list[Stage]:
    """The same stages with fewer flips.

    A flip is multiplied into the last matrix before it that acts on all of its bits, or else into
    the first one after it, if it commutes with all stages in between.
    """
    for after in (True, False):
        result: list[Stage] = []
        for stage in stages:
            target = None
            if isinstance(stage, PermuteStage) and stage.is_flip and not stage.condition.outer_mask:
                target = _absorbing_stage(result, stage)
                if target is not None:
                    result[target] = _multiply(result[target], stage, after=after)
            if target is None:
                result.append(stage)
        stages = result[::-1]
    return list(stages)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Multiplex:
    """A multiplexed gate on one local bit: ``stage.matrix`` where the stage's local condition
    holds, and ``otherwise`` elsewhere, in the tiles in which its outer condition holds."""

    stage: DenseStage
    otherwise: NDArray[np.complex128]


def pair_conditions(stages: Sequence[Stage]) -> list[Stage | Multiplex]:
    """The same stages, with conditional one-qubit matrices as :class:`Multiplex`.

    Two neighbours on the same bit, for the two values of one bit, become one.
    """
    result: list[Stage | Multiplex] = []
    identity = np.eye(2, dtype=np.complex128)
    for stage in stages:
        if not (
            isinstance(stage, DenseStage) and len(stage.bits) == 1 and stage.condition.local_mask
        ):
            result.append(stage)
            continue
        last = result[-1] if result else None
        if isinstance(last, Multiplex) and last.otherwise is identity and _complement(last, stage):
            result[-1] = Multiplex(last.stage, stage.matrix)
        else:
            result.append(Multiplex(stage, identity))
    return result


def _complement(last: Multiplex, stage: DenseStage) -> bool:
    """Whether ``stage`` acts on the same bit exactly where ``last`` does not."""
    mine, theirs = stage.condition, last.stage.condition
    opposite = theirs._replace(local_value=theirs.local_value ^ theirs.local_mask)
    one_bit = theirs.local_mask.bit_count() == 1
    return stage.bits == last.stage.bits and one_bit and mine == opposite


def take_last_flips(
    stages: Sequence[Stage | Multiplex],
) -> tuple[list[Stage | Multiplex], list[tuple[int, int]]]:
    """Split off the CX that can be moved behind all other stages.

    Returns the other stages, and the CX in order as (control, target). CX are linear maps of the
    local index over GF(2), and an exchange can apply such a map by reading from other slots.
    """
    rest, flips = take_first_flips(stages[::-1])
    return rest[::-1], flips[::-1]


def take_first_flips(
    stages: Sequence[Stage | Multiplex],
) -> tuple[list[Stage | Multiplex], list[tuple[int, int]]]:
    """Likewise, for the CX that can be moved before all other stages."""
    rest: list[Stage | Multiplex] = []
    flips: list[tuple[int, int]] = []
    for stage in stages:
        if isinstance(stage, PermuteStage) and stage.is_flip:
            where = stage.condition
            on_one = where.local_mask == where.local_value and where.local_mask.bit_count() == 1
            if on_one and not where.outer_mask and all(_commute(stage, other) for other in rest):
                flips.append((where.local_mask.bit_length() - 1, stage.bits[0]))
                continue
        rest.append(stage)
    return rest, flips


def _commute(flip: PermuteStage, stage: Stage | Multiplex) -> bool:
    """Whether X under a condition commutes with ``stage``, judged by bits alone.

    X commutes with X on the same bit, and a condition with a stage that does not act on its bits.
    """
    if isinstance(stage, Multiplex):
        stage = stage.stage
    target, control = 1 << flip.bits[0], flip.condition.local_mask
    if isinstance(stage, DiagonalStage):
        return not any(target & (one.local_mask | mask_of(one.bits)) for one in stage.groups)
    moved = mask_of(stage.bits)
    looked = stage.condition.local_mask if isinstance(stage, (DenseStage, PermuteStage)) else 0
    if isinstance(stage, PermuteStage) and stage.is_flip:
        return not (control & moved or target & looked)
    return not (control & moved or target & (moved | looked))


def _absorbing_stage(stages: Sequence[Stage], flip: PermuteStage) -> int | None:
    """The number of the last stage that the flip can be multiplied into, if it commutes with all
    stages after that; None if there is none."""
    bits = 1 << flip.bits[0] | flip.condition.local_mask
    for number in reversed(range(len(stages))):
        stage = stages[number]
        if (
            isinstance(stage, DenseStage)
            and stage.condition == ALWAYS
            and len(stage.bits) <= MAX_BITS
            and bits & ~mask_of(stage.bits) == 0
        ):
            return number
        if not _commute(flip, stage):
            return None
    return None


def _multiply(stage: Stage, flip: PermuteStage, *, after: bool) -> DenseStage:
    """``stage`` with ``flip`` multiplied into its matrix, as if it came after or before."""
    assert isinstance(stage, DenseStage)
    index = np.arange(1 << len(stage.bits))
    where = flip.condition
    # For each index over the stage's bits, the index that the flip moves it to.
    meets = spread(stage.bits) & where.local_mask == where.local_value
    order = np.where(meets, index ^ 1 << stage.bits.index(flip.bits[0]), index)
    matrix = stage.matrix[order] if after else stage.matrix[:, order]
    form: Form = "real" if stage.form in ("real", "hadamard") else "complex"
    return dataclasses.replace(stage, matrix=np.ascontiguousarray(matrix), form=form, affine=False)
