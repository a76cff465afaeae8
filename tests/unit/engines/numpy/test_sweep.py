"""Cluster passes whose matrices differ from vector to vector."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy import engine as numpy_engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.errors import Cancelled
from simquay.planning import Layout, make_sweep_plan
from simquay.planning.dense.steps import ClusterPass
from simquay.program import GateOperation, Matrix, Precision
from tests.support.gate_lists import random_unitary, run_naively

QUBITS, BATCH = 12, 5


def gate_lists() -> list[list[GateOperation]]:
    """One structure with other numbers for each vector: layers of two-qubit gates."""
    pairs = [(a, (a + step) % QUBITS) for step in (1, 3, 2) for a in range(QUBITS)]
    return [
        [Matrix(random_unitary(4, rng), pair) for pair in pairs]
        for rng in map(np.random.default_rng, range(BATCH))
    ]


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("tile", [8, 10, 15])
def test_each_vector_gets_its_own_numbers(
    precision: Precision, tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_engine, "_TILE_BITS", dict.fromkeys(Precision, tile))
    engine, lists = DenseEngine(threads=1), gate_lists()
    state = engine.allocate(QUBITS, precision, capacity=QUBITS, batch=BATCH)
    plan = make_sweep_plan(lists, Layout(), engine.profile(precision, QUBITS))
    assert plan is not None
    assert any(isinstance(step, ClusterPass) for step in plan.passes)
    control = Control()
    engine.apply_sweep(state, plan, control)
    assert control.fraction == 1.0
    expected = [run_naively(gates, QUBITS) for gates in lists]
    tolerance = 1e-12 if precision is Precision.DOUBLE else 1e-5
    np.testing.assert_allclose(engine.amplitudes(state), expected, atol=tolerance)


def test_it_is_cancelled_between_passes() -> None:
    engine, lists = DenseEngine(threads=1), gate_lists()
    state = engine.allocate(QUBITS, Precision.DOUBLE, capacity=QUBITS, batch=BATCH)
    plan = make_sweep_plan(lists, Layout(), engine.profile(Precision.DOUBLE, QUBITS))
    assert plan is not None
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        engine.apply_sweep(state, plan, control)
