"""Products of small matrices, against products of full matrices."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning.numbers.products import Products
from simquay.planning.tiled.block_types import (
    BlockType,
    diagonal_type,
    matrix_type,
    pattern_of,
    permutation_type,
)
from simquay.program import Diagonal, Matrix, Permutation
from tests.support.dense import gate_matrix


def gate_of(type_: BlockType, bits: tuple[int, ...], numbers: np.ndarray):
    own, controls = bits[: type_.size], bits[type_.size :]
    if type_.kind == "dense":
        matrix = numbers.reshape(1 << type_.size, -1)
        return Matrix(matrix, own, controls, type_.state)
    if type_.kind == "diagonal":
        return Diagonal(numbers, own, controls, type_.state)
    return Permutation(np.argsort(type_.table), own, controls, type_.state)


U = matrix_type(1, 0, 0, 0)
CU = matrix_type(1, 1, 0, 0)
UU = matrix_type(2, 0, 0, 0)
RZ = diagonal_type(1, 0, 0, False)
CP = diagonal_type(1, 1, 1, False)
CX = permutation_type(1, 1, 1, (1, 0))
CYCLE = permutation_type(2, 0, 0, (3, 0, 1, 2))


@pytest.mark.parametrize(
    "factors",
    [
        [(U, (0,)), (U, (1,)), (CX, (1, 0)), (U, (0,))],
        [(CX, (0, 1)), (RZ, (0,)), (U, (1,)), (U, (1,))],
        [(UU, (1, 0)), (CP, (0, 1)), (CYCLE, (1, 0)), (CU, (0, 1))],
        [(CP, (0, 1)), (CP, (1, 0)), (UU, (0, 1))],
    ],
)
def test_a_product_is_that_of_its_factors_as_whole_matrices(factors):
    rng = np.random.default_rng(0)
    products = Products(2)
    pool = [np.ones(1, dtype=complex)]
    start = 1
    wanted = []
    for cluster in range(3):
        chosen, starts, whole = [], [], np.eye(4, dtype=complex)
        for type_, bits in factors:
            length = {"dense": 1 << 2 * type_.size, "diagonal": 1 << type_.size}.get(type_.kind, 0)
            numbers = rng.normal(size=length) + 1j * rng.normal(size=length)
            key = (type_.code, bits)
            if key not in products.ids:
                products.register(key, pattern_of(type_, bits, 2))
            chosen.append(products.ids[key])
            starts.append(start)
            pool.append(numbers)
            start += length
            whole = gate_matrix(gate_of(type_, bits, numbers), 2) @ whole
        assert products.add(chosen, starts) == cluster
        wanted.append(whole)
    # A product of one factor beside longer ones.
    products.add(chosen[:1], starts[:1])
    recipe = products.recipe()
    numbers = np.concatenate([*pool, [0]])
    found = recipe.fill(numbers)
    np.testing.assert_allclose(found[:3], wanted, atol=1e-12)
    np.testing.assert_array_equal(recipe.fill(np.array([numbers, numbers])), [found, found])
