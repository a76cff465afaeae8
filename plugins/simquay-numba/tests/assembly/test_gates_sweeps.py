"""Gate lists of a sweep: each vector has numbers of its own."""

from __future__ import annotations

import numpy as np
import pytest
from stored_vectors import TOLERANCE

from simquay.engine_api import (
    Cancelled,
    Control,
    Diagonal,
    GateListPass,
    GateOperation,
    GateSweep,
    Layout,
    Matrix,
    Precision,
    ProgramError,
    ReferenceEngine,
    make_sweep_plan,
)
from simquay.testing.engines import evolve, other_numbers, random_gates
from simquay_numba.assembly import gates as assembly_gates
from simquay_numba.engine import NumbaEngine

REFERENCE = ReferenceEngine()
BOTH = pytest.mark.parametrize("precision", list(Precision))


def vectors(
    engine: NumbaEngine, lists: list[list[GateOperation]], num_qubits: int, precision: Precision
) -> np.ndarray:
    """The vectors after each one's gates: half of the gates in a plan each."""
    state = engine.allocate(num_qubits, precision, capacity=num_qubits, batch=len(lists))
    half = len(lists[0]) // 2
    for part in (slice(None, half), slice(half, None)):
        sweep = GateSweep.of([gates[part] for gates in lists])
        plan = make_sweep_plan(sweep, state.layout, engine.profile(precision, num_qubits))
        assert plan is not None
        assert all(isinstance(pass_, GateListPass) for pass_ in plan.passes)
        engine.apply_sweep(state, plan, Control())
        assert state.layout == plan.final
    return np.asarray(engine.amplitudes(state))


@BOTH
@pytest.mark.parametrize("threads", [1, 2])
def test_random_gates(precision: Precision, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly_gates, "_ALONE", 0)
    engine = NumbaEngine(threads=threads)
    kinds: set[type] = set()
    for seed in range(60):
        rng = np.random.default_rng([23, seed])
        num_qubits = int(rng.integers(1, 9))
        gates = random_gates(num_qubits, int(rng.integers(2, 50)), rng, widest=4)
        kinds.update(map(type, gates))
        # Fewer vectors than a register has numbers, as many, and more; some with equal numbers.
        lists = [other_numbers(gates, rng) for _ in range(int(rng.integers(2, 40)))]
        lists[1] = lists[0]
        kept = int(rng.integers(len(gates)))
        lists = [[*lists[0][:kept], *one[kept:]] for one in lists]
        found = vectors(engine, lists, num_qubits, precision)
        for number in (0, len(lists) // 2, len(lists) - 1):
            expected = REFERENCE.amplitudes(evolve(REFERENCE, lists[number], num_qubits))[0]
            np.testing.assert_allclose(found[number], expected, atol=TOLERANCE[precision])
    assert len(kinds) == 5


@BOTH
def test_diagonals_and_controls_on_qubits_that_are_not_stored(precision: Precision) -> None:
    rng = np.random.default_rng(3)

    def gates() -> list[GateOperation]:
        phases = np.exp(1j * rng.uniform(0, 6, 8))
        turn = np.linalg.qr(rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)))[0]
        return [
            Diagonal(phases[:2], (3,)),
            Matrix(turn, (1,)),
            Diagonal(phases, (0, 1, 2)),
            Matrix(turn, (0,), (2,), 1),
            Diagonal(phases[:4], (3, 1), (0,), 0),
            Matrix(turn, (0,), (1, 3), 1),
        ]

    lists = [gates() for _ in range(11)]
    found = vectors(NumbaEngine(), lists, 4, precision)
    for one, vector in zip(lists, found, strict=True):
        expected = REFERENCE.amplitudes(evolve(REFERENCE, one, 4))[0]
        np.testing.assert_allclose(vector, expected, atol=TOLERANCE[precision])


def test_a_sweep_is_cancelled_between_its_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopping(Control):
        checks = 0

        def check(self) -> None:
            self.checks += 1
            if self.checks == 3:
                raise Cancelled

    monkeypatch.setattr(assembly_gates, "_PORTION", 1)
    engine = NumbaEngine(threads=1)
    rng = np.random.default_rng(1)
    gates = random_gates(4, 20, rng)
    sweep = GateSweep.of([other_numbers(gates, rng) for _ in range(100)])
    plan = make_sweep_plan(sweep, Layout(), engine.profile(Precision.DOUBLE, 4))
    assert plan is not None
    state = engine.allocate(4, Precision.DOUBLE, capacity=4, batch=100)
    control = Stopping()
    with pytest.raises(Cancelled):
        engine.apply_sweep(state, plan, control)
    assert control.checks == 3
    assert 0 < control.fraction < 0.5
    fewer = engine.allocate(4, Precision.DOUBLE, capacity=4, batch=99)
    with pytest.raises(ProgramError, match="a sweep of 100 vectors"):
        engine.apply_sweep(fewer, plan, Control())
