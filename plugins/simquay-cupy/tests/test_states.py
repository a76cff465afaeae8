"""The state on the device: its sizes, where qubits are stored, projection, flips, selection."""

from __future__ import annotations

import numpy as np
import pytest
from evolution import BOTH, REFERENCE, TOLERANCE, evolve, oracle

from simquay.engine_api import Engine, Layout, Matrix, Precision, ProgramError, Strings
from simquay.testing.engines import apply_gates, random_gates, random_unitary
from simquay_cupy import states
from simquay_cupy.engine import CupyEngine
from simquay_cupy.states import DeviceState


def test_sizes_and_the_layout_are_read_from_the_array_and_the_order() -> None:
    state = DeviceState(5, Precision.SINGLE, (3, 0), np.zeros((4, 1 << 12), dtype=np.complex64))
    assert (state.batch, state.stride) == (4, 4096)
    assert state.layout == Layout((3, 0))
    assert state.layout.positions() == {3: 0, 0: 1}


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


@pytest.mark.parametrize("work", [1 << 10, 1 << 32])
def test_sums_of_strings_in_one_launch_or_several(
    monkeypatch: pytest.MonkeyPatch, engine: CupyEngine, work: int
) -> None:
    monkeypatch.setattr(states, "LAUNCH_WORK", work)
    rng = np.random.default_rng(8)
    x, z, fixed = rng.integers(0, 1 << 6, (3, 50))
    fixed &= ~(x | z)
    for count in (50, 0):  # no string at all: the identity has its place elsewhere
        strings = Strings(*[one[:count] for one in (x, z, fixed, fixed & 21)])
        found = []
        engines: list[Engine] = [engine, REFERENCE]
        for one in engines:
            state = one.allocate(7, Precision.DOUBLE, capacity=7)
            gates = [Matrix(random_unitary(64, np.random.default_rng(1)), tuple(range(6)))]
            apply_gates(one, state, gates)
            both = one.paired(state, 6, strings, np.linspace(-1, 1, count))
            found.append(one.amplitudes(both))
        np.testing.assert_allclose(found[0], found[1], atol=1e-12)


def test_two_flips_are_none_and_what_is_not_stored_is_not_flipped(engine: CupyEngine) -> None:
    state = evolve(engine, random_gates(6, 30, 1), 6, Precision.DOUBLE)
    before = engine.amplitudes(state)
    stored = state.order[0]
    engine.flip(state, [stored, stored])
    np.testing.assert_array_equal(engine.amplitudes(state), before)
    engine.flip(state, [stored])
    assert np.abs(engine.amplitudes(state) - before).max() > 0.01
    nothing = engine.allocate(6, Precision.SINGLE, capacity=6)
    with pytest.raises(ProgramError, match="qubit 2 is not stored"):
        engine.flip(nothing, [2])
    with pytest.raises(ProgramError, match="has 1 for a qubit that is"):
        engine.collapse(nothing, {2: 1}, 1.0)


def test_vectors_of_different_sizes_are_not_selected_into_one_state(engine: CupyEngine) -> None:
    small, large = (engine.allocate(n, Precision.SINGLE, capacity=n) for n in (3, 14))
    with pytest.raises(ProgramError, match="different sizes"):
        engine.select([(small, [0]), (large, [0])])
