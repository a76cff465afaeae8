"""The buffers that programs point into."""

from __future__ import annotations

import numpy as np
import pytest
from encoded_opcodes import ising
from tile_stages import BOTH, check, tile_pass, unitary

from simquay.engine_api import DenseStage, Layout, Plan, Precision, Profile, Stage
from simquay_cupy.encoding import programs
from simquay_cupy.encoding.encode import encode_plan
from simquay_cupy.encoding.geometry import (
    GEOMETRIES,
)
from simquay_cupy.engine import CupyEngine


@pytest.mark.parametrize("most", [0, 3])
@BOTH
def test_factors_of_threads_are_looked_up_as_far_as_there_is_room(
    engine: CupyEngine, precision: Precision, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "MAX_FACTOR_TABLES", most)
    rng = np.random.default_rng(16)
    tile = GEOMETRIES[precision].tile
    stages: list[Stage] = []
    for angle in (0.1, 0.2, 0.3, 0.4, 0.5):
        stages += [ising([(bit, bit + 3) for bit in range(tile - 3)], angle)]
        stages += [DenseStage((bit,), unitary(rng, 1)) for bit in range(tile)]
    pass_ = tile_pass(precision, stages, tile)
    check(engine, precision, [pass_], rng)
    plan = Plan(Profile("tiled"), Layout(), Layout(), [pass_])
    tables = encode_plan(plan, precision).tables
    threads = 1 << GEOMETRIES[precision].thread
    assert len(tables) == max(most * threads, 1)
