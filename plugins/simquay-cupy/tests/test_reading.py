"""Reading a state: probabilities, amplitudes and expectation values."""

from __future__ import annotations

import numpy as np
import pytest
from evolution import BOTH, REFERENCE, TOLERANCE, evolve, oracle

from simquay.engine_api import (
    Control,
    Layout,
    Precision,
    ProgramError,
    Strings,
    deposit,
    make_plan,
)
from simquay.testing.engines import random_gates
from simquay_cupy import reading
from simquay_cupy.engine import CupyEngine


@BOTH
@pytest.mark.parametrize("qubits", [1, 3, 7, 10, 13])
def test_a_state_is_read_as_the_oracle_reads_it(
    engine: CupyEngine, precision: Precision, qubits: int
) -> None:
    rng = np.random.default_rng(qubits)
    gates = random_gates(qubits, 40, qubits)
    state, expected = evolve(engine, gates, qubits, precision), oracle(gates, qubits)
    tolerance = TOLERANCE[precision]
    for _ in range(12):
        order = rng.permutation(qubits).tolist()
        split = sorted(rng.integers(0, qubits + 1, 2).tolist())
        asked, fixed = order[: split[0]], order[split[0] : split[1]]
        given = {qubit: int(rng.integers(2)) for qubit in fixed}
        one = engine.probabilities(state, asked, given)
        two = REFERENCE.probabilities(expected, asked, given)
        assert one.shape == two.shape
        assert np.abs(one - two).max() < tolerance
        values = rng.integers(0, 1 << len(fixed), 5)
        rows = engine.block_probabilities(state, asked, fixed, values)
        for row, value in zip(rows, values.tolist(), strict=True):
            given = {qubit: value >> bit & 1 for bit, qubit in enumerate(fixed)}
            two = REFERENCE.probabilities(expected, asked, given)[0]
            assert np.abs(row - two).max() < tolerance
    indices = rng.integers(0, 1 << qubits, 50).astype(np.uint64)
    found = engine.gather(state, indices)
    assert np.abs(found - REFERENCE.gather(expected, indices)).max() < tolerance
    assert engine.gather(state, indices[:0]).shape == (1, 0)
    paulis = ["".join(rng.choice(list("IXYZ"), qubits)) for _ in range(90)] + ["I" * qubits]
    means = engine.expectation(state, paulis)
    assert np.abs(means - REFERENCE.expectation(expected, paulis)).max() < 10 * tolerance
    with pytest.raises(ProgramError, match="letters"):
        engine.expectation(state, ["Q" * qubits])


@BOTH
def test_sums_of_more_vectors_than_fit_the_scratch(
    engine: CupyEngine, precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = evolve(engine, random_gates(6, 40, 2), 6, precision)
    many = engine.select([(one, [0] * 11)])
    asked = [0, 2, 5]
    weights = engine.probabilities(one, asked, {})[0]
    outcomes = np.arange(11, dtype=np.int64) % 8
    outcomes[weights[outcomes] < 1e-6] = int(weights.argmax())
    engine.project(many, asked, outcomes, weights[outcomes])
    whole = engine.probabilities(many, [5, 1, 0], {2: 1})
    monkeypatch.setattr(reading, "SUMS_AT_ONCE", 32)  # four vectors
    np.testing.assert_array_equal(engine.probabilities(many, [5, 1, 0], {2: 1}), whole)
    assert len(np.unique(whole.round(3), axis=0)) > 2


@BOTH
@pytest.mark.parametrize(("launches", "flips"), [("one", 3), ("one", 90), ("many", 5)])
def test_means_of_groups_of_any_size(
    engine: CupyEngine,
    precision: Precision,
    launches: str,
    flips: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if launches == "many":
        monkeypatch.setattr(reading, "GROUPS_AT_ONCE", 3)
        monkeypatch.setattr(reading, "SUMS_AT_ONCE", 300)
    rng = np.random.default_rng(flips)
    for qubits in (1, 6, 13):
        gates = random_gates(qubits, 50, qubits)
        state, expected = evolve(engine, gates, qubits, precision), oracle(gates, qubits)
        several = engine.select([(state, [0, 0])])
        stored = len(state.order)
        x = rng.choice([0, *rng.integers(0, 1 << stored, flips - 1)], 600)
        fixed = np.where(rng.random(600) < 0.1, rng.integers(0, 1 << stored, 600) & ~x, 0)
        z, values = rng.integers(0, 1 << stored, (2, 600))
        strings = Strings(x, z & ~fixed, fixed, values & fixed)
        # The same strings for the oracle's layout.
        places = [expected.order.index(qubit) for qubit in state.order]
        moved = Strings(*[deposit(mask, places) for mask in strings])
        known = REFERENCE.means(expected, moved, Control())[0]
        found = engine.means(several, strings, Control())
        assert np.abs(found - known).max() < 10 * TOLERANCE[precision]


@BOTH
def test_the_vectors_of_a_batch_are_read_one_by_one(
    engine: CupyEngine, precision: Precision
) -> None:
    gates = random_gates(12, 60, 8)
    one = evolve(engine, gates, 12, precision)
    batch = engine.allocate(12, precision, capacity=12, batch=3)
    plan = make_plan(gates, Layout(), engine.profile(precision, 12))
    engine.apply(batch, plan, Control())
    stored = 1 << len(batch.order)
    # The second vector is the first one turned by a phase, the third its projection.
    host = engine.on.download(batch.vectors)
    host[1, :stored] *= 1j
    host[2, 1:stored:2] = 0
    batch.vectors = engine.on.upload(host)
    asked, given = [0, 3, 7], {5: 1}
    found = engine.probabilities(batch, asked, given)
    single = engine.probabilities(one, asked, given)[0]
    assert found.shape == (3, 8)
    assert np.abs(found[:2] - single).max() < TOLERANCE[precision]
    lowest = batch.order[0]
    assert engine.probabilities(batch, [lowest], {})[2, 1] == 0
    labels = ["Z" * 12, "X" * 12]
    values = engine.expectation(batch, labels)
    assert np.abs(values[:2] - engine.expectation(one, labels)).max() < 10 * TOLERANCE[precision]
    indices = np.arange(100, dtype=np.uint64)
    amplitudes = engine.gather(batch, indices)
    assert np.abs(amplitudes[1] - 1j * amplitudes[0]).max() < TOLERANCE[precision]
    np.testing.assert_array_equal(amplitudes, engine.amplitudes(batch)[:, :100])
