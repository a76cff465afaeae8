"""Dense plans compute what their gates compute, and are the cheapest of those searched for."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.errors import ProgramError
from simquay.planning import Layout, Profile, make_plan
from simquay.planning.dense.assignment import CandidatePlan, CandidateTilePass
from simquay.planning.dense.clusters import SEARCH_MODES, ClusterSearch
from simquay.planning.dense.cost import cluster_costs
from simquay.planning.dense.fusion import fuse_gates
from simquay.planning.dense.steps import ClusterPass, LonePass, ProductStep, StartPass
from simquay.program import Matrix, Precision
from simquay.program.gates import GateOperation
from tests.support.gate_lists import apply_naively, random_gates, random_unitary, run_naively
from tests.support.small_gates import cx, h

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


def layers(num_qubits: int, rng: np.random.Generator) -> list[GateOperation]:
    """Six layers of two-qubit gates on random pairs."""
    gates: list[GateOperation] = []
    for _ in range(6):
        order = [int(q) for q in rng.permutation(num_qubits)]
        pairs = zip(order[::2], order[1::2], strict=True)
        gates += [Matrix(random_unitary(4, rng), pair) for pair in pairs]
    return gates


def test_a_long_run_is_worth_more_searches() -> None:
    """The plan of a short run is that of the first search, of a long one the cheapest of all."""
    rng = np.random.default_rng(11)
    profile = Profile("dense", width=5, tile=16, low=6, start=10)
    chosen = set()
    for num_qubits, modes in [(8, SEARCH_MODES[:1]), (26, SEARCH_MODES)]:
        for _ in range(6):
            gates = layers(num_qubits, rng)
            nodes = fuse_gates(gates, Layout(), widest=4, widest_diagonal=6).nodes
            search = ClusterSearch(nodes, cluster_costs(profile))
            candidates = [
                CandidatePlan(*search.find(profile.start, mode), (), profile) for mode in modes
            ]
            best = min(candidates, key=lambda candidate: candidate.cost)
            chosen.add(candidates.index(best))
            plan = make_plan(gates, Layout(), profile, None)
            tiles = [step for step in plan.passes if isinstance(step, ClusterPass)]
            expected = [step for step in best.passes if isinstance(step, CandidateTilePass)]
            assert [(step.loaded, step.after) for step in tiles] == [
                (step.loaded, step.after) for step in expected
            ]
            assert plan.final.order == best.order
    assert len(chosen) > 1  # else another search would never have been worth its time


def test_a_plan_does_every_gate_once() -> None:
    rng = np.random.default_rng(3)
    gates = layers(20, rng)
    plan = make_plan(gates, Layout(), Profile("dense", width=4, tile=10, low=4, start=6), None)
    count = 0
    for step in plan.passes:
        if isinstance(step, ClusterPass):
            count += sum(part.gates for part in step.steps if isinstance(part, ProductStep))
        else:
            assert isinstance(step, StartPass)
            count += step.gates
    assert count == len(gates)


def test_a_plan_starts_written_and_grows_in_place() -> None:
    gates: list[GateOperation] = [h(0), *(cx(q, q + 1) for q in range(17))]
    plan = make_plan(gates, Layout(), Profile("dense", width=4, tile=8, low=3, start=5), None)
    first, *rest = plan.passes
    assert isinstance(first, StartPass)
    assert sum(step.new for step in rest if isinstance(step, ClusterPass)) == 13
    assert not any(isinstance(step, LonePass) for step in rest)


def test_a_profile_whose_clusters_do_not_fit_a_tile_is_refused() -> None:
    with pytest.raises(ProgramError, match="width <= tile"):
        make_plan([h(0)], Layout(), Profile("dense", width=5, tile=4), None)
