"""The parts of the dense planner, each by what its docstring promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simquay.errors import ProgramError
from simquay.planning import Layout, Pass, Profile, make_plan
from simquay.planning.dense.candidates import CandidatePlan
from simquay.planning.dense.clusters import SEARCH_MODES, Cluster, ClusterSearch
from simquay.planning.dense.cost import DEFAULT_CLUSTER_COSTS as DEFAULT_COSTS
from simquay.planning.dense.dependencies import dependencies
from simquay.planning.dense.fusion import GateNode, WireGate, fuse
from simquay.planning.dense.numbers.matrices import Matrices
from simquay.planning.dense.numbers.tables import Diagonals
from simquay.planning.dense.orders import find_orders
from simquay.planning.dense.steps import ClusterPass, LonePass, ProductStep, StartPass
from simquay.program import Diagonal, Matrix, Permutation
from simquay.program.bits import bits_of
from simquay.program.operations import GateOperation, Relabel
from tests.support.gate_lists import apply_naively, random_gates, random_unitary, run_naively

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
    assert [item[0] for item in node.gates] in ([1, 0, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5])


def test_diagonals_that_follow_each_other_may_change_places() -> None:
    gates = [h(0), cp(0, 1), cp(0, 2), h(0), cp(0, 1)]
    nodes = fuse(gates, stored(3), widest=2, widest_diagonal=2).nodes
    before, after, on = dependencies(nodes)
    assert [bits_of(mask) for mask in before] == [[], [0], [0], [0, 1, 2], [0, 1, 2, 3]]
    assert [bits_of(mask) for mask in after] == [[1, 2, 3, 4], [3, 4], [3, 4], [4], []]
    assert [bits_of(mask) for mask in on] == [[0, 1, 2, 3, 4], [1, 4], [2]]


def test_dependencies_are_those_of_all_pairs() -> None:
    rng = np.random.default_rng(5)
    for _ in range(60):
        n = int(rng.integers(1, 8))
        gates = random_gates(n, int(rng.integers(1, 50)), rng, prepare=False)
        nodes = fuse(gates, stored(n), widest=3, widest_diagonal=3).nodes
        count = len(nodes)
        # Two nodes that share a wire and are not both diagonal; then all that follows from that.
        needs = np.zeros((count, count), dtype=bool)
        for i, second in enumerate(nodes):
            for j, first in enumerate(nodes[:i]):
                if second.mask & first.mask and not (second.diagonal and first.diagonal):
                    needs[i, j] = True
        for i in range(count):
            for j in np.flatnonzero(needs[i]):
                needs[i] |= needs[j]
        before, after, _ = dependencies(nodes)
        for i in range(count):
            assert bits_of(before[i]) == np.flatnonzero(needs[i]).tolist()
            assert bits_of(after[i]) == np.flatnonzero(needs[:, i]).tolist()


def test_relabelling_leaves_no_node() -> None:
    gates = [h(0), Relabel((0, 1), (1, 0)), h(0), h(1)]
    fused = fuse(gates, stored(2), widest=2, widest_diagonal=2)
    assert [node.wires for node in fused.nodes] == [(0,), (1,)]
    assert len(fused.nodes[0].gates) == 2  # h(1) acts on the wire that qubit 0 was on
    assert fused.carries == {0: 1, 1: 0}


def test_what_acts_on_zeros_alone_is_a_factor_or_nothing() -> None:
    gates = [cx(0, 1), cp(0, 1), Diagonal(np.array([1j, 1]), (2,)), h(3)]
    fused = fuse(gates, Layout(), widest=2, widest_diagonal=2)
    assert [node.wires for node in fused.nodes] == [(3,)]
    assert [item[0] for item in fused.scalars] == [1, 2] or len(fused.scalars) == 1


def test_wide_gates_stay_alone() -> None:
    gates = [h(0), Permutation(X, (0,), (1, 2, 3, 4), 15), h(0)]
    nodes = fuse(gates, stored(5), widest=4, widest_diagonal=4).nodes
    assert [node.wide for node in nodes] == [False, True, False]


# --- clusters ---------------------------------------------------------------------------------


def test_pieces_keep_the_order_that_matters() -> None:
    rng = np.random.default_rng(0)
    for trial in range(200):
        mode = SEARCH_MODES[trial % len(SEARCH_MODES)]
        n = int(rng.integers(1, 7))
        gates = random_gates(n, int(rng.integers(1, 40)), rng, prepare=False)
        fused = fuse(gates, stored(n), widest=3, widest_diagonal=3)
        vector = np.zeros(1 << n, dtype=complex)
        vector[0] = 1
        numbers = []
        for piece in ClusterSearch(fused.nodes, DEFAULT_COSTS[:5]).find(0, mode)[1]:
            if isinstance(piece, Cluster):
                assert len(piece.wires) <= 4
                items = [item for node in piece.nodes for item in node.gates]
                vector = apply_naively(
                    vector, Matrix(matrix_of(items, gates, piece.wires), piece.wires)
                )
            else:
                items = piece.gates
                for item in items:
                    vector = apply_naively(vector, on_wires(gates[item[0]], item))
            numbers += [item[0] for item in items]
        assert len(numbers) == len(set(numbers))
        final = [fused.carries.get(wire, wire) for wire in range(n)]
        # Wire w carries qubit final[w].
        moved = (
            apply_naively(vector, Relabel(tuple(final), tuple(range(n))))
            if final != list(range(n))
            else vector
        )
        for item in fused.scalars:
            gate, select = gates[item[0]], item[5]
            assert isinstance(gate, Diagonal)
            moved = moved * gate.diagonal[0 if select is None else select[0]]
        np.testing.assert_allclose(moved, run_naively(gates, n), atol=1e-11)


def on_wires(gate: GateOperation, item: WireGate) -> GateOperation:
    _, _, wires, controls, state, _ = item
    if isinstance(gate, Matrix):
        return Matrix(gate.matrix, wires, controls, state)
    if isinstance(gate, Permutation):
        return Permutation(gate.table, wires, controls, state)
    assert isinstance(gate, Diagonal)
    return Diagonal(gate.diagonal, wires, controls, state)


def matrix_of(
    items: list[WireGate],
    gates: list[GateOperation],
    columns: tuple[int, ...],
    rows: tuple[int, ...] | None = None,
) -> np.ndarray:
    matrices = Matrices(gates)
    number = matrices.add(
        [GateNode(item[2] + item[3], 0, False, False, 0, item) for item in items],
        columns,
        columns if rows is None else rows,
    )
    return matrices.recipes().fill(matrices.values.fill(gates))[0][number]


def test_a_cluster_takes_what_is_behind_it() -> None:
    gates = [cx(q, q + 1) for q in range(3)] * 4
    fused = fuse(gates, stored(4), widest=2, widest_diagonal=2)
    (cluster,) = ClusterSearch(fused.nodes, DEFAULT_COSTS[:5]).find()[1]
    assert isinstance(cluster, Cluster)
    assert cluster.wires == (0, 1, 2, 3)
    assert sum(len(node.gates) for node in cluster.nodes) == 12


def test_diagonals_do_not_widen_a_cluster() -> None:
    """A Fourier transform: clusters of Hs, and all phases across them set aside."""
    n = 8
    gates: list[GateOperation] = []
    for qubit in reversed(range(n)):
        gates += [h(qubit), *(cp(other, qubit) for other in range(qubit))]
    nodes = fuse(gates, stored(n), widest=2, widest_diagonal=2).nodes
    _, pieces = ClusterSearch(nodes, DEFAULT_COSTS[:5]).find()
    clusters = [piece for piece in pieces if isinstance(piece, Cluster)]
    assert len(clusters) == 2
    assert len(pieces) - len(clusters) == 16


def test_a_long_run_is_worth_more_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which search finds the cheapest plan varies; only a long run pays for trying."""
    rng = np.random.default_rng(11)
    costs: list[float] = []
    draft = CandidatePlan.__init__

    def spy(self: CandidatePlan, *arguments: Any) -> None:
        draft(self, *arguments)
        costs.append(self.cost)

    monkeypatch.setattr(CandidatePlan, "__init__", spy)
    tried = set()
    for n, searches in [(8, 1), (26, len(SEARCH_MODES))]:
        for _ in range(6):
            gates: list[GateOperation] = []
            for _ in range(6):
                order = [int(q) for q in rng.permutation(n)]
                for a, b in zip(order[::2], order[1::2], strict=True):
                    gates.append(Matrix(random_unitary(4, rng), (a, b)))
            costs.clear()
            profile = Profile("dense", width=5, tile=16, low=6, start=10)
            plan = make_plan(gates, Layout(), profile, None)
            assert len(costs) == searches
            tried.add(costs.index(min(costs)))
            assert sum(step.gates for part in plan.passes for step in steps_of(part)) == len(gates)
    assert len(tried) > 1


