"""The costs of tiled passes: flops and amplitudes moved. Fusion decides by these figures.

A flop is one multiplication or addition of reals; a fused multiply-add is two. Figures are per
amplitude of the tile, and are those of a kernel that uses the stage's form.
"""

from __future__ import annotations

from dataclasses import dataclass

from simquay.planning.tiled.passes import (
    DenseStage,
    DiagonalStage,
    PrepareStage,
    Stage,
    TilePass,
    WidePass,
)
from simquay.program.gates import Matrix

__all__ = ["DENSE_FLOPS", "DIAGONAL_FLOPS", "PassCost", "dense_flops", "pass_cost", "stage_flops"]

DENSE_FLOPS = {"complex": 8, "real": 4, "rx_like": 4, "hadamard": 2}
"""Flops per amplitude and row entry: a dense complex stage on ``k`` qubits takes ``8 * 2**k``."""

DIAGONAL_FLOPS = 6
"""One complex product."""


def dense_flops(qubits: int, form: str) -> int:
    """Flops per amplitude of a dense stage without condition."""
    return DENSE_FLOPS[form] << qubits


def stage_flops(stage: Stage, local_bits: int) -> float:
    """Flops per amplitude of the tile, averaged over tiles (per-tile tables are not counted)."""
    if isinstance(stage, DiagonalStage):
        return sum(
            DIAGONAL_FLOPS / (1 << group.local_mask.bit_count())
            for group in stage.groups
            if group.bits or group.local_mask or local_bits == 0
        )
    if isinstance(stage, PrepareStage):
        return DIAGONAL_FLOPS
    if isinstance(stage, DenseStage):
        where = stage.condition
        fewer = where.local_mask.bit_count() + where.outer_mask.bit_count()
        return dense_flops(len(stage.bits), stage.form) / (1 << fewer)
    return 0.0


@dataclass(frozen=True, slots=True)
class PassCost:
    """The cost of one pass.

    Attributes:
        flops: of the whole pass.
        amplitudes: read plus written.
        stages: in every tile.
        rounds: in every tile.
    """

    flops: float
    amplitudes: float
    stages: int
    rounds: int


def pass_cost(pass_: TilePass | WidePass) -> PassCost:
    """The cost of a pass, for the whole vector."""
    size = 2.0**pass_.width
    moved = size + 2.0**pass_.before
    if isinstance(pass_, WidePass):
        rows = 1 << len(pass_.gate.qubits) if isinstance(pass_.gate, Matrix) else 0
        return PassCost(8.0 * rows * size, moved, 1, 0)
    bits = len(pass_.active)
    flops = sum(stage_flops(stage, bits) for stage in pass_.stages)
    return PassCost(flops * size, moved, len(pass_.stages), len(pass_.rounds))
