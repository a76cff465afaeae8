"""Sweeps of random gates."""

from __future__ import annotations

import numpy as np
from evolution import BOTH, REFERENCE, TOLERANCE, oracle

from simquay.engine_api import (
    Control,
    GateOperation,
    GateSweep,
    Layout,
    Precision,
    SweepPlan,
    make_sweep_plan,
)
from simquay.testing.engines import other_numbers, random_gates
from simquay_cupy.engine import CupyEngine

__all__ = ["BOTH", "TOLERANCE", "applied", "check", "lists", "sweep_of"]


def lists(qubits: int, count: int, seed: int, gates: int = 40) -> list[list[GateOperation]]:
    """Gate lists of one structure and random numbers."""
    rng = np.random.default_rng(seed)
    first = random_gates(qubits, gates, rng)
    return [other_numbers(first, rng) for _ in range(count)]


def sweep_of(
    engine: CupyEngine, gate_lists: list[list[GateOperation]], qubits: int, precision: Precision
) -> SweepPlan:
    plan = make_sweep_plan(GateSweep.of(gate_lists), Layout(), engine.profile(precision, qubits))
    assert plan is not None
    return plan


def applied(engine: CupyEngine, plan: SweepPlan, qubits: int, precision: Precision) -> np.ndarray:
    state = engine.allocate(qubits, precision, capacity=qubits, batch=plan.batch)
    engine.apply_sweep(state, plan, Control())
    found = engine.amplitudes(state)
    engine.release(state)
    return found


def check(found: np.ndarray, gate_lists: list[list[GateOperation]], tolerance: float) -> None:
    """Hold each vector against the reference engine's."""
    qubits = found.shape[1].bit_length() - 1
    for gates, vector in zip(gate_lists, found, strict=True):
        expected = REFERENCE.amplitudes(oracle(gates, qubits))[0]
        assert np.abs(vector - expected).max() < tolerance
