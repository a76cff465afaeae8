"""The parts of the dense planner, each by what its docstring promises."""

from __future__ import annotations

import numpy as np
import pytest
from gate_lists import apply_naively, random_gates, run_naively

from quayside.engines.dense_costs import CLUSTER_COSTS, measure_cluster_costs
from quayside.errors import ProgramError
from quayside.planning import Layout, Profile, make_plan
from quayside.planning.cost import CLUSTER_COSTS as DEFAULT_COSTS
from quayside.planning.dense_clusters import Cluster, find_clusters, find_start
from quayside.planning.dense_layout import find_orders
from quayside.planning.dense_matrix import diagonal_entries, fill_matrix, make_recipe
from quayside.planning.dense_plan import ClusterPass, LonePass, StartPass
from quayside.planning.dense_table import diagonal_table
from quayside.planning.fuse import Item, fuse
from quayside.program import Diagonal, Matrix, Permutation, Precision
from quayside.program.operations import GateOperation, Relabel

H = np.array([[1, 1], [1, -1]]) / np.sqrt(2) + 0j
X = np.array([1, 0])


def h(qubit: int) -> Matrix:
    return Matrix(H, (qubit,))


def cx(control: int, target: int) -> Permutation:
    return Permutation(X, (target,), (control,), 1)


def cp(first: int, second: int) -> Diagonal:
    return Diagonal(np.array([1, 1j]), (second,), (first,), 1)


def stored(n: int) -> Layout:
    return Layout(tuple(range(n)))


# --- fusion -----------------------------------------------------------------------------------


def test_one_qubit_gates_go_into_their_neighbours() -> None:
    gates = [h(0), h(1), cx(0, 1), h(1), h(0), cx(1, 0)]
    (node,) = fuse(gates, stored(2), widest=2, widest_diagonal=2).nodes
    assert [item.number for item in node.items] == [1, 0, 2, 3, 4, 5] or [
        item.number for item in node.items
    ] == [0, 1, 2, 3, 4, 5]


def test_diagonals_that_follow_each_other_share_a_segment() -> None:
    gates = [h(0), cp(0, 1), cp(0, 2), h(0), cp(0, 1)]
    fused = fuse(gates, stored(3), widest=2, widest_diagonal=2)
    assert [[len(segment) for segment in fused.segments[w]] for w in range(3)] == [
        [1, 2, 1, 1],
        [2],
        [1],
    ]


def test_relabelling_leaves_no_node() -> None:
    gates = [h(0), Relabel((0, 1), (1, 0)), h(0), h(1)]
    fused = fuse(gates, stored(2), widest=2, widest_diagonal=2)
    assert [node.wires for node in fused.nodes] == [(0,), (1,)]
    assert len(fused.nodes[0].items) == 2  # h(1) acts on the wire that qubit 0 was on
    assert fused.carries == {0: 1, 1: 0}


def test_what_acts_on_zeros_alone_is_a_factor_or_nothing() -> None:
    gates = [cx(0, 1), cp(0, 1), Diagonal(np.array([1j, 1]), (2,)), h(3)]
    fused = fuse(gates, Layout(), widest=2, widest_diagonal=2)
    assert [node.wires for node in fused.nodes] == [(3,)]
    assert [item.number for item in fused.scalars] == [1, 2] or len(fused.scalars) == 1


def test_wide_gates_stay_alone() -> None:
    gates = [h(0), Permutation(X, (0,), (1, 2, 3, 4), 15), h(0)]
    nodes = fuse(gates, stored(5), widest=4, widest_diagonal=4).nodes
    assert [node.wide for node in nodes] == [False, True, False]


# --- clusters ---------------------------------------------------------------------------------


def test_pieces_keep_the_order_that_matters() -> None:
    rng = np.random.default_rng(0)
    for _ in range(150):
        n = int(rng.integers(1, 7))
        gates = random_gates(n, int(rng.integers(1, 40)), rng, prepare=False)
        fused = fuse(gates, stored(n), widest=3, widest_diagonal=3)
        vector = np.zeros(1 << n, dtype=complex)
        vector[0] = 1
        numbers = []
        for piece in find_clusters(fused, DEFAULT_COSTS[:5]):
            if isinstance(piece, Cluster):
                assert len(piece.wires) <= 4
                items = [item for node in piece.nodes for item in node.items]
                recipe = make_recipe(items, gates, piece.wires, piece.wires)
                vector = apply_naively(vector, Matrix(fill_matrix(recipe, gates), piece.wires))
            else:
                items = piece.items
                for item in items:
                    vector = apply_naively(vector, on_wires(gates[item.number], item))
            numbers += [item.number for item in items]
        assert len(numbers) == len(set(numbers))
        final = [fused.carries.get(wire, wire) for wire in range(n)]
        # Wire w carries qubit final[w].
        moved = (
            apply_naively(vector, Relabel(tuple(final), tuple(range(n))))
            if final != list(range(n))
            else vector
        )
        for item in fused.scalars:
            gate = gates[item.number]
            assert isinstance(gate, Diagonal)
            moved = moved * gate.diagonal[0 if item.select is None else item.select[0]]
        np.testing.assert_allclose(moved, run_naively(gates, n), atol=1e-11)


