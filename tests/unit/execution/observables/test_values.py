"""Expectation values of observables on an engine's state, against their matrices."""

from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.observables import terms as module
from simquay.execution.observables.values import Estimates, chosen_values, expectation_values
from simquay.planning import make_plan
from simquay.program import GateOperation, Observable, Precision
from tests.support.dense import final_state
from tests.support.observables import matrix_of, observable, random_observable
from tests.support.random_programs import random_gates
from tests.support.small_gates import cx, h, x

ENGINES: list[Engine] = [ReferenceEngine(), DenseEngine()]
NAMES = [engine.name for engine in ENGINES]


def state_of(engine: Engine, num_qubits: int, gates: tuple[GateOperation, ...], batch: int = 1):
    """A state of ``batch`` equal vectors that only stores the qubits that it has to."""
    state = engine.allocate(num_qubits, Precision.DOUBLE, capacity=num_qubits, batch=batch)
    plan = make_plan(gates, state.layout, engine.profile(Precision.DOUBLE, num_qubits))
    engine.apply(state, plan, Control())
    return state


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
@pytest.mark.parametrize("seed", range(20))
def test_the_value_of_any_observable_is_that_of_its_matrix(engine: Engine, seed: int) -> None:
    generator = np.random.default_rng(seed)
    num_qubits = 1 + seed % 5
    gates = random_gates(num_qubits, seed % 7, seed)  # with few gates, few qubits are stored
    some = [random_observable(num_qubits, terms, generator) for terms in (0, 1, 12)]
    vector = final_state(gates, num_qubits)
    expected = [np.vdot(vector, matrix_of(one) @ vector).real for one in some]
    state = state_of(engine, num_qubits, gates)
    for _ in range(2):  # the state is the same afterwards
        found = expectation_values(engine, state, some, Control())
        assert found.shape == (1, 3)
        np.testing.assert_allclose(found[0], expected, atol=1e-13)
    np.testing.assert_allclose(engine.amplitudes(state)[0], vector, atol=1e-13)


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
@pytest.mark.parametrize(("few", "most"), [(0, 1 << 16), (1, 1 << 16), (9, 1 << 16), (9, 3)])
def test_projectors_are_written_out_or_states_are_rotated(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, few: int, most: int
) -> None:
    monkeypatch.setattr(module, "_FEW_PROJECTORS", few)
    monkeypatch.setattr(module, "_MOST_EXPANDED", most)
    monkeypatch.setattr(module, "_CACHE", {})
    generator = np.random.default_rng(few + most)
    gates = random_gates(5, 20, 3)
    some = [random_observable(5, terms, generator, "+-rlXYZ1") for terms in (30, 1, 9)]
    some.append(observable(5, {"+-rl+": 1.0, "-r+l0": -2.0, "IIIII": 0.5}))
    vector = final_state(gates, 5)
    expected = [np.vdot(vector, matrix_of(one) @ vector).real for one in some]
    state = state_of(engine, 5, gates, batch=2 if engine.batched else 1)
    applied = Mock(side_effect=engine.apply)
    monkeypatch.setattr(engine, "apply", applied)
    found = expectation_values(engine, state, some, Control())
    for row in found:
        np.testing.assert_allclose(row, expected, atol=1e-13)
    assert (applied.call_count == 0) is (few == 9 and most > 3)
    np.testing.assert_allclose(engine.amplitudes(state)[0], vector, atol=1e-13)


@pytest.mark.parametrize("label", [a + b for a in "ZXY1-l0+r" for b in "IZX+1"])
def test_letters_on_qubits_that_are_measured_or_reset(label: str) -> None:
    engine = ReferenceEngine()
    one = observable(3, {"I" + label: 1.0})
    vector = final_state((h(0), cx(0, 1), h(0)), 3)
    full = np.outer(vector, vector.conj())
    for measured, resets in [((1,), ()), ((), (1,)), ((1,), (1,)), ((0, 1), ()), ((2,), (0,))]:
        density = full
        for qubit in range(3):
            ones = np.arange(8) >> qubit & 1
            if qubit in measured or qubit in resets:
                density = np.where(ones[:, None] == ones, density, 0)
            if qubit in resets:
                flip = np.eye(8)[np.arange(8) ^ (1 << qubit)]
                zero, one_ = np.diag(1.0 - ones), np.diag(1.0 * ones)
                density = zero @ density @ zero + flip @ one_ @ density @ one_ @ flip
        expected = np.trace(matrix_of(one) @ density).real
        state = state_of(engine, 3, (h(0), cx(0, 1), h(0)))
        found = expectation_values(engine, state, [one], Control(), measured, resets)
        assert found[0, 0] == pytest.approx(expected, abs=1e-14), (measured, resets)


def test_vectors_that_need_no_rotation_are_not_read_in_a_rotated_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_FEW_PROJECTORS", 0)
    engine = DenseEngine()
    estimates = Estimates((observable(1, {"Z": 3.0}), observable(1, {"-": 1.0})), ((0,), (1,)))
    state = state_of(engine, 1, (h(0),), batch=2)
    values = chosen_values(engine, state, estimates, (0, 1), Control())
    np.testing.assert_allclose(values, [[[0.0]], [[0.0]]], atol=1e-15)


def test_vectors_are_read_for_what_they_want() -> None:
    engine = DenseEngine()
    some = tuple(
        observable(2, {label: factor}) for label, factor in (("IZ", 1.0), ("ZI", 3.0), ("X+", 2.0))
    )
    estimates = Estimates(some, ((0,), (), (0, 1), (2, 0), (2, 0), (1,)))
    state = state_of(engine, 2, (x(0), h(1)), batch=5)
    groups = chosen_values(engine, state, estimates, (1, 2, 3, 4, 5), Control())
    rows = [row.tolist() for group in groups for row in group]
    assert rows == [
        [],
        pytest.approx([-1, 0]),
        pytest.approx([1, -1]),
        pytest.approx([1, -1]),
        pytest.approx([0]),
    ]


def test_terms_are_found_once_for_equal_observables_and_layouts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = ReferenceEngine()
    found = Mock(side_effect=module._find_terms)
    monkeypatch.setattr(module, "_find_terms", found)
    state = state_of(engine, 2, (h(0), cx(0, 1)))
    for _ in range(3):
        one = observable(2, {"ZZ": 1.0, "XX": 0.5})
        assert expectation_values(engine, state, [one], Control())[0, 0] == pytest.approx(1.5)
    assert found.call_count == 1
    assert expectation_values(engine, state, [one], Control(), (0,))[0, 0] == pytest.approx(1)
    for factor in range(100):
        other = observable(2, {"ZZ": factor})
        value = expectation_values(engine, state, [other], Control())[0, 0]
        assert value == pytest.approx(factor)
    assert found.call_count == 102


def test_qubits_beyond_64_that_are_not_stored_are_zero() -> None:
    engine = ReferenceEngine()
    letters = np.array([1, 9, 2], dtype=np.uint8)
    one = Observable(
        100, np.array([2.0, 1.0]), letters, np.array([90, 80, 70]), np.array([0, 2, 3])
    )
    state = engine.allocate(100, Precision.DOUBLE, capacity=1)
    assert expectation_values(engine, state, [one], Control()).tolist() == [[2.0]]


def test_trajectories_follow_from_the_error() -> None:
    assert Estimates((), ()).trajectories == 10_000
    assert Estimates((), (), 0.1).trajectories == 100
    assert Estimates((), (), 1e-9).trajectories == 100_000
