"""Derivatives by angles against those that the parameter-shift rule gives."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.errors import Cancelled, ProgramError
from simquay.execution.adjoint.backward import (
    check_gates,
    derivatives,
    points_together,
    required_bytes,
)
from simquay.program import Gate, Measure, Observable, Parametric, Permutation, Precision, Program

ENGINES: list[Engine] = [DenseEngine(threads=2), ReferenceEngine()]
NOT = np.array([1, 0], dtype=np.intp)


def a_program(qubits=3, layers=2):
    gates: list[Gate] = []
    for layer in range(layers):
        gates += [Parametric("ry", (layer * qubits + q,), (q,)) for q in range(qubits)]
        gates += [Permutation(NOT, (q + 1,), (q,), 1) for q in range(qubits - 1)]
    return Program(qubits, 0, tuple(gates), num_angles=qubits * layers)


def a_sum(qubits, letters="ZX"):
    """The sum of single letters, with weights of their own."""
    count = qubits * len(letters)
    codes = {"Z": 1, "X": 2, "Y": 3, "+": 10}
    return Observable(
        qubits,
        np.linspace(0.3, 1, count),
        np.array([codes[one] for one in letters for _ in range(qubits)], dtype=np.uint8),
        np.tile(np.arange(qubits), len(letters)),
        np.arange(count + 1),
    )


def by_shifts(program, angles, observable, engine):
    """The rule for rotations."""
    found = []
    for place in range(program.num_angles):
        moved = np.array([angles, angles])
        moved[:, place] += [np.pi / 2, -np.pi / 2]
        plus, minus = derivatives(
            program, moved, [observable], engine, Precision.DOUBLE, Control()
        ).values[:, 0]
        found.append((plus - minus) / 2)
    return found


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_derivatives(engine):
    program, observables = a_program(), [a_sum(3), a_sum(3, "Y"), a_sum(3, "Z")]
    angles = np.random.default_rng(0).uniform(-2, 2, (4, 6))
    batch = points_together(program, engine, Precision.DOUBLE, 4)
    assert batch == (4 if engine.name == "numpy" else 1)
    found = derivatives(program, angles, observables, engine, Precision.DOUBLE, Control(), batch)
    assert found.values.shape == (4, 3)
    for point in range(4):
        for number, observable in enumerate(observables):
            wanted = by_shifts(program, angles[point], observable, engine)
            np.testing.assert_allclose(found.slopes[point, number], wanted, atol=1e-13)


def test_memory_is_that_of_two_states_or_three():
    program, engine = a_program(4), ENGINES[0]
    one = required_bytes(program, engine, Precision.DOUBLE, 1)
    assert one == engine.required_bytes(5, Precision.DOUBLE)
    several = required_bytes(program, engine, Precision.DOUBLE, 2)
    assert several == one + engine.required_bytes(4, Precision.DOUBLE)


def test_states_are_released(monkeypatch):
    engine = DenseEngine()
    alive = []
    allocate, copy, release = engine.allocate, engine.copy, engine.release

    def kept(state):
        alive.append(state)
        return state

    def released(state):
        alive.remove(state)
        release(state)

    monkeypatch.setattr(engine, "allocate", lambda *a, **k: kept(allocate(*a, **k)))
    monkeypatch.setattr(engine, "copy", lambda state: kept(copy(state)))
    monkeypatch.setattr(engine, "release", released)
    program, observables = a_program(), [a_sum(3), a_sum(3, "Y")]
    derivatives(program, np.ones((1, 6)), observables, engine, Precision.DOUBLE, Control())
    assert alive == []
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        derivatives(program, np.ones((1, 6)), observables, engine, Precision.DOUBLE, control)
    assert alive == []


def test_measurements_are_refused():
    program = Program(1, 1, (Parametric("ry", (0,), (0,)), Measure(0, 0)), num_angles=1)
    with pytest.raises(ProgramError, match="has an operation Measure"):
        check_gates(program)


def test_progress_ends_at_one():
    control = Control()
    derivatives(a_program(), np.ones((2, 6)), [a_sum(3)], ENGINES[0], Precision.DOUBLE, control)
    assert control.fraction == 1
