"""The tiled planner: how few passes it needs, and recipes that are filled again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmarks.circuits import FAMILIES
from simquay.errors import ProgramError
from simquay.planning import Layout, Profile, make_plan
from simquay.planning.tiled.search import find_tiled
from simquay.program import Diagonal, GateOperation, Matrix, Permutation, Prepare, Relabel
from tests.support.gate_lists import random_gates, random_unitary
from tests.support.tiled_gates import HADAMARD, rotation, tile_passes
from tests.support.tiled_runs import check_invariants, expected, random_vectors, run_plan, spread


def family(name: str, num_qubits: int, seed: int, **options: int) -> list[GateOperation]:
    """The gates of one of the benchmarks' circuits."""
    found: list[GateOperation] = []
    for operation in FAMILIES[name](num_qubits, seed, **options).operations:
        assert isinstance(operation, (Matrix, Diagonal, Permutation, Relabel, Prepare))
        found.append(operation)
    return found


# Passes, and full passes (weighed by the amplitudes that they write), at 30 qubits.
GOALS = [
    ("qft", {}, 3, 1.1),
    ("qv", {}, 18, 9.5),
    ("random", {}, 21, 4.5),
    ("tfim", {"steps": 20}, 30, 5.0),
    ("qaoa", {}, 9, 5.0),
    ("ghz", {}, 3, 1.1),
]


@pytest.mark.parametrize(("name", "options", "passes", "full"), GOALS)
def test_few_passes_at_thirty_qubits(name, options, passes, full):
    gates = family(name, 30, 0, **options)
    profile = Profile("tiled", tile=12, low=3, span=4)
    plan = make_plan(gates, Layout(), profile)
    check_invariants(plan)
    assert len(plan.final.order) == 30
    assert len(plan) <= passes
    assert sum(2.0 ** (pass_.width - 30) for pass_ in tile_passes(plan)) <= full


@pytest.mark.parametrize("name", ["qft", "qv", "random", "tfim", "qaoa", "ghz", "pairs"])
@pytest.mark.parametrize(("tile", "low", "span"), [(4, 1, 2), (6, 2, 3), (12, 3, 4)])
def test_families_are_computed(name, tile, low, span):
    gates = family(name, 10, 1)
    plan = make_plan(gates, Layout(), Profile("tiled", tile=tile, low=low, span=span))
    check_invariants(plan)
    one = np.ones((1, 1), dtype=np.complex128)
    want = expected(gates, spread(one, [], 10))
    np.testing.assert_allclose(run_plan(plan, one, 10), want, atol=1e-12)


def test_a_pass_grows_the_state_only_as_far_as_it_needs():
    gates = family("ghz", 20, 0)
    plan = make_plan(gates, Layout(), Profile("tiled", tile=8, low=2))
    widths = [pass_.width for pass_ in tile_passes(plan)]
    assert widths == sorted(widths)
    assert widths[0] == 8
    assert tile_passes(plan)[0].before == 0
    assert sum(2.0 ** (width - 20) for width in widths) < 1.1


def other_numbers(gates, rng):
    """The same gates with other numbers of the same traits."""
    result = []
    for gate in gates:
        if isinstance(gate, Matrix):
            matrix = random_unitary(len(gate.matrix), rng)
            gate = dataclasses.replace(gate, matrix=matrix)
        elif isinstance(gate, Diagonal):
            phases = np.exp(2j * np.pi * rng.random(len(gate.diagonal)))
            gate = dataclasses.replace(gate, diagonal=phases)
        result.append(gate)
    return result


@pytest.mark.parametrize("seed", range(20))
def test_a_recipe_filled_with_other_numbers(seed):
    rng = np.random.default_rng(seed)
    gates = random_gates(6, 40, rng, prepare=False)
    stored = rng.permutation(6)[: rng.integers(0, 7)].tolist()
    profile = Profile("tiled", tile=4, low=1, span=3)
    recipe, plan = find_tiled(gates, Layout(tuple(stored)), profile)
    others = other_numbers(gates, rng)
    again = recipe.fill(others)
    assert again is not None
    assert again.final == plan.final
    check_invariants(again)
    vectors = random_vectors(rng, 2, len(stored))
    want = expected(others, spread(vectors, stored, 6))
    np.testing.assert_allclose(run_plan(again, vectors, 6), want, atol=1e-12)
    # Filling leaves the recipe and the first plan as they were.
    want = expected(gates, spread(vectors, stored, 6))
    np.testing.assert_allclose(run_plan(plan, vectors, 6), want, atol=1e-12)
    once_more = recipe.fill(gates)
    assert once_more is not None
    np.testing.assert_allclose(run_plan(once_more, vectors, 6), want, atol=1e-12)


@pytest.mark.parametrize("matrix", [rotation(0.3, "y"), rotation(0.3, "z"), HADAMARD])
def test_a_recipe_refuses_numbers_of_other_traits(matrix):
    gates = [Matrix(rotation(0.3, "x"), (0,)), Matrix(HADAMARD, (0,))]
    recipe, _ = find_tiled(gates, Layout(), Profile("tiled", tile=3, low=0))
    assert recipe.fill([Matrix(rotation(-1.2, "x"), (0,)), gates[1]]) is not None
    assert recipe.fill([Matrix(matrix, (0,)), gates[1]]) is None


def test_a_profile_whose_tile_has_only_low_bits_is_refused():
    with pytest.raises(ProgramError, match="0 <= low < tile"):
        find_tiled([], Layout(), Profile("tiled", tile=3, low=3))


def test_nothing_to_do_makes_no_pass():
    not_ = Permutation(np.array([1, 0]), (0,))
    for gates in ([], [Relabel((0, 1), (1, 0))], [not_, not_]):
        plan = make_plan(gates, Layout((1, 0)), Profile("tiled", tile=3, low=1, span=2))
        assert len(plan) == 0


@pytest.mark.parametrize(("tile", "low"), [(0, 0), (3, 3), (3, -1)])
def test_a_profile_without_room_is_refused(tile, low):
    with pytest.raises(ProgramError, match="low"):
        make_plan([], Layout(), Profile("tiled", tile=tile, low=low))