def steps_of(part: Pass) -> list[Any]:
    return (
        [step for step in part.steps if isinstance(step, ProductStep)]
        if isinstance(part, ClusterPass)
        else [part]
    )


def test_the_start_is_as_wide_as_it_may_be() -> None:
    gates = [h(0), *(cx(q, q + 1) for q in range(9))]
    fused = fuse(gates, Layout(), widest=2, widest_diagonal=2)
    start, _ = ClusterSearch(fused.nodes, DEFAULT_COSTS[:5]).find(6)
    assert start is not None
    assert start.wires == (0, 1, 2, 3, 4, 5)
    assert ClusterSearch([], DEFAULT_COSTS[:5]).find(6) == (None, [])


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


def items_of(gates: list[GateOperation]) -> list[WireGate]:
    """The gates as items; wire ``w`` is qubit ``w``."""
    items: list[WireGate] = []
    for number, gate in enumerate(gates):
        assert isinstance(gate, (Matrix, Diagonal, Permutation))
        kind = {Matrix: "m", Diagonal: "d", Permutation: "p"}[type(gate)]
        items.append((number, kind, gate.qubits, gate.controls, gate.control_state, None))
    return items


def test_a_matrix_is_the_product_of_its_gates() -> None:
    rng = np.random.default_rng(7)
    for _ in range(80):
        width = int(rng.integers(1, 6))
        gates = [
            gate
            for gate in random_gates(width, int(rng.integers(1, 40)), rng, prepare=False)
            if not isinstance(gate, Relabel)
        ] or [h(0)]
        columns, rows = (tuple(int(w) for w in rng.permutation(width)) for _ in range(2))
        found = matrix_of(items_of(gates), gates, columns, rows)
        for state in range(1 << width):
            vector = np.zeros(1 << width, dtype=complex)
            vector[state] = 1
            for gate in gates:
                vector = apply_naively(vector, gate)
            column = sum((state >> wire & 1) << bit for bit, wire in enumerate(columns))
            for index in range(1 << width):
                row = sum((index >> wire & 1) << bit for bit, wire in enumerate(rows))
                assert abs(found[row, column] - vector[index]) < 1e-11


