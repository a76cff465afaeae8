"""Which gates are undone before qubits are dropped, and that gradients are those without."""

from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.execution.adjoint import narrowing
from simquay.execution.adjoint.backward import derivatives
from simquay.execution.adjoint.narrowing import find_steps
from simquay.program import (
    Diagonal,
    Gate,
    Matrix,
    Observable,
    Parametric,
    Permutation,
    Precision,
    Prepare,
    Program,
    Relabel,
)

NOT = np.array([1, 0], dtype=np.intp)


def ladder(qubits, layers, formulas=("ry",)):
    gates: list[Gate] = []
    for layer in range(layers):
        gates += [
            Parametric(formula, (layer * qubits + qubit,), (qubit,))
            for qubit in range(qubits)
            for formula in formulas
        ]
        gates += [Permutation(NOT, (q + 1,), (q,), 1) for q in range(qubits - 1)]
    return gates


@pytest.fixture
def cheap(monkeypatch):
    monkeypatch.setattr(narrowing, "_CUT", 1)
    monkeypatch.setattr(narrowing, "_PASSES", 0)
    monkeypatch.setattr(narrowing, "_LEAST", 1)


def test_a_few_gates_or_qubits_are_one_step():
    gates = ladder(6, 3)
    assert find_steps(gates, {}, range(6)) == [(range(len(gates)), ())]


def test_each_gate_is_undone_once_and_before_its_qubits_are_dropped(cheap):
    gates = ladder(8, 2)
    steps = find_steps(gates, {}, range(8))
    assert len(steps) > 2
    assert sorted(place for step in steps for place in step.places) == [*range(len(gates))]
    gone: set[int] = set()
    done: set[int] = set()
    for step in steps:
        assert [*step.places] == sorted(step.places)
        for place in reversed(step.places):
            own = {*gates[place].qubits, *gates[place].controls}
            assert not own & gone
            for later in range(place + 1, len(gates)):  # commuting here: two CX with one control
                other = gates[later]
                shared = own & {*other.qubits, *other.controls}
                moves = shared & {*other.qubits} or shared & {*gates[place].qubits}
                assert later in done or not moves
            done.add(place)
        gone |= set(step.dropped)


def test_what_commutes_waits_and_what_is_prepared_is_kept(cheap):
    phase = Diagonal(np.array([1, 1, 1, -1], dtype=complex), (0, 1))
    gates = [phase, Diagonal(phase.diagonal, (1, 2)), Parametric("ry", (0,), (2,))]
    step = find_steps(gates, {}, range(3))[0]
    assert (step.places, step.dropped) == ([1, 2], (2,))
    prepared = [Prepare(np.array([0.6, 0.8], dtype=complex), (2,)), *gates]
    assert all(2 not in one.dropped for one in find_steps(prepared, {}, range(3)))


@pytest.mark.parametrize("turned", [1, 64])
@pytest.mark.parametrize("formulas", [("ry",), ("rx", "rz")], ids=["real", "complex"])
@pytest.mark.parametrize("batch", [1, 3])
def test_derivatives_are_those_of_one_step(monkeypatch, formulas, turned, batch):
    gates = ladder(6, 2, formulas)
    h = np.array([[1, 1], [1, -1]], dtype=complex) / np.sqrt(2)
    gates.insert(9, Relabel((4, 5), (5, 4)))
    gates.insert(20, Matrix(h, (3,), (5,), 1))
    program = Program(6, 0, tuple(gates), num_angles=12)
    again = Program(6, 0, tuple(gates), num_angles=12)
    letters = np.array([1, 2, 3] * 6, dtype=np.uint8)
    observable = Observable(6, np.linspace(0.2, 1, 18), letters, np.arange(18) // 3, np.arange(19))
    engine = DenseEngine(threads=1)
    monkeypatch.setattr(DenseEngine, "turned_from", turned)
    angles = np.random.default_rng(4).uniform(-2, 2, (batch, 12))
    given = angles, [observable, observable], engine, Precision.DOUBLE, Control(), batch
    whole = derivatives(program, *given)
    narrow = Mock(wraps=engine.narrow)
    monkeypatch.setattr(engine, "narrow", narrow)
    monkeypatch.setattr(narrowing, "_CUT", 1)
    monkeypatch.setattr(narrowing, "_PASSES", 0)
    monkeypatch.setattr(narrowing, "_LEAST", 1)
    parts = derivatives(again, *given)
    assert narrow.called
    np.testing.assert_allclose(parts.values, whole.values, atol=1e-13)
    np.testing.assert_allclose(parts.slopes, whole.slopes, atol=1e-13)
