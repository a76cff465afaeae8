"""The plan cache: what it shares, what it must not share, and its bounds."""

from __future__ import annotations

import os
import signal
import threading
import tracemalloc
import warnings
from collections.abc import Sequence
from typing import NoReturn

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.planning import GateSweep, Layout, Plan, Profile, make_plan
from simquay.planning.cache import Finder, PlanCache
from simquay.planning.dense.search import find_dense
from simquay.planning.tiled.search import find_tiled
from simquay.program import Diagonal, Matrix, Permutation, Precision, Prepare
from simquay.program.gates import GateOperation, Relabel
from tests.support.gate_lists import other_numbers, random_gates, random_unitary, run_naively

DENSE = Profile("dense", width=4, tile=6, low=2, start=3)
TILED = Profile("tiled", tile=6, low=2)


def state_of(plan: Plan, num_qubits: int) -> np.ndarray:
    engine = DenseEngine()
    state = engine.allocate(num_qubits, Precision.DOUBLE, capacity=num_qubits)
    engine.apply(state, plan, Control())
    return np.asarray(engine.amplitudes(state)[0])


def test_the_same_gates_give_the_same_plan_object() -> None:
    rng = np.random.default_rng(0)
    gates = random_gates(6, 40, rng)
    cache = PlanCache()
    plan = make_plan(gates, Layout(), DENSE, cache)
    assert make_plan(list(gates), Layout(), DENSE, cache) is plan
    assert len(cache) == 1


def no_search(gates: Sequence[GateOperation], layout: Layout, profile: Profile) -> NoReturn:
    raise AssertionError("a search was made")


def test_other_angles_are_filled_in_without_a_search() -> None:
    rng = np.random.default_rng(1)
    cache = PlanCache()
    for _ in range(20):
        num_qubits = int(rng.integers(2, 9))
        gates = random_gates(num_qubits, 40, rng)
        make_plan(gates, Layout(), DENSE, cache)
        changed = other_numbers(gates, rng)
        plan = cache.plan(changed, Layout(), DENSE, no_search)
        np.testing.assert_allclose(
            state_of(plan, num_qubits), run_naively(changed, num_qubits), atol=1e-11
        )


X = np.array([1, 0])
ONE = np.array([0, 1])
H = np.array([[1, 1], [1, -1]]) / np.sqrt(2) + 0j


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Permutation(X, (1,), (0,), 1), Permutation(X, (1,), (0,), 0)),
        (Permutation(X, (1,), (0,), 1), Permutation(X, (0,), (1,), 1)),
        (Permutation(X, (1,)), Permutation(ONE, (1,))),
        (Relabel((0, 1), (1, 0)), Relabel((0, 1), (0, 1))),
        (Matrix(H, (0,)), Matrix(H, (1,))),
        (Matrix(np.diag([1, 1j]), (0,)), Diagonal(np.array([1, 1j]), (0,))),
    ],
)
def test_another_structure_is_another_entry(first: GateOperation, second: GateOperation) -> None:
    prefix = [Matrix(random_unitary(2, np.random.default_rng(q)), (q,)) for q in range(2)]
    cache = PlanCache()
    for gate in (first, second):
        gates = [*prefix, gate]
        plan = make_plan(gates, Layout(), DENSE, cache)
        np.testing.assert_allclose(state_of(plan, 2), run_naively(gates, 2), atol=1e-12)
    assert len(cache) == 2


def test_layout_and_profile_are_part_of_the_key() -> None:
    gates = [Matrix(H, (0,)), Matrix(H, (1,))]
    cache = PlanCache()
    plans = [
        make_plan(gates, layout, profile, cache)
        for layout in (Layout(), Layout((0, 1)), Layout((1, 0)))
        for profile in (DENSE, TILED)
    ]
    assert len({id(plan) for plan in plans}) == 6
    assert [plan.initial.order for plan in plans] == [(), (), (0, 1), (0, 1), (1, 0), (1, 0)]


