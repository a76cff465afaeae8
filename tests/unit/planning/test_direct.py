"""Plans without a search: what they do, against gates that are applied one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simquay.planning import GateSweep, Layout, Plan, Profile
from simquay.planning.cache import PlanCache
from simquay.planning.direct import GateListPass, plan_direct, plan_sweep_direct
from simquay.planning.gatewise import plan_gates
from simquay.planning.numbers.pool import PoolLayout
from simquay.planning.planner import make_plan, make_sweep_plan
from simquay.program.gates import Diagonal, GateOperation, Matrix, Permutation, Relabel
from tests.support.gate_lists import other_numbers, random_gates, run_naively

PROFILE = Profile("dense", width=4, tile=6, low=2, start=3, direct=1 << 20)
X = np.array([1, 0])
H = np.array([[1, 1], [1, -1]]) / np.sqrt(2) + 0j


def vector(plan: Plan, num_qubits: int) -> np.ndarray:
    """The amplitudes in qubit order that a plan says: its gates on the qubits of its order."""
    (pass_,) = plan.passes
    assert isinstance(pass_, GateListPass)
    labelled = run_naively(list(pass_.gates), num_qubits)
    # A qubit that the final layout does not store is |0>.
    stored = sum(1 << qubit for qubit in plan.final.order)
    outside = [i for i in range(1 << num_qubits) if i & ~stored]
    np.testing.assert_allclose(labelled[outside], 0, atol=1e-12)
    return labelled


@pytest.mark.parametrize("seed", range(40))
def test_the_layout_stores_every_qubit_that_may_leave_zero(seed: int) -> None:
    rng = np.random.default_rng(seed)
    num_qubits = int(rng.integers(1, 7))
    gates = random_gates(num_qubits, int(rng.integers(0, 30)), rng)
    plan = plan_direct(gates, Layout(), PROFILE)
    assert plan is not None
    assert plan.initial == Layout()
    assert len(set(plan.final.order)) == len(plan.final.order)
    np.testing.assert_allclose(vector(plan, num_qubits), run_naively(gates, num_qubits), atol=1e-12)


def test_relabels_change_the_final_layout_as_gate_by_gate() -> None:
    gates: list[GateOperation] = [
        Matrix(H, (0,)),
        Relabel((0, 1), (1, 0)),
        Matrix(H, (0,)),
        Relabel((0, 1, 2), (2, 0, 1)),
    ]
    plan = plan_direct(gates, Layout(), PROFILE)
    assert plan is not None
    assert plan.passes[0].order == (0, 1)  # type: ignore[attr-defined]  # of a GateListPass
    assert plan.final == plan_gates(gates, Layout(), Profile()).final == Layout((2, 1))


def test_qubits_of_the_state_stay_where_they_are() -> None:
    plan = plan_direct([Matrix(H, (3,)), Matrix(H, (0,))], Layout((5, 3)), PROFILE)
    assert plan is not None
    assert plan.final == Layout((5, 3, 0))


def test_gates_that_meet_zeros_do_not_make_the_state_larger() -> None:
    phases = np.exp([1j, 2j, 3j, 4j])
    gates: list[GateOperation] = [
        Permutation(X, (1,), (0,), 1),  # qubit 0 is |0>
        Diagonal(phases, (1, 3)),  # both are |0>
        Matrix(H, (0,)),
        Relabel((0, 2), (2, 0)),
        Diagonal(phases, (4, 2)),  # qubit 4 is |0>, and qubit 2 holds what was 0
        Matrix(H, (3,), (2, 5), 1),  # where qubit 5 is |0>
    ]
    plan = plan_direct(gates, Layout(), PROFILE)
    assert plan is not None
    assert plan.final == Layout((2, 3))
    np.testing.assert_allclose(vector(plan, 6), run_naively(gates, 6), atol=1e-12)
    assert plan_gates(gates, Layout(), Profile()).final == Layout((2, 3))


def test_many_gates_need_a_search() -> None:
    small = Profile("dense", width=4, tile=6, low=2, start=3, direct=2)
    gates: list[GateOperation] = [Matrix(H, (0, 1, 2)[i : i + 1]) for i in range(3)]
    assert plan_direct(gates[:2], Layout(), small) is not None
    assert plan_direct(gates, Layout(), small) is None


def test_only_the_first_plan_of_a_structure_is_made_without_a_search() -> None:
    gates = random_gates(5, 30, 2)
    cache = PlanCache()
    first, second, third = (make_plan(gates, Layout(), PROFILE, cache) for _ in range(3))
    assert isinstance(first.passes[0], GateListPass)
    assert not any(isinstance(pass_, GateListPass) for pass_ in second.passes)
    assert third is second
    cache.clear()
    again = make_plan(gates, Layout(), PROFILE, cache)
    assert isinstance(again.passes[0], GateListPass)
    never = make_plan(gates, Layout(), PROFILE, None)
    assert not any(isinstance(pass_, GateListPass) for pass_ in never.passes)


def test_no_gates_and_a_profile_without_such_plans_are_planned_by_search() -> None:
    profile = Profile("dense", width=4, tile=6, low=2, start=3)
    assert make_plan([], Layout(), profile, PlanCache()).passes == []
    assert make_plan([], Layout(), PROFILE, PlanCache()).passes == []


@pytest.mark.parametrize("seed", range(20))
def test_a_sweep_has_the_gates_of_each_list(seed: int) -> None:
    rng = np.random.default_rng([5, seed])
    gates = random_gates(6, 40, rng)
    lists = [other_numbers(gates, rng) for _ in range(3)]
    lists[2] = [*lists[0][:20], *lists[2][20:]]
    layout = Layout((2, 4)) if seed % 2 else Layout()
    sweep = plan_sweep_direct(GateSweep.of(lists), layout, PROFILE)
    (pass_,) = sweep.passes
    assert isinstance(pass_, GateListPass)
    pools = PoolLayout(pass_.gates).fill_sweep(GateSweep(pass_.gates, 3, pass_.changes))
    for one, pool in zip(lists, pools, strict=True):
        plan = plan_direct(one, layout, PROFILE)
        assert plan is not None
        (own,) = plan.passes
        assert isinstance(own, GateListPass)
        assert (own.order, plan.final) == (pass_.order, sweep.final)
        np.testing.assert_array_equal(PoolLayout(own.gates).fill(own.gates), pool)


def test_the_profile_asks_for_sweeps_without_a_search() -> None:
    sweep = GateSweep([Matrix(H, (0,))] * 5, 2)
    for wanted in (False, True):
        profile = replace(PROFILE, direct=0, direct_sweeps=wanted)
        plan = make_sweep_plan(sweep, Layout(), profile, PlanCache())
        assert plan is not None
        assert isinstance(plan.passes[0], GateListPass) is wanted
