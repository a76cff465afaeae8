"""Small matrices: the numbers of gates, and products of many gates."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning.dense.fusion import GateNode
from simquay.planning.dense.numbers.matrices import Matrices
from simquay.planning.dense.numbers.small_matrices import SmallMatrices, ValueRecipe
from simquay.program import Diagonal, Matrix, Permutation
from simquay.program.operations import GateOperation
from tests.support.dense_gates import NOT, cx, h, matrix_of, wire_gates
from tests.support.gate_lists import apply_naively, random_unitary


def test_many_gates_are_computed_in_batches() -> None:
    rng = np.random.default_rng(8)
    gates: list[GateOperation] = [
        Matrix(random_unitary(8, rng), tuple(int(q) for q in rng.permutation(3)))
        for _ in range(900)
    ]
    placed = wire_gates(gates)
    matrices = Matrices(gates)
    groups = [range(2), range(2, 5), range(5, 700), range(700, 900)]
    for group in groups:
        nodes = [GateNode(placed[g][2], 7, False, False, g, placed[g]) for g in group]
        matrices.add(nodes, (0, 1, 2), (0, 1, 2))
    recipes = matrices.recipes()
    assert len(recipes.small) > 1
    found = recipes.fill(matrices.values.fill(gates))[0]
    for group, matrix in zip(groups, found, strict=True):
        vector = np.eye(8, dtype=complex)[3]
        for number in group:
            vector = apply_naively(vector, gates[number])
        np.testing.assert_allclose(matrix[:, 3], vector, atol=1e-11)


def test_numbers_of_other_types_are_taken_as_complex() -> None:
    real = Matrix(np.array([[0.0, 1.0], [1.0, 0.0]]), (0,))
    single = Diagonal(np.array([1, 1j], dtype=np.complex64), (0,))
    gates: list[GateOperation] = [real, single]
    found = matrix_of(wire_gates(gates), gates, (0,))
    np.testing.assert_allclose(found, np.array([[0, 1], [1j, 0]]))


def test_each_gate_has_a_one_a_zero_and_its_numbers() -> None:
    gates: list[GateOperation] = [
        Diagonal(np.array([5, 6j]), (3,)),
        Permutation(NOT, (0,)),
        Matrix(np.array([[1, 2], [3, 4j]]), (1,)),
    ]
    recipe = ValueRecipe(gates)
    values = recipe.fill(gates)
    assert recipe.offsets[0] == 0
    assert values[:4].tolist() == [1, 0, 5, 6j]
    start = recipe.offsets[2]
    assert values[start : start + 6].tolist() == [1, 0, 1, 2, 3, 4j]
    # A permutation has no numbers, and finds the 1 and 0 of the next gate.
    assert values[recipe.offsets[1] :][:2].tolist() == [1, 0]
    np.testing.assert_array_equal(recipe.fill_sweep([gates, gates]), [values, values])


@pytest.mark.parametrize(("wires", "widths"), [(2, [2]), (3, [3]), (5, [3, 3])])
def test_gates_are_multiplied_into_matrices_on_three_wires(wires: int, widths: list[int]) -> None:
    gates: list[GateOperation] = [h(0), *(cx(wire, wire + 1) for wire in range(wires - 1))]
    small = SmallMatrices(gates, ValueRecipe(gates).offsets)
    nodes = [GateNode(one[2] + one[3], 0, False, False, 0, one) for one in wire_gates(gates)]
    assert [width for width, _, _ in small.add(nodes, range(wires))] == widths
