"""Draws pick from the cumulative distribution in logical order, whatever else happens."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.reference import ReferenceEngine, ReferenceState
from simquay.errors import Cancelled
from simquay.execution.sampling import sampler as module
from simquay.execution.sampling.randomness import Randomness
from simquay.execution.sampling.sampler import DRAWS_AT_ONCE, Distribution, Sampler
from simquay.planning import make_plan
from simquay.program import GateOperation, Matrix, Precision, Relabel
from tests.support.dense import final_state
from tests.support.random_programs import random_gates

ENGINE = ReferenceEngine()
H = np.array([[1, 1], [1, -1]], dtype=complex) / np.sqrt(2)


def state_after(num_qubits: int, gates: tuple[GateOperation, ...]) -> ReferenceState:
    state = ENGINE.allocate(num_qubits, Precision.DOUBLE, capacity=num_qubits)
    plan = make_plan(gates, state.layout, ENGINE.profile(Precision.DOUBLE, num_qubits))
    ENGINE.apply(state, plan, Control())
    return state


def marginal(vector: np.ndarray, qubits: list[int]) -> np.ndarray:
    result = np.zeros(1 << len(qubits))
    for index, amplitude in enumerate(vector):
        result[sum((index >> q & 1) << j for j, q in enumerate(qubits))] += abs(amplitude) ** 2
    return result


@pytest.mark.parametrize("block_bits", [1, 2, 3, 16])
@pytest.mark.parametrize("seed", range(8))
def test_sample_picks_from_the_cumulative_distribution(seed: int, block_bits: int) -> None:
    generator = np.random.default_rng(seed)
    gates = random_gates(6, 14, seed)
    state = state_after(6, gates)
    stored = sorted(state.layout.order)
    qubits = [q for q in stored if generator.integers(0, 4)]
    draws = generator.random(2000)
    outcomes, weights = Sampler(ENGINE, state, qubits, block_bits).pick(draws, Control())
    distribution = marginal(final_state(gates, 6), qubits)
    cumulative = np.cumsum(distribution)
    expected = np.searchsorted(cumulative, draws, side="right")
    # Equal but for draws within rounding of a boundary: the chance of one is below 1e-7.
    assert np.abs(draws[:, None] - cumulative[:-1]).min(initial=1) > 1e-13
    np.testing.assert_array_equal(outcomes, expected)
    np.testing.assert_allclose(weights, distribution[expected], atol=1e-12)


@pytest.mark.parametrize("block_bits", [1, 16])
def test_storage_order_has_no_say(block_bits: int) -> None:
    gates = random_gates(5, 12, 3)
    every = tuple(Matrix(H, (q,)) for q in (3, 0, 4, 1, 2))  # stores qubits in this order
    undo = tuple(Matrix(H, (q,)) for q in range(5))
    swap = Relabel((0, 4), (4, 0))
    draws = Randomness(9, 0).consecutive(0, 0, 5000)
    plain = state_after(5, (*undo, *undo, *gates))
    turned = state_after(5, (*every, *undo, swap, swap, *gates))
    assert plain.layout != turned.layout
    first, _ = Sampler(ENGINE, plain, range(5), block_bits).pick(draws, Control())
    second, _ = Sampler(ENGINE, turned, range(5), 16).pick(draws, Control())
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("block_bits", [1, 16])
def test_outcomes_of_probability_zero_are_never_picked(block_bits: int) -> None:
    # (|001> + |100>)/sqrt(2), at draws on the boundaries.
    vector = np.zeros(8, dtype=complex)
    vector[[1, 4]] = np.sqrt(0.5)
    gate = Matrix(np.linalg.qr(np.column_stack([vector, np.eye(8)[:, :7]]))[0], (0, 1, 2))
    state = state_after(3, (gate,))
    draws = np.array([0.0, 0.25, 0.75, 1 - 2.0**-53])
    outcomes, weights = Sampler(ENGINE, state, range(3), block_bits).pick(draws, Control())
    assert outcomes.tolist() == [1, 1, 4, 4]
    np.testing.assert_allclose(weights, 0.5)


def test_only_blocks_that_were_hit_are_read() -> None:
    class Spy(ReferenceEngine):
        blocks = 0

        def block_probabilities(self, state, qubits, fixed, values):
            self.blocks += len(values)
            return super().block_probabilities(state, qubits, fixed, values)

    state = state_after(12, tuple(Matrix(H, (q,)) for q in range(12)))
    spy = Spy()
    outcomes, _ = Sampler(spy, state, range(12), 4).pick(np.array([0.1, 0.9, 0.1001]), Control())
    assert outcomes.tolist() == [409, 3686, 410]
    assert spy.blocks == 2 + 2  # of 16 blocks, then 256, the draws hit two


def test_sampling_is_cancelled_between_blocks() -> None:
    state = state_after(4, tuple(Matrix(H, (q,)) for q in range(4)))
    control = Control()
    control.cancel()
    for block_bits in (1, 16):
        with pytest.raises(Cancelled):
            Sampler(ENGINE, state, range(4), block_bits).pick(np.array([0.5]), control)


def test_the_control_is_looked_at_before_every_read_of_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Spy(ReferenceEngine):
        sizes: ClassVar[list[int]] = []

        def block_probabilities(self, state, qubits, fixed, values):
            self.sizes.append(len(values) << len(qubits))
            if len(self.sizes) == 3:
                control.cancel()
            return super().block_probabilities(state, qubits, fixed, values)

    state, control = state_after(12, tuple(Matrix(H, (q,)) for q in range(12))), Control()
    draws = Randomness(4, 0).consecutive(0, 0, 4000)
    monkeypatch.setattr(module, "READ_AT_ONCE", 64)
    with pytest.raises(Cancelled):
        Sampler(Spy(), state, range(12), 4).pick(draws, control)
    assert Spy.sizes == [64] * 3


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_outcomes_are_those_of_pick_however_many_draws_are_searched_at_once(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = state_after(9, random_gates(9, 30, 5))
    qubits = sorted(state.layout.order)
    draws = Randomness(4, 0).consecutive(0, 0, 3000)
    expected, _ = Sampler(ENGINE, state, qubits).pick(draws, Control())
    monkeypatch.setattr(module, "DRAWS_AT_ONCE", at_once)
    for block_bits in (2, 3):
        sampler = Sampler(ENGINE, state, qubits, block_bits)
        np.testing.assert_array_equal(sampler.outcomes(draws, Control()), expected)
        np.testing.assert_array_equal(sampler.pick(draws, Control())[0], expected)


@pytest.mark.parametrize("size", [1, 2, 3, 64, 1 << 12])
def test_many_draws_are_located_as_a_few_are(size: int) -> None:
    generator = np.random.default_rng(size)
    weights = generator.random(size)
    weights[1::3] = 0
    distribution = Distribution(weights)
    some = generator.random(3 * DRAWS_AT_ONCE)
    bounds = distribution.cumulative / distribution.cumulative[-1]  # the last is rounded up to 1
    draws = np.concatenate([some, bounds, np.nextafter(bounds, 0)])
    outcomes, levels = distribution.locate(draws)
    expected = np.searchsorted(distribution.cumulative, levels, side="right")
    np.testing.assert_array_equal(outcomes, np.minimum(expected, np.flatnonzero(weights)[-1]))
    few = [distribution.locate(part)[0] for part in np.array_split(draws, 40)]
    np.testing.assert_array_equal(np.concatenate(few), outcomes)
