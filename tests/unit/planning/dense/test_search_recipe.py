"""Recipes of dense plans: filled with other numbers, and for a sweep."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.planning import GateSweep, Layout, Plan, Profile, SweepPlan
from simquay.planning.dense.search import find_dense
from simquay.planning.dense.steps import LonePass
from simquay.program import Matrix, Permutation, Precision
from simquay.program.gates import GateOperation
from tests.support.gate_lists import other_numbers, random_gates, random_unitary, run_naively

ENGINE = DenseEngine(threads=1)
PROFILE = Profile("dense", width=3, tile=5, low=2, start=3)


def amplitudes(plan: Plan | SweepPlan, num_qubits: int) -> np.ndarray:
    batch = plan.batch if isinstance(plan, SweepPlan) else 1
    state = ENGINE.allocate(num_qubits, Precision.DOUBLE, capacity=num_qubits, batch=batch)
    if isinstance(plan, SweepPlan):
        ENGINE.apply_sweep(state, plan, Control())
    else:
        ENGINE.apply(state, plan, Control())
    return np.asarray(ENGINE.amplitudes(state))


@pytest.mark.parametrize("seed", range(10))
def test_a_recipe_filled_with_other_numbers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gates = random_gates(7, 50, rng)
    recipe, plan = find_dense(gates, Layout(), PROFILE)
    changed = other_numbers(gates, rng)
    again = recipe.fill(changed)
    assert again.final == plan.final
    np.testing.assert_allclose(amplitudes(again, 7)[0], run_naively(changed, 7), atol=1e-11)
    # Filling leaves the first plan as it was.
    np.testing.assert_allclose(amplitudes(plan, 7)[0], run_naively(gates, 7), atol=1e-11)


def test_gates_that_stand_alone_are_shared_only_without_numbers() -> None:
    rng = np.random.default_rng(0)
    table = rng.permutation(1 << 6).astype(np.intp)
    flips: list[GateOperation] = [Permutation(np.array([1, 0]), (qubit,)) for qubit in range(3)]
    turns = [Matrix(random_unitary(2, rng), (0,)) for _ in range(2)]
    profile = Profile("dense", width=3, tile=10, low=2)
    wide = Permutation(table, (0, 1, 2, 3, 4, 5))
    shared = [[*flips, turn, wide] for turn in turns]
    recipe, _ = find_dense(shared[0], Layout(), profile)
    sweep = recipe.fill_sweep(GateSweep.of(shared))
    assert sweep is not None
    assert any(isinstance(step, LonePass) for step in sweep.passes)
    found = amplitudes(sweep, 6)
    for gates, vector in zip(shared, found, strict=True):
        np.testing.assert_allclose(vector, run_naively(gates, 6), atol=1e-12)
    own = [[*flips, Matrix(random_unitary(64, rng), (0, 1, 2, 3, 4, 5))] for _ in range(2)]
    recipe, _ = find_dense(own[0], Layout(), profile)
    assert recipe.fill_sweep(GateSweep.of(own)) is None
