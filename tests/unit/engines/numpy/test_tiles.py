"""Cluster passes on tiles: threads, numbers of each vector, and cancellation between tiles."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy import engine as numpy_engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.errors import Cancelled
from simquay.planning import GateSweep, Layout, make_plan, make_sweep_plan
from simquay.planning.dense.steps import ClusterPass
from simquay.program import GateOperation, Matrix, Precision
from tests.support.gate_lists import random_gates, random_unitary, run_naively

QUBITS, BATCH = 12, 5


def test_cancelling_stops_between_tiles() -> None:
    """One pass of many tiles: it must not take all of them."""
    n = 20
    gates = [Matrix(np.eye(2) + 0j, (q,)) for q in range(n)]
    for threads in (1, 2):
        engine = DenseEngine(threads=threads)
        state = engine.allocate(n, Precision.SINGLE, capacity=n)
        state.grow(range(n))
        plan = make_plan(gates, Layout(tuple(range(n))), engine.profile(Precision.SINGLE, n))

        class Stops(Control):
            """Cancels itself at the third look, and counts the looks."""

            __slots__ = ("looks",)

            def check(self) -> None:
                self.looks = getattr(self, "looks", 0) + 1
                if self.looks == 3:
                    self.cancel()
                super().check()

            def section(self, low: float, high: float) -> Control:
                return self

        control = Stops()
        with pytest.raises(Cancelled):
            engine.apply(state, plan, control)
        assert control.looks <= 3 + threads


def test_threads_do_not_change_the_result() -> None:
    rng = np.random.default_rng(1)
    gates = random_gates(17, 60, rng)
    results = []
    for threads in (1, 2, 5):
        engine = DenseEngine(threads=threads)
        state = engine.allocate(17, Precision.DOUBLE, capacity=17)
        engine.apply(
            state, make_plan(gates, Layout(), engine.profile(Precision.DOUBLE, 17)), Control()
        )
        results.append(engine.amplitudes(state))
    np.testing.assert_allclose(results[1], results[0], atol=1e-13)
    np.testing.assert_allclose(results[2], results[0], atol=1e-13)


def gate_lists() -> list[list[GateOperation]]:
    """One structure with other numbers for each vector: layers of two-qubit gates."""
    pairs = [(a, (a + step) % QUBITS) for step in (1, 3, 2) for a in range(QUBITS)]
    return [
        [Matrix(random_unitary(4, rng), pair) for pair in pairs]
        for rng in map(np.random.default_rng, range(BATCH))
    ]


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("tile", [8, 10, 15])
def test_in_a_sweep_each_vector_gets_its_own_numbers(
    precision: Precision, tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_engine, "_TILE_BITS", dict.fromkeys(Precision, tile))
    engine, lists = DenseEngine(threads=1), gate_lists()
    state = engine.allocate(QUBITS, precision, capacity=QUBITS, batch=BATCH)
    plan = make_sweep_plan(GateSweep.of(lists), Layout(), engine.profile(precision, QUBITS))
    assert plan is not None
    assert any(isinstance(step, ClusterPass) for step in plan.passes)
    control = Control()
    engine.apply_sweep(state, plan, control)
    assert control.fraction == 1.0
    expected = [run_naively(gates, QUBITS) for gates in lists]
    tolerance = 1e-12 if precision is Precision.DOUBLE else 1e-5
    np.testing.assert_allclose(engine.amplitudes(state), expected, atol=tolerance)


def test_a_sweep_is_cancelled_between_passes() -> None:
    engine, lists = DenseEngine(threads=1), gate_lists()
    state = engine.allocate(QUBITS, Precision.DOUBLE, capacity=QUBITS, batch=BATCH)
    plan = make_sweep_plan(GateSweep.of(lists), Layout(), engine.profile(Precision.DOUBLE, QUBITS))
    assert plan is not None
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        engine.apply_sweep(state, plan, control)