def on_wires(gate: GateOperation, item: Item) -> GateOperation:
    if isinstance(gate, Matrix):
        return Matrix(gate.matrix, item.wires, item.controls, item.control_state)
    if isinstance(gate, Permutation):
        return Permutation(gate.table, item.wires, item.controls, item.control_state)
    assert isinstance(gate, Diagonal)
    return Diagonal(gate.diagonal, item.wires, item.controls, item.control_state)


def test_a_cluster_takes_what_is_behind_it() -> None:
    gates = [cx(q, q + 1) for q in range(3)] * 4
    fused = fuse(gates, stored(4), widest=2, widest_diagonal=2)
    (cluster,) = find_clusters(fused, DEFAULT_COSTS[:5])
    assert isinstance(cluster, Cluster)
    assert cluster.wires == (0, 1, 2, 3)
    assert sum(len(node.items) for node in cluster.nodes) == 12


def test_diagonals_do_not_widen_a_cluster() -> None:
    """A Fourier transform: clusters of Hs, and all phases across them set aside."""
    n = 8
    gates: list[GateOperation] = []
    for qubit in reversed(range(n)):
        gates += [h(qubit), *(cp(other, qubit) for other in range(qubit))]
    pieces = find_clusters(fuse(gates, stored(n), widest=2, widest_diagonal=2), DEFAULT_COSTS[:5])
    clusters = [piece for piece in pieces if isinstance(piece, Cluster)]
    assert len(clusters) == 2
    assert len(pieces) - len(clusters) == 16


def test_the_start_is_as_wide_as_it_may_be() -> None:
    gates = [h(0), *(cx(q, q + 1) for q in range(9))]
    fused = fuse(gates, Layout(), widest=2, widest_diagonal=2)
    start = find_start(fused, 6)
    assert start is not None
    assert start.wires == (0, 1, 2, 3, 4, 5)
    assert find_start(fuse([], Layout(), widest=2, widest_diagonal=2), 6) is None


# --- orders -----------------------------------------------------------------------------------


def test_every_product_finds_its_wires_and_columns_together() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        tile = int(rng.integers(1, 16))
        wires = [int(w) for w in rng.permutation(30)[:tile]]
        clusters = [
            tuple(int(w) for w in rng.permutation(wires)[: int(rng.integers(1, min(5, tile) + 1))])
            for _ in range(int(rng.integers(0, 12)))
        ]
        low = int(rng.integers(0, tile + 1))
        orders = find_orders(clusters, wires, low, {}, DEFAULT_COSTS[:6])
        assert sorted(orders.loaded) == sorted(wires)
        assert list(orders.loaded[: orders.keep]) == wires[: orders.keep]
        order = orders.loaded
        done = 0
        for move in orders.moves:
            assert move.before == order
            assert sorted(move.after) == sorted(wires)
            order = move.after
            if move.permutes:
                continue
            assert move.cluster == done
            done += 1
            inside = set(clusters[move.cluster])
            for side in (move.before, move.after):
                first = min(side.index(wire) for wire in inside)
                assert set(side[first : first + len(inside)]) == inside
                start = side.index(move.columns[0]) if move.columns else 0
                assert side[start : start + len(move.columns)] == move.columns
                assert first == 0 or (move.columns and start == 0)
        assert done == len(clusters)


# --- numbers ----------------------------------------------------------------------------------


def test_a_table_is_the_product_of_its_diagonals() -> None:
    rng = np.random.default_rng(2)
    for _ in range(60):
        width = int(rng.integers(1, 11))
        gates = [
            gate
            for gate in random_gates(width, 60, rng, prepare=False)
            if isinstance(gate, Diagonal)
        ]
        for a in range(width):  # many pairs, as a Fourier transform has
            gates += [cp(a, b) for b in range(a + 1, width) if rng.random() < 0.7]
        items = [
            Item(number, "d", gate.qubits, gate.controls, gate.control_state, None)
            for number, gate in enumerate(gates)
        ]
        wires = [int(w) for w in rng.permutation(width)]
        np.testing.assert_allclose(
            diagonal_table(items, gates, wires),
            diagonal_entries(items, gates, wires),
            atol=1e-11,
        )


def test_a_plan_grows_in_place_and_starts_written() -> None:
    gates = [h(0), *(cx(q, q + 1) for q in range(17))]
    plan = make_plan(gates, Layout(), Profile("dense", width=4, tile=8, low=3, start=5), None)
    first, *rest = plan.passes
    assert isinstance(first, StartPass)
    assert sum(step.new for step in rest if isinstance(step, ClusterPass)) == 13
    assert not any(isinstance(step, LonePass) for step in rest)


def test_a_profile_whose_clusters_do_not_fit_a_tile_is_refused() -> None:
    with pytest.raises(ProgramError, match="width <= tile"):
        make_plan([h(0)], Layout(), Profile("dense", width=5, tile=4), None)


@pytest.mark.parametrize("precision", list(Precision))
def test_the_calibration_can_be_measured_anew(precision: Precision) -> None:
    measured = measure_cluster_costs(precision, widest=5, rounds=1)
    assert len(measured) == len(CLUSTER_COSTS[precision])
    assert all(cost > 0 for cost in measured)
