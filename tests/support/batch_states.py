"""Checks what an engine does with states of many vectors, one outcome for each."""

from __future__ import annotations

from typing import Any

import numpy as np

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.reference import ReferenceEngine
from simquay.planning import make_plan
from simquay.program import GateOperation, Precision, Prepare
from tests.support.random_programs import random_gates

__all__ = ["check_many_vectors"]

ORACLE = ReferenceEngine()
VECTORS = 7


def _apply(engine: Engine, state: Any, gates: tuple[GateOperation, ...], capacity: int) -> None:
    profile = engine.profile(state.precision, capacity)
    engine.apply(state, make_plan(gates, state.layout, profile), Control())


def check_many_vectors(engine: Engine, qubits: int, precision: Precision, seed: int) -> None:
    """Select, project, apply and select again; each vector against the reference engine, which
    has a state for each and collapses it alone."""
    rng = np.random.default_rng(seed)
    tolerance = 1e-12 if precision is Precision.DOUBLE else 2e-5
    first = random_gates(qubits, 12, seed)
    second, third = (
        tuple(g for g in random_gates(qubits, 12, seed + n) if not isinstance(g, Prepare))
        for n in (1000, 2000)
    )
    state = engine.allocate(qubits, precision, capacity=qubits)
    expected = ORACLE.allocate(qubits, Precision.DOUBLE, capacity=qubits)
    _apply(engine, state, first, qubits)
    _apply(ORACLE, expected, first, qubits)

    many = engine.select([(state, [0] * VECTORS)])
    engine.release(state)
    assert many.batch == VECTORS
    alone = [ORACLE.copy(expected) for _ in range(VECTORS)]
    stored = set(many.layout.order) & set(alone[0].order)
    measured = [qubit for qubit in range(qubits) if qubit in stored and rng.integers(0, 2)]
    resets = [qubit for qubit in measured if rng.integers(0, 2)]
    weights = ORACLE.probabilities(expected, measured, {})[0]
    likely = np.flatnonzero(weights > 1e-3 * weights.max())
    outcomes = rng.choice(likely, VECTORS).astype(np.int64)
    engine.project(many, measured, outcomes, weights[outcomes], resets)
    for one, outcome in zip(alone, outcomes.tolist(), strict=True):
        values = {qubit: outcome >> bit & 1 for bit, qubit in enumerate(measured)}
        ORACLE.collapse(one, values, float(weights[outcome]))
        ORACLE.flip(one, [qubit for qubit in resets if values[qubit]])
    _compare(engine, many, alone, tolerance)

    # Steps for all; and for some, which may have another layout then.
    _apply(engine, many, second, qubits)
    for one in alone:
        _apply(ORACLE, one, second, qubits)
    some = engine.select([(many, [5, 0, 2])])
    _apply(engine, some, third, qubits)
    moved = [ORACLE.copy(alone[number]) for number in (5, 0, 2)]
    for one in moved:
        _apply(ORACLE, one, third, qubits)
    _compare(engine, some, moved, tolerance)
    for parts, want in (
        ([(many, [6, 1]), (some, [2, 0, 0])], [alone[6], alone[1], moved[2], moved[0], moved[0]]),
        ([(some, [1]), (many, [3])], [moved[1], alone[3]]),
    ):
        both = engine.select(parts)
        _compare(engine, both, want, tolerance)
        asked = list(range(qubits))[:: max(qubits // 4, 1)]
        found = engine.probabilities(both, asked, {})
        for number, one in enumerate(want):
            exact = ORACLE.probabilities(one, asked, {})[0]
            assert np.abs(found[number] - exact).max() < tolerance
            view = engine.rows(both, number, number + 1)
            np.testing.assert_array_equal(engine.probabilities(view, asked, {})[0], found[number])
        engine.release(both)
    # What was selected from is as it was.
    _compare(engine, many, alone, tolerance)
    engine.release(many)
    engine.release(some)


def _compare(engine: Engine, state: Any, expected: list[Any], tolerance: float) -> None:
    amplitudes = engine.amplitudes(state)
    assert len(amplitudes) == len(expected)
    for row, one in zip(amplitudes, expected, strict=True):
        assert np.abs(row - ORACLE.amplitudes(one)[0]).max() < tolerance
