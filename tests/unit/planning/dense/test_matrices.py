"""Matrices of clusters, against the gates applied to every basis state."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning.dense.fusion import GateNode
from simquay.planning.dense.matrices import Matrices, reorder_index
from simquay.planning.numbers.pool import PoolLayout
from simquay.program import Diagonal, Matrix
from simquay.program.gates import GateOperation, Relabel
from tests.support.dense_gates import cx, h, matrix_of, wire_gates
from tests.support.gate_lists import apply_naively, random_gates, random_unitary, run_naively


def test_a_matrix_is_the_product_of_its_gates() -> None:
    rng = np.random.default_rng(7)
    for _ in range(80):
        width = int(rng.integers(1, 6))
        gates: list[GateOperation] = [
            gate
            for gate in random_gates(width, int(rng.integers(1, 40)), rng, prepare=False)
            if not isinstance(gate, Relabel)
        ] or [h(0)]
        columns, rows = (tuple(int(w) for w in rng.permutation(width)) for _ in range(2))
        found = matrix_of(wire_gates(gates), gates, columns, rows)
        for state in range(1 << width):
            vector = np.zeros(1 << width, dtype=complex)
            vector[state] = 1
            for gate in gates:
                vector = apply_naively(vector, gate)
            column = sum((state >> wire & 1) << bit for bit, wire in enumerate(columns))
            for index in range(1 << width):
                row = sum((index >> wire & 1) << bit for bit, wire in enumerate(rows))
                assert abs(found[row, column] - vector[index]) < 1e-11


def test_gates_over_no_qubits_are_phases_of_their_controls() -> None:
    one = np.array([[1j]])
    gates: list[GateOperation] = [
        Diagonal(np.array([-1 + 0j]), ()),
        Matrix(one, (), (1,), 1),
        Diagonal(np.array([1j]), (), (0, 1), 2),
    ]
    found = matrix_of(wire_gates(gates), gates, (0, 1))
    np.testing.assert_allclose(found, -np.diag([1, 1, 1j * 1j, 1j]), atol=1e-15)


def test_the_start_is_the_state_that_its_gates_make() -> None:
    rng = np.random.default_rng(9)
    for _ in range(20):
        gates: list[GateOperation] = [
            gate
            for gate in random_gates(4, 20, rng, prepare=False)
            if not isinstance(gate, Relabel)
        ]
        layout = PoolLayout(gates)
        matrices = Matrices(gates, layout.starts)
        nodes = [GateNode(one[2] + one[3], 0, False, False, [one]) for one in wire_gates(gates)]
        matrices.add(nodes, (0, 1, 2, 3), (0, 1, 2, 3), first=True)
        (start,) = matrices.recipes().fill(layout.fill(gates))
        np.testing.assert_allclose(start, run_naively(gates, 4)[:, None], atol=1e-11)


def test_reordered_rows() -> None:
    # New bit 0 is old bit 2, new bit 1 old bit 0, new bit 2 old bit 1.
    assert reorder_index((2, 0, 1)).tolist() == [0, 4, 1, 5, 2, 6, 3, 7]


def test_many_gates_are_computed_in_pieces() -> None:
    rng = np.random.default_rng(8)
    gates: list[GateOperation] = [
        Matrix(random_unitary(8, rng), tuple(int(q) for q in rng.permutation(3)))
        for _ in range(900)
    ]
    placed = wire_gates(gates)
    layout = PoolLayout(gates)
    matrices = Matrices(gates, layout.starts)
    groups = [range(2), range(2, 5), range(5, 700), range(700, 900)]
    for group in groups:
        nodes = [GateNode(placed[g][2], 7, False, False, [placed[g]]) for g in group]
        matrices.add(nodes, (0, 1, 2), (0, 1, 2))
    recipes = matrices.recipes()
    assert recipes.small[0].inner is not None
    found = recipes.fill(layout.fill(gates))
    for group, matrix in zip(groups, found, strict=True):
        vector = np.eye(8, dtype=complex)[3]
        for number in group:
            vector = apply_naively(vector, gates[number])
        np.testing.assert_allclose(matrix[:, 3], vector, atol=1e-11)


@pytest.mark.parametrize(("wires", "widths"), [(2, [2]), (3, [3]), (5, [3, 3])])
def test_gates_are_multiplied_into_matrices_on_three_wires(wires: int, widths: list[int]) -> None:
    gates: list[GateOperation] = [h(0), *(cx(wire, wire + 1) for wire in range(wires - 1))]
    layout = PoolLayout(gates)
    matrices = Matrices(gates, layout.starts)
    nodes = [GateNode(one[2] + one[3], 0, False, False, [one]) for one in wire_gates(gates)]
    matrices.add(nodes, range(wires), range(wires))
    (recipe,) = matrices.recipes().small
    assert [recipe.width] * len(recipe.fill(layout.fill(gates))) == widths
