"""Sweeps → programs of the tile interpreter: those of all vectors, in one set of buffers.

A program holds the numbers of its gates, so vectors with different numbers have different programs,
each with its own launch. The programs of neighbouring vectors follow each other in constant memory,
so that one copy brings many of them there. Neighbours with equal numbers share a program.
"""

from __future__ import annotations

import dataclasses

from simquay.engine_api import Precision, ProgramError, SweepPlan, TilePass
from simquay_cupy.encoding.encode import encode_pass
from simquay_cupy.encoding.geometry import geometry_for
from simquay_cupy.encoding.programs import PROGRAM_BYTES, Launch, PlanPrograms, ProgramBuffers

__all__ = ["encode_sweep"]


def encode_sweep(plan: SweepPlan, precision: Precision, limit: int = PROGRAM_BYTES) -> PlanPrograms:
    """A tiled sweep for the GPU, with programs of at most ``limit`` bytes.

    Raises:
        ProgramError: if it is not tiled, or as :func:`~simquay_cupy.encoding.encode.encode_plan`
        does.
    """
    buffers = ProgramBuffers(precision, geometry_for(precision, plan.profile.tile))
    passes = []
    for vectors in plan.passes:
        if not isinstance(vectors, tuple):
            raise ProgramError("the cupy engine applies tiled sweeps: a pass for each vector")
        launches: list[tuple[int, Launch]] = []
        last: TilePass | None = None
        for vector, pass_ in enumerate(vectors):
            if not isinstance(pass_, TilePass):
                raise ProgramError(
                    f"a {type(pass_).__name__} is no pass of a sweep on the cupy engine"
                )
            if pass_ is not last:
                programs = encode_pass(pass_, buffers, limit)
                last = pass_
            launches += [
                (window, dataclasses.replace(launch, vector=vector)) for window, launch in programs
            ]
        passes.append(tuple(launches))
    return buffers.finish(passes)
