"""The instruction that a stage becomes."""

from __future__ import annotations

import numpy as np
from encoded_opcodes import X, flat, is_flip
from tile_stages import BOTH, unitary

from simquay.engine_api import Condition, DenseStage, PermuteStage, Precision
from simquay_cupy.encoding.geometry import (
    GEOMETRIES,
)
from simquay_cupy.encoding.opcodes import Op
from simquay_cupy.engine import CupyEngine


@BOTH
def test_flips_by_where_their_conditions_are(engine: CupyEngine, precision: Precision) -> None:
    rng = np.random.default_rng(14)
    geometry = GEOMETRIES[precision]
    bits = range(5, 5 + geometry.register)
    thread = 4
    for target in bits:
        for control in bits:
            if control == target:
                continue
            mixes = [DenseStage((bit,), unitary(rng, 1)) for bit in bits]
            for mask, value, expected in (
                (1 << control, 1 << control, "CX"),
                (1 << control, 0, "FLIP_WHERE"),
                (1 << thread, 1 << thread, "FLIP"),
                (1 << thread, 0, "FLIP"),
                (1 << thread | 1 << control, 1 << thread | 1 << control, "FLIP_WHERE"),
            ):
                flip = PermuteStage((target,), X, Condition(mask, value))
                opcodes = flat(engine, precision, [*mixes, flip, *mixes])
                (found,) = filter(is_flip, opcodes)
                if expected == "CX":
                    assert found < Op.PHASE
                else:
                    place = found - Op.CONDITIONAL - Op[expected]
                    assert 0 <= place < geometry.register
