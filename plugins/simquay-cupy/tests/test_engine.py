"""The whole engine: programs in, states, probabilities and samples out."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine, ReferenceState
from simquay.errors import Cancelled, ProgramError
from simquay.execution.run import run_program
from simquay.execution.sampling import Sampler
from simquay.execution.settings import RunSettings
from simquay.planning import Layout, make_plan
from simquay.planning.tiled.passes import WidePass
from simquay.program import GateOperation, Matrix, Permutation, Precision
from simquay_cupy import readout
from simquay_cupy.engine import CupyEngine
from simquay_cupy.state import DeviceState
from tests.support.batch_states import check_many_vectors
from tests.support.random_programs import (
    random_dynamic_program,
    random_gates,
    random_unitary_program,
)

REFERENCE = ReferenceEngine()
TOLERANCE = {Precision.SINGLE: 1e-5, Precision.DOUBLE: 1e-12}
BOTH = pytest.mark.parametrize("precision", list(Precision), ids=lambda p: p.value)


def evolve(
    engine: CupyEngine, gates: tuple[GateOperation, ...], qubits: int, precision: Precision
) -> DeviceState:
    state = engine.allocate(qubits, precision, capacity=qubits)
    plan = make_plan(gates, Layout(), engine.profile(precision, qubits))
    engine.apply(state, plan, Control())
    return state


def oracle(gates: tuple[GateOperation, ...], qubits: int) -> ReferenceState:
    state = REFERENCE.allocate(qubits, Precision.DOUBLE, capacity=qubits)
    plan = make_plan(gates, Layout(), REFERENCE.profile(Precision.DOUBLE, qubits))
    REFERENCE.apply(state, plan, Control())
    return state


@BOTH
@pytest.mark.parametrize("qubits", [*range(1, 16)])
def test_random_gates_give_the_oracles_amplitudes(
    engine: CupyEngine, precision: Precision, qubits: int
) -> None:
    for seed in range(3):
        gates = random_gates(qubits, (10, 60, 150)[seed], 1000 * qubits + seed)
        state = evolve(engine, gates, qubits, precision)
        expected = REFERENCE.amplitudes(oracle(gates, qubits))
        assert np.abs(engine.amplitudes(state) - expected).max() < TOLERANCE[precision]


@BOTH
def test_plans_follow_each_other_and_copies_are_their_own(
    engine: CupyEngine, precision: Precision
) -> None:
    gates = random_gates(14, 80, 5)
    state = engine.allocate(14, precision, capacity=14)
    kept = None
    for start in range(0, 80, 20):
        plan = make_plan(gates[start : start + 20], state.layout, engine.profile(precision, 14))
        engine.apply(state, plan, Control())
        if start == 20:
            kept = engine.copy(state)
    assert kept is not None
    for stopped, count in ((kept, 40), (state, 80)):
        expected = REFERENCE.amplitudes(oracle(gates[:count], 14))
        assert np.abs(engine.amplitudes(stopped) - expected).max() < TOLERANCE[precision]
        engine.release(stopped)


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
    values = engine.expectation(state, paulis)
    assert np.abs(values - REFERENCE.expectation(expected, paulis)).max() < 10 * tolerance
    with pytest.raises(ProgramError, match="letters"):
        engine.expectation(state, ["Q" * qubits])


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
        for one, other in ((engine, state), (REFERENCE, expected)):
            one.collapse(other, outcome, float(weights[best]))
            one.flip(other, chosen[:3])
        difference = engine.amplitudes(state) - REFERENCE.amplitudes(expected)
        assert np.abs(difference).max() < 10 * TOLERANCE[precision]


@pytest.mark.parametrize("seed", range(12))
def test_a_seed_gives_the_samples_of_the_numpy_engine(engine: CupyEngine, seed: int) -> None:
    programs = [
        random_unitary_program(15, 60, seed, measure=True),
        random_unitary_program(5, 20, seed, measure=True),
        random_dynamic_program(6, 40, seed, num_clbits=8),
    ]
    for program in programs:
        settings = RunSettings(shots=400, seed=seed)
        one = run_program(program, engine, settings, Control())
        other = run_program(program, DenseEngine(), settings, Control())
        np.testing.assert_array_equal(one.samples, other.samples)
        assert one.metadata["branches"] == other.metadata["branches"]


@pytest.mark.parametrize("block_bits", [1, 3, 8])
def test_small_blocks_draw_what_one_large_one_draws(
    engine: CupyEngine, block_bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(engine), "block_bits", block_bits)
    gates = random_gates(14, 90, 77)
    state, expected = evolve(engine, gates, 14, Precision.DOUBLE), oracle(gates, 14)
    draws = np.random.default_rng(0).random(3000)
    qubits = [0, 1, 2, 3, 5, 6, 7, 8, 10, 12, 13]
    found, weights = Sampler(engine, state, qubits, 4).pick(draws, Control())
    whole, same = Sampler(REFERENCE, expected, qubits).pick(draws, Control())
    np.testing.assert_array_equal(found, whole)
    np.testing.assert_allclose(weights, same, atol=1e-12)


def test_the_final_state_is_handed_out(engine: CupyEngine) -> None:
    program = random_unitary_program(9, 40, 2)
    settings = RunSettings(shots=1, statevector=True)
    one = run_program(program, engine, settings, Control())
    other = run_program(program, REFERENCE, settings, Control())
    assert one.statevector is not None
    assert other.statevector is not None
    assert np.abs(one.statevector - other.statevector).max() < 1e-12


def test_cancelling_stops_between_passes(engine: CupyEngine) -> None:
    class Stops(Control):
        __slots__ = ()

        def report(self, fraction: float) -> None:
            super().report(fraction)
            self.cancel()

    gates = random_gates(15, 300, 1)
    plan = make_plan(gates, Layout(), engine.profile(Precision.DOUBLE, 15))
    assert len(plan.passes) > 2
    state = engine.allocate(15, Precision.DOUBLE, capacity=15)
    with pytest.raises(Cancelled):
        engine.apply(state, plan, Stops())
    engine.release(state)


def test_a_plan_for_another_engine_or_state_is_refused(engine: CupyEngine) -> None:
    gates = (Matrix(np.array([[0, 1], [1, 0]], dtype=complex), (0,)),)
    state = engine.allocate(2, Precision.DOUBLE, capacity=1)
    with pytest.raises(ProgramError, match="'gates'"):
        engine.apply(
            state,
            make_plan(gates, Layout(), REFERENCE.profile(Precision.DOUBLE, 2)),
            Control(),
        )
    profile = engine.profile(Precision.DOUBLE, 2)
    with pytest.raises(ProgramError, match="layout"):
        engine.apply(state, make_plan(gates, Layout((1,)), profile), Control())
    wide = make_plan(random_gates(13, 60, 0), Layout(), engine.profile(Precision.DOUBLE, 13))
    with pytest.raises(ProgramError, match="allocated"):
        engine.apply(state, wide, Control())
    # A plan with larger tiles than the state has room for, though it stores few qubits.
    profile = engine.profile(Precision.DOUBLE, 12)
    with pytest.raises(ProgramError, match="tiles have 12 qubits"):
        engine.apply(state, make_plan(gates, Layout(), profile), Control())


def test_a_batch_has_as_many_vectors_as_a_grid_can_have(engine: CupyEngine) -> None:
    with pytest.raises(ProgramError, match="at most 65535 vectors"):
        engine.allocate(1, Precision.SINGLE, capacity=1, batch=1 << 16)


def test_a_state_takes_what_was_promised_and_no_scratch_of_its_size(engine: CupyEngine) -> None:
    state = engine.allocate(20, Precision.SINGLE, capacity=20)
    assert state.vectors.nbytes == 8 << 20
    promised = engine.required_bytes(33, Precision.SINGLE)
    assert (8 << 33) < promised < (8 << 33) + (64 << 20)
    engine.release(state)


@BOTH
def test_what_is_wider_than_a_tile_runs_too(engine: CupyEngine, precision: Precision) -> None:
    rng = np.random.default_rng(21)
    wide = 13
    order = rng.permutation(wide + 1).tolist()
    hadamard = np.array([[1, 1], [1, -1]], dtype=complex) / np.sqrt(2)
    gates: tuple[GateOperation, ...] = (
        *(Matrix(hadamard, (qubit,)) for qubit in range(wide + 1)),
        Matrix(np.diag([1, 1j]), (2,)),
        Matrix(hadamard, (2,)),
        Permutation(rng.permutation(1 << wide), tuple(order[:wide]), (order[wide],), 1),
        Matrix(hadamard, (5,)),
    )
    plan = make_plan(gates, Layout(), engine.profile(precision, wide + 1))
    assert any(isinstance(pass_, WidePass) for pass_ in plan.passes)
    state = evolve(engine, gates, wide + 1, precision)
    expected = REFERENCE.amplitudes(oracle(gates, wide + 1))
    assert np.abs(engine.amplitudes(state) - expected).max() < TOLERANCE[precision]


@BOTH
@pytest.mark.parametrize("qubits", [1, 4, 9, 13])
def test_each_vector_of_many_is_what_it_is_alone(
    engine: CupyEngine, precision: Precision, qubits: int
) -> None:
    for seed in range(4):
        check_many_vectors(engine, qubits, precision, seed)


@pytest.mark.parametrize("seed", range(8))
def test_branches_in_batches_are_those_of_the_numpy_engine(engine: CupyEngine, seed: int) -> None:
    program = random_dynamic_program(5, 40, seed)
    for together in (1, 4, None):
        settings = RunSettings(shots=200, seed=seed, branches_together=together)
        expected = run_program(program, DenseEngine(), settings, Control())
        found = run_program(program, engine, settings, Control())
        np.testing.assert_array_equal(found.samples, expected.samples)
        assert found.metadata["branches"] == expected.metadata["branches"]


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
    monkeypatch.setattr(readout, "SUMS_AT_ONCE", 32)  # four vectors
    np.testing.assert_array_equal(engine.probabilities(many, [5, 1, 0], {2: 1}), whole)
    assert len(np.unique(whole.round(3), axis=0)) > 2


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
