"""Measurement's effect on a state: projection and flips."""

from __future__ import annotations

import numpy as np
import pytest
from evolution import BOTH, REFERENCE, TOLERANCE, evolve, oracle

from simquay.engine_api import Precision, ProgramError
from simquay.testing.engines import random_gates
from simquay_cupy import collapse
from simquay_cupy.engine import CupyEngine
from simquay_cupy.state import DeviceState


@BOTH
def test_projection_and_flips(engine: CupyEngine, precision: Precision) -> None:
    rng = np.random.default_rng(3)
    for seed in range(6):
        gates = random_gates(13, 50, seed)
        state, expected = evolve(engine, gates, 13, precision), oracle(gates, 13)
        stored = list(state.order)
        chosen = rng.permutation(stored)[:4].tolist()
        weights = REFERENCE.probabilities(expected, chosen, {})[0]
        best = int(weights.argmax())
        outcome = {qubit: best >> bit & 1 for bit, qubit in enumerate(chosen)}
        engine.collapse(state, outcome, float(weights[best]))
        engine.flip(state, chosen[:3])
        REFERENCE.collapse(expected, outcome, float(weights[best]))
        REFERENCE.flip(expected, chosen[:3])
        difference = engine.amplitudes(state) - REFERENCE.amplitudes(expected)
        assert np.abs(difference).max() < 10 * TOLERANCE[precision]


def test_storage_masks() -> None:
    vectors = np.zeros((1, 1 << 12), dtype=np.complex64)
    state = DeviceState(6, Precision.SINGLE, (4, 1, 5), vectors)
    assert collapse.storage_mask(state, [5, 4]) == 0b101
    assert collapse.storage_mask(state, [1, 1]) == 0  # two flips are none
    with pytest.raises(ProgramError, match="qubit 2 is not stored"):
        collapse.storage_mask(state, [2])


def test_vectors_of_different_sizes_are_not_selected_into_one_state(engine: CupyEngine) -> None:
    small, large = (engine.allocate(n, Precision.SINGLE, capacity=n) for n in (3, 14))
    with pytest.raises(ProgramError, match="different sizes"):
        engine.select([(small, [0]), (large, [0])])
