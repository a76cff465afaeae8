"""Gate lists of a sweep: each vector has numbers of its own."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy import sweeps
from simquay.engines.numpy.engine import DenseEngine
from simquay.errors import Cancelled
from simquay.planning import GateSweep, Layout, Profile, SweepPlan, make_sweep_plan
from simquay.planning.direct import GateListPass
from simquay.program import Diagonal, GateOperation, Matrix, Precision
from tests.support.gate_lists import other_numbers, random_gates, random_unitary, run_naively

ENGINE = DenseEngine(threads=1)
PROFILE = Profile("dense", width=5, tile=14, low=5, direct_sweeps=True)
TOLERANCE = {Precision.DOUBLE: 1e-12, Precision.SINGLE: 2e-5}
BOTH = pytest.mark.parametrize("precision", list(Precision))


def plan_of(lists: list[list[GateOperation]], layout: Layout) -> SweepPlan:
    plan = make_sweep_plan(GateSweep.of(lists), layout, PROFILE)
    assert plan is not None
    assert isinstance(plan.passes[0], GateListPass)
    return plan


def vectors(lists: list[list[GateOperation]], num_qubits: int, precision: Precision) -> np.ndarray:
    """The vectors after each one's gates: half of the gates in a plan each."""
    state = ENGINE.allocate(num_qubits, precision, capacity=num_qubits, batch=len(lists))
    half = len(lists[0]) // 2
    for part in (slice(None, half), slice(half, None)):
        plan = plan_of([gates[part] for gates in lists], state.layout)
        ENGINE.apply_sweep(state, plan, Control())
        assert state.layout == plan.final
    return np.asarray(ENGINE.amplitudes(state))


@BOTH
@pytest.mark.parametrize("seed", range(40))
def test_random_gates(seed: int, precision: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "_TOGETHER", 1 << 6)  # a few vectors at a time
    rng = np.random.default_rng([29, seed])
    num_qubits = int(rng.integers(1, 8))
    gates = random_gates(num_qubits, int(rng.integers(2, 60)), rng, widest=4)
    lists = [other_numbers(gates, rng) for _ in range(int(rng.integers(2, 9)))]
    kept = int(rng.integers(len(gates)))  # numbers that all vectors have
    lists = [[*lists[0][:kept], *one[kept:]] for one in lists]
    for one, vector in zip(lists, vectors(lists, num_qubits, precision), strict=True):
        np.testing.assert_allclose(vector, run_naively(one, num_qubits), atol=TOLERANCE[precision])


@BOTH
def test_products_that_wait_meet_diagonals_and_controls(precision: Precision) -> None:
    rng = np.random.default_rng(3)

    def gates() -> list[GateOperation]:
        phases = np.exp(1j * rng.uniform(0, 6, 8))
        turn = random_unitary(2, rng)
        return [
            Diagonal(phases[:2], (3,)),
            Matrix(turn, (1,)),
            Matrix(random_unitary(2, rng), (2,)),
            Diagonal(phases[2:4], (2,)),
            Diagonal(phases[4:6], (1,)),
            Matrix(turn, (1,)),
            Diagonal(phases[6:], (1,)),
            Diagonal(phases, (0, 1, 2)),
            Diagonal(phases[1:3], (2,)),
            Diagonal(phases[3:5], (2,)),
            Matrix(turn, (0,), (2,), 1),
            Diagonal(phases[:4], (3, 1), (0,), 0),
            Diagonal(phases[2:4], (0,)),
            Matrix(turn, (0,), (1, 3), 1),
        ]

    lists = [gates() for _ in range(5)]
    for one, vector in zip(lists, vectors(lists, 4, precision), strict=True):
        np.testing.assert_allclose(vector, run_naively(one, 4), atol=TOLERANCE[precision])


def test_a_sweep_is_cancelled_between_its_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "_TOGETHER", 1)
    rng = np.random.default_rng(1)
    gates = random_gates(4, 20, rng)
    plan = plan_of([other_numbers(gates, rng) for _ in range(10)], Layout())
    state = ENGINE.allocate(4, Precision.DOUBLE, capacity=4, batch=10)
    control = Control()
    settled = sweeps.Rows.settled
    done: list[sweeps.Rows] = []

    def stopping(rows: sweeps.Rows) -> np.ndarray:
        done.append(rows)
        if len(done) == 5:
            control.cancel()
        return settled(rows)

    monkeypatch.setattr(sweeps.Rows, "settled", stopping)
    with pytest.raises(Cancelled):
        ENGINE.apply_sweep(state, plan, control)
    assert len(done) == 5
    assert control.fraction == 0.5
