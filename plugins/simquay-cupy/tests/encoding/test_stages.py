"""The instruction that a stage becomes."""

from __future__ import annotations

import numpy as np
from encoded_opcodes import X, flat, is_flip
from evolution import REFERENCE, TOLERANCE, evolve, oracle
from tile_stages import BOTH, unitary

from simquay.engine_api import Condition, DenseStage, Matrix, PermuteStage, Precision
from simquay.testing.engines import random_unitary
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


@BOTH
def test_matrices_on_registers_in_any_order(engine: CupyEngine, precision: Precision) -> None:
    """A round orders its registers for its pairs: matrices are for those that ascend."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        gates = [
            Matrix(random_unitary(1 << k, rng), tuple(rng.permutation(4)[:k].tolist()))
            for k in rng.choice([2, 2, 2, 3], 6)
        ]
        found = engine.amplitudes(evolve(engine, gates, 13, precision))
        expected = REFERENCE.amplitudes(oracle(gates, 13))
        assert np.abs(found - expected).max() < TOLERANCE[precision]
