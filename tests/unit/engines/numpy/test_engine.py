"""The NumPy engine against a naive simulation: plans, batches, collapse, copies."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.errors import Cancelled, ProgramError
from simquay.planning import Layout, Plan, make_plan
from simquay.planning.cache import PlanCache
from simquay.planning.direct import GateListPass
from simquay.program import Diagonal, Permutation, Precision
from tests.support.gate_lists import random_gates, run_naively
from tests.support.numpy_states import TOLERANCE, evolve, naive_probabilities

X = Permutation(np.array([1, 0]), (0,))


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("num_qubits", [1, 2, 3, 5, 8])
def test_random_gates_give_the_naive_state(num_qubits: int, precision: Precision) -> None:
    rng = np.random.default_rng(num_qubits)
    for _ in range(20):
        gates = random_gates(num_qubits, 25, rng)
        engine, state = evolve(gates, num_qubits, precision)
        expected = run_naively(gates, num_qubits)
        found = engine.amplitudes(state)
        assert found.dtype == precision.complex_dtype
        np.testing.assert_allclose(found[0], expected, atol=TOLERANCE[precision])
        indices = rng.integers(0, 1 << num_qubits, 9).astype(np.uint64)
        np.testing.assert_array_equal(engine.gather(state, indices), found[:, indices])


@pytest.mark.parametrize("precision", Precision)
def test_the_first_plan_of_few_qubits_is_its_gates(precision: Precision) -> None:
    """The second one is found by search, and both give the same state."""
    gates = [gate for gate in random_gates(6, 40, 5) if not gate.controls]
    engine, cache = DenseEngine(threads=1), PlanCache()
    plans = [make_plan(gates, Layout(), engine.profile(precision, 6), cache) for _ in range(2)]
    assert [isinstance(plan.passes[0], GateListPass) for plan in plans] == [True, False]
    for plan in plans:
        state = engine.allocate(6, precision, capacity=6)
        engine.apply(state, plan, Control())
        found = engine.amplitudes(state)[0]
        np.testing.assert_allclose(found, run_naively(gates, 6), atol=TOLERANCE[precision])


def test_a_state_of_no_qubits_is_a_factor() -> None:
    engine, state = evolve([Diagonal(np.array([1j]), ())], 0)
    np.testing.assert_allclose(engine.amplitudes(state), [[1j]])
    np.testing.assert_allclose(engine.probabilities(state, (), {}), [[1]])
    np.testing.assert_allclose(engine.expectation(state, [""]), [[1]])


def test_every_vector_of_a_batch_gets_the_plan() -> None:
    rng = np.random.default_rng(3)
    engine = DenseEngine()
    state = engine.allocate(4, Precision.DOUBLE, capacity=4, batch=3)
    first = random_gates(4, 10, rng, prepare=False)
    engine.apply(
        state, make_plan(first, state.layout, engine.profile(state.precision, 4)), Control()
    )
    # Different vectors: collapse is the same for all, so scale them by hand through the buffer.
    scale = np.array([1, 1j, -0.5])
    state.vector[...] *= scale[:, None]
    second = random_gates(4, 30, rng, prepare=False)
    engine.apply(
        state, make_plan(second, state.layout, engine.profile(state.precision, 4)), Control()
    )
    expected = run_naively([*first, *second], 4)
    np.testing.assert_allclose(engine.amplitudes(state), scale[:, None] * expected, atol=1e-12)
    np.testing.assert_allclose(
        engine.probabilities(state, (2, 0), {}).sum(axis=1), np.abs(scale) ** 2, atol=1e-12
    )


def test_collapse_and_flip() -> None:
    rng = np.random.default_rng(8)
    for _ in range(30):
        num_qubits = int(rng.integers(1, 6))
        gates = random_gates(num_qubits, 12, rng)
        engine, state = evolve(gates, num_qubits)
        vector = run_naively(gates, num_qubits)
        chosen = [int(q) for q in rng.permutation(num_qubits)[: int(rng.integers(1, 4))]]
        index = int(np.argmax(np.abs(vector)))
        outcome = {q: index >> q & 1 for q in chosen}
        probability = naive_probabilities(vector, (), outcome)[0]
        engine.collapse(state, outcome, probability)
        for i in range(len(vector)):
            if any(i >> q & 1 != value for q, value in outcome.items()):
                vector[i] = 0
        vector /= np.sqrt(probability)
        np.testing.assert_allclose(engine.amplitudes(state)[0], vector, atol=1e-12)
        engine.flip(state, chosen)
        mask = sum(1 << q for q in chosen)
        np.testing.assert_allclose(
            engine.amplitudes(state)[0], vector[np.arange(len(vector)) ^ mask], atol=1e-12
        )


def test_a_copy_is_a_state_of_its_own() -> None:
    engine, state = evolve([X], 1)
    other = engine.copy(state)
    engine.flip(other, [0])
    np.testing.assert_allclose(engine.amplitudes(state), [[0, 1]])
    np.testing.assert_allclose(engine.amplitudes(other), [[1, 0]])
    engine.release(state)
    assert state.buffer.nbytes == 0
    np.testing.assert_allclose(engine.amplitudes(other), [[1, 0]])


def test_a_plan_for_another_layout_is_refused() -> None:
    engine, state = evolve([X], 2)
    plan = Plan(engine.profile(Precision.DOUBLE, 2), Layout((1,)), Layout((1,)))
    with pytest.raises(ProgramError, match="layout"):
        engine.apply(state, plan, Control())


def test_cancelled_work_stops_and_progress_ends_at_one() -> None:
    rng = np.random.default_rng(1)
    gates = random_gates(6, 40, rng)
    engine = DenseEngine()
    state = engine.allocate(6, Precision.DOUBLE, capacity=6)
    plan = make_plan(gates, state.layout, engine.profile(Precision.DOUBLE, 6))
    control = Control()
    engine.apply(engine.copy(state), plan, control)
    assert control.fraction == 1
    control.cancel()
    with pytest.raises(Cancelled):
        engine.apply(state, plan, control)
