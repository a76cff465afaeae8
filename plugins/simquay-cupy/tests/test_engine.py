"""The engine: plans in, states and samples out."""

from __future__ import annotations

import numpy as np
import pytest
from evolution import BOTH, REFERENCE, TOLERANCE, evolve, oracle

from simquay.engine_api import (
    Cancelled,
    Control,
    GateOperation,
    Layout,
    Matrix,
    Permutation,
    Precision,
    ProgramError,
    WidePass,
    make_plan,
)
from simquay.testing.engines import random_gates
from simquay_cupy.engine import CupyEngine


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