def test_many_blocks_are_computed_in_batches() -> None:
    rng = np.random.default_rng(8)
    gates: list[GateOperation] = [
        Matrix(random_unitary(8, rng), tuple(int(q) for q in rng.permutation(3)))
        for _ in range(900)
    ]
    items = items_of(gates)
    matrices = Matrices(gates)
    groups = [range(2), range(2, 5), range(5, 700), range(700, 900)]
    for group in groups:
        nodes = [GateNode(items[g][2], 7, False, False, g, items[g]) for g in group]
        matrices.add(nodes, (0, 1, 2), (0, 1, 2))
    recipes = matrices.recipes()
    assert len(recipes.small) > 1
    found = recipes.fill(matrices.values.fill(gates))[0]
    for group, matrix in zip(groups, found, strict=True):
        vector = np.eye(8, dtype=complex)[3]
        for number in group:
            vector = apply_naively(vector, gates[number])
        np.testing.assert_allclose(matrix[:, 3], vector, atol=1e-11)


def test_gates_over_no_qubits_are_phases_of_their_controls() -> None:
    one = np.array([[1j]])
    gates: list[GateOperation] = [
        Diagonal(np.array([-1 + 0j]), ()),
        Matrix(one, (), (1,), 1),
        Diagonal(np.array([1j]), (), (0, 1), 2),
    ]
    found = matrix_of(items_of(gates), gates, (0, 1))
    np.testing.assert_allclose(found, -np.diag([1, 1, 1j * 1j, 1j]), atol=1e-15)


def test_numbers_of_other_types_are_taken_as_complex() -> None:
    real = Matrix(np.array([[0.0, 1.0], [1.0, 0.0]]), (0,))
    single = Diagonal(np.array([1, 1j], dtype=np.complex64), (0,))
    gates: list[GateOperation] = [real, single]
    np.testing.assert_allclose(matrix_of(items_of(gates), gates, (0,)), [[0, 1], [1j, 0]])


def test_a_table_is_the_product_of_its_diagonals() -> None:
    rng = np.random.default_rng(2)
    for _ in range(60):
        width = int(rng.integers(1, 14))
        gates: list[GateOperation] = [
            gate
            for gate in random_gates(width, 60, rng, prepare=False)
            if isinstance(gate, Diagonal)
        ]
        for a in range(width):  # many pairs, as a Fourier transform has
            gates += [cp(a, b) for b in range(a + 1, width) if rng.random() < 0.7]
        if width > 10:
            entries = np.exp(1j * rng.uniform(0, 6, 16))
            gates.append(Diagonal(entries, (width - 1, 0, 5, 9), (3, 7), 2))
        wires = [int(w) for w in rng.permutation(width)]
        matrices = Matrices(gates)
        diagonals = Diagonals(matrices.values.offsets)
        number = diagonals.add(items_of(gates), wires)
        table = diagonals.recipes().fill(matrices.values.fill(gates))[number]
        vector = np.ones(1 << width, dtype=complex)
        for gate in gates:
            vector = apply_naively(vector, gate)
        moved = apply_naively(vector, Relabel(tuple(range(width)), tuple(wires)))
        np.testing.assert_allclose(table, moved, atol=1e-11)


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
