"""Sweeps of random gates."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.reference import ReferenceEngine
from simquay.planning import Layout, SweepPlan, make_plan, make_sweep_plan
from simquay.program import GateOperation, Precision
from simquay_cupy.engine import CupyEngine
from tests.support.gate_lists import other_numbers, random_gates

REFERENCE = ReferenceEngine()

TOLERANCE = {Precision.SINGLE: 1e-5, Precision.DOUBLE: 1e-12}

BOTH = pytest.mark.parametrize("precision", list(Precision), ids=lambda p: p.value)


def lists(qubits: int, count: int, seed: int, gates: int = 40) -> list[list[GateOperation]]:
    """Gate lists of one structure and random numbers."""
    rng = np.random.default_rng(seed)
    first = random_gates(qubits, gates, rng)
    return [other_numbers(first, rng) for _ in range(count)]


def sweep_of(
    engine: CupyEngine, gate_lists: list[list[GateOperation]], qubits: int, precision: Precision
) -> SweepPlan:
    plan = make_sweep_plan(gate_lists, Layout(), engine.profile(precision, qubits))
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
    profile = REFERENCE.profile(Precision.DOUBLE, qubits)
    for gates, vector in zip(gate_lists, found, strict=True):
        state = REFERENCE.allocate(qubits, Precision.DOUBLE, capacity=qubits)
        REFERENCE.apply(state, make_plan(gates, Layout(), profile), Control())
        assert np.abs(vector - REFERENCE.amplitudes(state)[0]).max() < tolerance
