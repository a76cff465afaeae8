"""Every dense plan computes what its gates compute, whatever the profile."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.planning import Layout, Profile, make_plan
from simquay.planning.dense.steps import ClusterPass, LonePass, ProductStep
from simquay.program import Precision
from simquay.program.operations import GateOperation
from tests.support.gate_lists import apply_naively, random_gates, run_naively

PROFILES = [
    Profile("dense", width=2, tile=3, low=1, start=0),
    Profile("dense", width=3, tile=4, low=2, start=2),
    Profile("dense", width=4, tile=5, low=2, start=3),
    Profile("dense", width=5, tile=7, low=3, start=4),
    Profile("dense", width=5, tile=15, low=5, start=10),
]


def run_plan(
    gates: list[GateOperation], num_qubits: int, profile: Profile, threads: int = 1
) -> np.ndarray:
    engine = DenseEngine(threads=threads)
    state = engine.allocate(num_qubits, Precision.DOUBLE, capacity=num_qubits)
    plan = make_plan(gates, state.layout, profile)
    engine.apply(state, plan, Control())
    return np.asarray(engine.amplitudes(state)[0])


@pytest.mark.parametrize("profile", PROFILES)
def test_plans_of_random_gates_give_the_naive_state(profile: Profile) -> None:
    rng = np.random.default_rng(profile.tile)
    for _ in range(60):
        num_qubits = int(rng.integers(1, 9))
        gates = random_gates(num_qubits, int(rng.integers(1, 60)), rng)
        np.testing.assert_allclose(
            run_plan(gates, num_qubits, profile), run_naively(gates, num_qubits), atol=1e-11
        )


@pytest.mark.parametrize("profile", PROFILES)
def test_a_plan_has_the_unitary_of_its_gates(profile: Profile) -> None:
    """From every basis state, so that the whole matrix is checked, and from a stored layout."""
    rng = np.random.default_rng(100 + profile.tile)
    num_qubits = 5
    engine = DenseEngine(threads=2)
    for _ in range(8):
        gates = random_gates(num_qubits, 30, rng, prepare=False)
        order = tuple(int(q) for q in rng.permutation(num_qubits))
        plan = make_plan(gates, Layout(order), profile)
        size = 1 << num_qubits
        # One vector of the batch for each basis state.
        state = engine.allocate(num_qubits, Precision.DOUBLE, capacity=num_qubits, batch=size)
        state.grow(order)
        state.vector[...] = 0
        for column in range(size):
            stored = sum((column >> qubit & 1) << place for place, qubit in enumerate(order))
            state.vector[column, stored] = 1
        engine.apply(state, plan, Control())
        expected = np.eye(size, dtype=complex)
        for column in range(size):
            for gate in gates:
                expected[column] = apply_naively(expected[column], gate)
        np.testing.assert_allclose(engine.amplitudes(state), expected, atol=1e-11)


def test_a_wide_state_in_many_tiles_with_many_threads() -> None:
    rng = np.random.default_rng(16)
    for threads in (1, 3):
        gates = random_gates(16, 150, rng, widest=3)
        found = run_plan(gates, 16, Profile("dense", width=5, tile=11, low=4, start=8), threads)
        np.testing.assert_allclose(found, run_naively(gates, 16), atol=1e-11)


def test_steps_keep_what_their_docstrings_promise() -> None:
    rng = np.random.default_rng(4)
    profile = PROFILES[3]
    gates = random_gates(12, 200, rng)
    plan = make_plan(gates, Layout(), profile)
    order: tuple[int, ...] = ()
    for step in plan.passes:
        if isinstance(step, LonePass):
            assert step.before[: len(order)] == order
        elif isinstance(step, ClusterPass):
            assert step.before[: len(order)] == order
            assert step.loaded[: step.keep] == step.before[: step.keep]
            assert set(step.before[len(order) :]) <= set(step.loaded)
            assert len(step.loaded) <= profile.tile
            buffer = step.loaded
            for part in step.steps:
                if not isinstance(part, ProductStep):
                    buffer = getattr(part, "after", buffer)
                    continue
                assert part.before == buffer
                for block, where in [
                    (part.wires, part.before),
                    (part.result, part.after),
                    (part.columns, part.before),
                    (part.columns, part.after),
                ]:
                    start = where.index(block[0]) if block else 0
                    assert where[start : start + len(block)] == block
                assert part.before[0] in (*part.wires, *part.columns)
                assert part.after[0] in (*part.wires, *part.columns)
                buffer = part.after
            assert buffer == step.final
        order = step.after
    assert any(isinstance(step, LonePass) for step in plan.passes)
