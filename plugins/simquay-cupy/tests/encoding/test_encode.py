"""Plans that the encoder refuses, and programs that do not fit constant memory."""

from __future__ import annotations

import numpy as np
import pytest
from tile_stages import (
    EVERY_KERNEL,
    check,
    random_stage,
    tile_pass,
    unitary,
)

from simquay.engine_api import Layout, Matrix, Precision, Profile, ProgramError, make_plan
from simquay_cupy.encoding.encode import encode_plan
from simquay_cupy.encoding.geometry import (
    GEOMETRIES,
)
from simquay_cupy.engine import CupyEngine


def test_a_plan_that_is_not_for_the_gpu_is_refused() -> None:
    gates = tuple(Matrix(unitary(np.random.default_rng(0), 1), (q,)) for q in range(14))
    with pytest.raises(ProgramError, match="tiled"):
        encode_plan(make_plan(gates, Layout(), Profile("gates")), Precision.SINGLE)
    plan = make_plan(gates, Layout(), Profile("tiled", tile=13, low=3))
    with pytest.raises(ProgramError, match="12 qubits"):
        encode_plan(plan, Precision.SINGLE)
    # In double precision, such tiles are for states of 12 qubits.
    plan = make_plan(gates, Layout(), Profile("tiled", tile=12, low=3))
    assert len(encode_plan(plan, Precision.SINGLE).passes) > 1
    with pytest.raises(ProgramError, match=r"not of 1[34]"):
        encode_plan(plan, Precision.DOUBLE)


@EVERY_KERNEL
def test_a_pass_larger_than_constant_memory_becomes_several_launches(
    engine: CupyEngine, precision: Precision, tile: int
) -> None:
    rng = np.random.default_rng(8)
    width = 14 if tile == GEOMETRIES[precision].tile else tile
    stages = [random_stage(rng, tile, width - tile) for _ in range(30)]
    pass_ = tile_pass(precision, stages, width, rng=rng)
    check(engine, precision, [pass_], rng, limit=4096)
