"""Products of clusters, against products of full matrices."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning.tiled.block_types import (
    BlockType,
    diagonal_type,
    matrix_type,
    permutation_type,
)
from simquay.planning.tiled.products import Build, Product, Products, source_of
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
@pytest.mark.parametrize("entries", [(), (1, 3)])
def test_a_dense_build_is_the_product_of_its_factors(factors, entries):
    rng = np.random.default_rng(0)
    product = Product(Build(tuple(factors), 2, False, entries))
    pool = [np.array([], dtype=complex)]
    start = 0
    wanted = []
    for cluster in range(3):
        starts, whole = [], np.eye(4, dtype=complex)
        for type_, bits in factors:
            length = {"dense": 1 << 2 * type_.size, "diagonal": 1 << type_.size}.get(type_.kind, 0)
            numbers = rng.normal(size=length) + 1j * rng.normal(size=length)
            starts.append(start)
            pool += [np.array([1, 0]), numbers]
            start += 2 + length
            whole = gate_matrix(gate_of(type_, bits, numbers), 2) @ whole
        product.starts.append(starts)
        product.blocks.append(cluster)
        wanted.append(whole[np.ix_(entries, entries)] if entries else whole)
    (found,) = Products([product]).fill(np.concatenate(pool))
    assert product.build.length == wanted[0].size
    np.testing.assert_allclose(found, np.concatenate([one.ravel() for one in wanted]), atol=1e-12)


def test_a_diagonal_build_is_the_diagonal_of_its_product():
    factors = ((CX, (0, 1)), (RZ, (0,)), (CX, (0, 1)), (CP, (1, 0)))
    product = Product(Build(factors, 2, True, ()), [[0, 0, 0, 4]], [0])
    pool = np.array([1, 0, 2, 3, 1, 0, 5, 7j])
    (found,) = Products([product]).fill(pool)
    # CX RZ CX is the diagonal (2, 3, 3, 2) on the two bits; CP gives 7j (5) where both are 1 (bit
    # 0 alone is 1).
    np.testing.assert_allclose(found, [2, 3 * 5, 3, 2 * 7j])


def test_a_permutation_with_controls_as_a_source_table():
    # The control is bit 2 and must be 1; the table is on the bits (1, 0).
    cycle = permutation_type(2, 1, 1, (3, 0, 1, 2))
    swapped = {0: 0, 1: 2, 2: 1, 3: 3}  # an index of bits (1, 0) as one of bits (0, 1)
    expected = list(range(8))
    for index in range(4):
        expected[4 + swapped[index]] = 4 + swapped[cycle.table[index]]
    assert list(source_of(cycle, (1, 0, 2), 3)) == expected