def test_the_least_used_is_dropped_first() -> None:
    cache = PlanCache(entries=2)
    gates = [[Matrix(H, (q,))] for q in range(3)]
    first = make_plan(gates[0], Layout(), DENSE, cache)
    make_plan(gates[1], Layout(), DENSE, cache)
    assert make_plan(gates[0], Layout(), DENSE, cache) is first
    make_plan(gates[2], Layout(), DENSE, cache)
    assert len(cache) == 2
    assert make_plan(gates[0], Layout(), DENSE, cache) is first


def test_bytes_are_bounded() -> None:
    rng = np.random.default_rng(3)
    cache = PlanCache(size=64 << 10)
    for start in range(40):
        state = random_unitary(16, rng)[:, 0]
        make_plan([Prepare(state, tuple(range(start, start + 4)))], Layout(), DENSE, cache)
    assert 0 < len(cache) < 40
    large = np.zeros(1 << 12, dtype=complex)
    large[5] = 1
    kept = len(cache)
    make_plan([Prepare(large, tuple(range(12)))], Layout(), DENSE, cache)
    assert len(cache) == kept  # too large to keep
    cache.clear()
    assert len(cache) == 0


@pytest.mark.parametrize(("find", "profile"), [(find_dense, DENSE), (find_tiled, TILED)])
def test_the_size_of_a_recipe_is_about_the_memory_that_it_and_a_plan_take(
    find: Finder, profile: Profile
) -> None:
    rng = np.random.default_rng(4)
    for num_qubits in (4, 8, 14):
        gates = random_gates(num_qubits, 150, rng)
        find(gates, Layout(), profile)  # fills the caches that all plans share
        tracemalloc.start()
        try:
            kept = find(gates, Layout(), profile)
            taken = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert 0.4 < kept[0].size / taken < 2.5


def test_threads_share_a_cache() -> None:
    rng = np.random.default_rng(5)
    lists = [random_gates(5, 30, rng) for _ in range(6)]
    expected = [run_naively(gates, 5) for gates in lists]
    cache = PlanCache(entries=3)
    errors: list[str] = []

    def work(seed: int) -> None:
        order = np.random.default_rng(seed).integers(0, len(lists), 30)
        for number in order:
            plan = make_plan(lists[number], Layout(), DENSE, cache)
            if not np.allclose(state_of(plan, 5), expected[number], atol=1e-11):
                errors.append(f"wrong plan for list {number}")

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(cache) <= 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_while_another_thread_is_in_the_cache_can_plan() -> None:
    cache = PlanCache()
    gates = random_gates(4, 10, np.random.default_rng(5))
    make_plan(gates, Layout(), DENSE, cache)
    with warnings.catch_warnings():
        # Python 3.12 and later warn of forks of processes with threads: that is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        with cache._lock:  # as a thread of the parent would, which the child has not
            child = os.fork()
            if child == 0:
                signal.alarm(20)  # ends the child, should it wait for the lock
                try:
                    make_plan(gates, Layout(), DENSE, cache)
                    os._exit(0 if len(cache) == 1 else 1)
                finally:
                    os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(cache) == 1


def test_sweeps_and_single_plans_share_a_recipe() -> None:
    rng = np.random.default_rng(2)
    gates = random_gates(6, 60, rng, widest=2)
    gates = [gate for gate in gates if len(getattr(gate, "controls", ())) <= 1]
    lists = [other_numbers(gates, rng) for _ in range(6)]
    cache = PlanCache()
    assert cache.sweep(GateSweep.of(lists[:3]), Layout(), DENSE, find_dense) is not None
    assert cache.sweep(GateSweep.of(lists[3:]), Layout(), DENSE, no_search) is not None
    assert len(cache.plan(lists[4], Layout(), DENSE, no_search)) > 0
    assert len(cache) == 1
