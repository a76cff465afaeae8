"""What is known of the benchmarks' programs and of tiled plans, as types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, Union, cast

from simquay.planning import Plan
from simquay.planning.tiled.passes import TilePass, WidePass
from simquay.program import GateOperation, Program

__all__ = ["gates_of", "tiled_passes"]

TiledPass: TypeAlias = Union[TilePass, WidePass]


def gates_of(program: Program) -> Sequence[GateOperation]:
    """The operations of a program of :mod:`benchmarks.circuits`: all of them are gates."""
    return cast("Sequence[GateOperation]", program.operations)


def tiled_passes(plan: Plan) -> Sequence[TiledPass]:
    """The passes of a plan of the strategy ``tiled``."""
    return cast("Sequence[TiledPass]", plan.passes)
