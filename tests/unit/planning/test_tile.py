"""The tiled planner: how few passes it needs, and recipes that are filled again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmarks.circuits import FAMILIES
from simquay.planning import Layout, Profile, make_plan
from simquay.planning.tiled.cost import pass_cost
from simquay.planning.tiled.passes import DenseStage, DiagonalStage, PermuteStage
from simquay.planning.tiled.search import find_tiled
from simquay.program import Diagonal, Matrix, Permutation
from tests.support.gate_lists import random_gates
from tests.support.tiled_runs import check_invariants, expected, random_vectors, run_plan, spread

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
    program = FAMILIES[name](30, 0, **options)
    profile = Profile("tiled", tile=12, low=3, span=4)
    plan = make_plan(program.operations, Layout(), profile)
    check_invariants(plan)
    assert len(plan.final.order) == 30
    assert len(plan) <= passes
    assert sum(2.0 ** (pass_.width - 30) for pass_ in plan.passes) <= full


@pytest.mark.parametrize("name", ["qft", "qv", "random", "tfim", "qaoa", "ghz", "pairs"])
@pytest.mark.parametrize(("tile", "low", "span"), [(4, 1, 2), (6, 2, 3), (12, 3, 4)])
def test_families_are_computed(name, tile, low, span):
    program = FAMILIES[name](10, 1)
    plan = make_plan(program.operations, Layout(), Profile("tiled", tile=tile, low=low, span=span))
    check_invariants(plan)
    one = np.ones((1, 1), dtype=np.complex128)
    want = expected(program.operations, spread(one, [], 10))
    np.testing.assert_allclose(run_plan(plan, one, 10), want, atol=1e-12)


def test_a_pass_grows_the_state_only_as_far_as_it_needs():
    program = FAMILIES["ghz"](20, 0)
    plan = make_plan(program.operations, Layout(), Profile("tiled", tile=8, low=2))
    widths = [pass_.width for pass_ in plan.passes]
    assert widths == sorted(widths)
    assert widths[0] == 8
    assert plan.passes[0].before == 0
    assert sum(2.0 ** (width - 20) for width in widths) < 1.1


def other_numbers(gates, rng):
    """The same gates with other numbers of the same traits."""
    result = []
    for gate in gates:
        if isinstance(gate, Matrix):
            matrix = random_unitary_like(gate.matrix, rng)
            gate = dataclasses.replace(gate, matrix=matrix)
        elif isinstance(gate, Diagonal):
            phases = np.exp(2j * np.pi * rng.random(len(gate.diagonal)))
            gate = dataclasses.replace(gate, diagonal=phases)
        result.append(gate)
    return result


def random_unitary_like(matrix, rng):
    size = len(matrix)
    return np.linalg.qr(rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size)))[0]


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
    np.testing.assert_allclose(run_plan(recipe.fill(gates), vectors, 6), want, atol=1e-12)


HADAMARD = np.array([[1, 1], [1, -1]], dtype=np.complex128) * 0.5**0.5


def rotation(angle, axis):
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    if axis == "x":
        return np.array([[c, -1j * s], [-1j * s, c]])
    if axis == "y":
        return np.array([[c, -s], [s, c]], dtype=np.complex128)
    return np.diag([np.exp(-0.5j * angle), np.exp(0.5j * angle)])


@pytest.mark.parametrize("matrix", [rotation(0.3, "y"), rotation(0.3, "z"), HADAMARD])
def test_a_recipe_refuses_numbers_of_other_traits(matrix):
    gates = [Matrix(rotation(0.3, "x"), (0,)), Matrix(HADAMARD, (0,))]
    recipe, _ = find_tiled(gates, Layout(), Profile("tiled", tile=3, low=0))
    assert recipe.fill([Matrix(rotation(-1.2, "x"), (0,)), gates[1]]) is not None
    assert recipe.fill([Matrix(matrix, (0,)), gates[1]]) is None


def only_stages(gates, stored=(0, 1, 2, 3), profile=None):
    plan = make_plan(gates, Layout(stored), profile or Profile("tiled", tile=4, low=0))
    (pass_,) = plan.passes
    return pass_.stages


@pytest.mark.parametrize(
    ("matrix", "form"),
    [
        (rotation(0.4, "x"), "rx_like"),
        (rotation(0.4, "y"), "real"),
        (HADAMARD, "hadamard"),
        (rotation(0.4, "x") @ rotation(0.2, "y"), "complex"),
    ],
)
def test_forms(matrix, form):
    (stage,) = only_stages([Matrix(matrix, (2,))])
    assert isinstance(stage, DenseStage)
    assert stage.form == form


NOT = np.array([1, 0], dtype=np.intp)


def test_fusion_of_one_qubit_gates_into_a_dense_pair():
    u, v = (rotation(a, "x") @ rotation(a, "y") for a in (0.3, 0.7))
    gates = [Matrix(u, (0,)), Matrix(v, (1,)), Permutation(NOT, (1,), (0,), 1), Matrix(v, (0,))]
    (stage,) = only_stages(gates)
    assert isinstance(stage, DenseStage)
    assert len(stage.bits) == 2


def test_a_chain_of_cx_stays_index_arithmetic():
    gates = [Matrix(HADAMARD, (0,))] + [Permutation(NOT, (q + 1,), (q,), 1) for q in range(3)]
    first, *rest = only_stages(gates)
    assert isinstance(first, DenseStage)
    assert all(isinstance(stage, PermuteStage) and stage.is_flip for stage in rest)


def test_cx_rz_cx_is_a_diagonal():
    cx = Permutation(NOT, (1,), (0,), 1)
    (stage,) = only_stages([cx, Matrix(rotation(0.3, "z"), (1,)), cx])
    assert isinstance(stage, DiagonalStage)


def test_cx_rz_cx_between_dense_gates_stays_a_diagonal():
    cx = Permutation(NOT, (1,), (0,), 1)
    u = rotation(0.3, "x") @ rotation(0.4, "y")
    around = [Matrix(u, (0,)), Matrix(u, (1,))]
    stages = only_stages([*around, cx, Matrix(rotation(0.3, "z"), (1,)), cx, *around])
    kinds = [type(stage) for stage in stages]
    assert kinds == [DenseStage, DenseStage, DiagonalStage, DenseStage, DenseStage]
    assert all(len(stage.bits) == 1 for stage in stages if isinstance(stage, DenseStage))


def test_what_is_diagonal_on_one_wire_becomes_two_controlled_gates():
    cx = Permutation(NOT, (1,), (0,), 1)
    turns = [Matrix(rotation(a, "x") @ rotation(a, "y"), (1,)) for a in (0.3, 0.5, 0.7)]
    gates = [turns[0], cx, turns[1], cx, turns[2], cx]
    # The control may stay outside the tile, so that one pass is enough.
    profile = Profile("tiled", tile=1, low=0)
    plan = make_plan(gates, Layout((0, 1)), profile)
    (pass_,) = plan.passes
    first, second = pass_.stages
    assert first.bits == second.bits == (0,)
    assert (first.condition.outer_mask, first.condition.outer_value) == (1, 0)
    assert (second.condition.outer_mask, second.condition.outer_value) == (1, 1)
    vectors = random_vectors(np.random.default_rng(0), 2, 2)
    np.testing.assert_allclose(run_plan(plan, vectors, 2), expected(gates, vectors), atol=1e-12)


def test_diagonals_gather_in_one_stage():
    zz = np.exp(1j * np.array([1, -1, -1, 1]))
    gates = [Diagonal(zz, (q, q + 1)) for q in range(3)]
    gates += [Matrix(rotation(0.3, "x"), (q,)) for q in range(4)]
    first, *rest = only_stages(gates)
    assert isinstance(first, DiagonalStage)
    assert len(first.groups) == 1
    assert [stage.form for stage in rest] == ["rx_like"] * 4


@pytest.mark.parametrize("seed", range(8))
def test_diagonals_with_many_controls_beside_those_with_none(seed):
    # More than six wires in all: some controls become conditions, which share no group.
    rng = np.random.default_rng(seed)
    gates = [Matrix(random_unitary_like(np.eye(2), rng), (q,)) for q in range(8)]
    for _ in range(12):
        size = int(rng.integers(1, 3))
        qubits = rng.permutation(8).tolist()
        controls = tuple(qubits[size : size + int(rng.choice([0, 1, 5, 6]))])
        phases = np.exp(2j * np.pi * rng.random(1 << size))
        state = int(rng.integers(1 << len(controls)))
        gates.append(Diagonal(phases, tuple(qubits[:size]), controls, state))
    vectors = random_vectors(rng, 2, 8)
    for tile in (2, 5, 8):
        plan = make_plan(gates, Layout(tuple(range(8))), Profile("tiled", tile=tile, low=1))
        check_invariants(plan)
        np.testing.assert_allclose(run_plan(plan, vectors, 8), expected(gates, vectors), atol=1e-12)


@pytest.mark.parametrize("layout", [(), tuple(range(4))])
def test_numbers_of_other_precision_and_order_in_memory(layout):
    u = random_unitary_like(np.eye(4), np.random.default_rng(3))
    gates = [
        Matrix(u.astype(np.complex64), (0, 1)),
        Matrix(np.asfortranarray(u), (2, 1)),
        Diagonal(np.exp(1j * np.arange(8))[::2], (3, 0)),
        Matrix(u.T, (3, 1)),
    ]
    plan = make_plan(gates, Layout(layout), Profile("tiled", tile=3, low=1))
    vectors = random_vectors(np.random.default_rng(0), 2, len(layout))
    want = expected(gates, spread(vectors, list(layout), 4))
    np.testing.assert_allclose(run_plan(plan, vectors, 4), want, atol=1e-6)


def test_a_long_cluster_on_one_pair():
    rng = np.random.default_rng(1)
    gates = []
    for _ in range(100):
        gates += [Matrix(random_unitary_like(np.eye(2), rng), (q,)) for q in (0, 1)]
        gates.append(Permutation(NOT, (0,), (1,), 1))
    (stage,) = only_stages(gates)
    assert isinstance(stage, DenseStage)
    vectors = random_vectors(rng, 2, 2)
    plan = make_plan(gates, Layout((0, 1)), Profile("tiled", tile=2, low=0))
    np.testing.assert_allclose(run_plan(plan, vectors, 2), expected(gates, vectors), atol=1e-12)


def test_what_cancels_disappears():
    cx = Permutation(NOT, (1,), (0,), 1)
    gates = [Matrix(HADAMARD, (2,)), cx, Matrix(HADAMARD, (2,)), cx]
    plan = make_plan(gates, Layout((0, 1, 2)), Profile("tiled", tile=2, low=0))
    assert len(plan) == 0


@pytest.mark.parametrize("times", [2, 3, 4, 5])
def test_flips_in_a_row_are_one_or_none(times):
    flips = [Permutation(NOT, (q,)) for _ in range(times) for q in range(3)]
    plan = make_plan(flips, Layout(), Profile("tiled", tile=3, low=0))
    stages = [stage for pass_ in plan.passes for stage in pass_.stages]
    assert all(stage.is_flip for stage in stages)
    assert len(stages) == (3 if times % 2 else 0)
    assert len(plan.final.order) == len(stages)


def test_alike_clusters_without_numbers_have_one_product():
    cx = [Permutation(NOT, (1,), (0,), 1), Permutation(NOT, (3,), (2,), 1)]
    xc = [Permutation(NOT, (0,), (1,), 1), Permutation(NOT, (2,), (3,), 1)]
    hadamards = [Matrix(HADAMARD, (q,)) for q in range(4)]
    gates = [*cx, *xc, *cx, *xc, *cx, *hadamards]
    vectors = random_vectors(np.random.default_rng(0), 2, 4)
    plan = make_plan(gates, Layout((0, 1, 2, 3)), Profile("tiled", tile=3, low=0))
    np.testing.assert_allclose(run_plan(plan, vectors, 4), expected(gates, vectors), atol=1e-12)


def test_costs_count_what_the_form_needs():
    gates = [Matrix(rotation(0.4, "x"), (0,))]
    plan = make_plan(gates, Layout((0, 1, 2, 3)), Profile("tiled", tile=2, low=0))
    cost = pass_cost(plan.passes[0])
    assert (cost.flops, cost.amplitudes, cost.stages, cost.rounds) == (8 * 16, 32, 1, 1)
