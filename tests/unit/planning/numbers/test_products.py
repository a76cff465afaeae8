"""Products of small matrices and of tables, against products of full matrices."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning.numbers.patterns import diagonal_pattern
from simquay.planning.numbers.products import Products
from simquay.planning.tiled.block_types import BlockType, block_type, pattern_of
from simquay.program import Diagonal, Matrix, Permutation
from tests.support.dense import gate_matrix


def gate_of(type_: BlockType, bits: tuple[int, ...], numbers: np.ndarray):
    own, controls = bits[: type_.size], bits[type_.size :]
    if type_.kind == "dense":
        matrix = numbers.reshape(1 << type_.size, -1)
        return Matrix(matrix, own, controls, type_.state)
    if type_.kind == "diagonal":
        return Diagonal(numbers, own, controls, type_.state)
    return Permutation(np.argsort(type_.source), own, controls, type_.state)


U = block_type("dense", 1)
CU = block_type("dense", 1, 1, 0)
UU = block_type("dense", 2)
RZ = block_type("diagonal", 1)
CP = block_type("diagonal", 1, 1, 1)
CX = block_type("permute", 1, 1, 1, "complex", True, (1, 0))
CYCLE = block_type("permute", 2, 0, 0, "complex", True, (3, 0, 1, 2))


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
    products = Products()
    pool = [np.ones(1, dtype=complex)]
    start = 1
    wanted = []
    for cluster in range(3):
        chosen, starts, whole = [], [], np.eye(4, dtype=complex)
        for type_, bits in factors:
            length = {"dense": 1 << 2 * type_.size, "diagonal": 1 << type_.size}.get(type_.kind, 0)
            numbers = rng.normal(size=length) + 1j * rng.normal(size=length)
            chosen.append(pattern_of(type_, bits, 2))
            starts.append(start)
            pool.append(numbers)
            start += length
            whole = gate_matrix(gate_of(type_, bits, numbers), 2) @ whole
        assert products.add(chosen, starts) == cluster
        wanted.append(whole)
    # A product of one factor beside longer ones.
    products.add(chosen[:1], starts[:1])
    recipe = products.matrices(2)
    numbers = np.concatenate([*pool, [0]])
    found = recipe.fill(numbers)
    np.testing.assert_allclose(found[:3], wanted, atol=1e-12)
    np.testing.assert_array_equal(recipe.fill(np.array([numbers, numbers])), [found, found])


@pytest.mark.parametrize("lengths", [[1], [3, 3], [2, 5, 1, 5], [1, 17, 16], [16], [700, 2, 33]])
@pytest.mark.parametrize("lists", [1, 40])
def test_products_of_any_length_in_any_order(lengths, lists):
    rng = np.random.default_rng(sum(lengths))
    total = sum(lengths)
    angles = rng.uniform(0, 6, (lists, total))
    rotations = np.stack([np.cos(angles), -np.sin(angles), np.sin(angles), np.cos(angles)], -1)
    pools = np.zeros((lists, 2 + 4 * total), dtype=complex)
    pools[:, 0] = 1
    pools[:, 1:-1] = rotations.reshape(lists, -1)
    bits = rng.integers(2, size=total)
    products = Products()
    patterns = [pattern_of(U, (bit,), 2) for bit in (0, 1)]
    done = 0
    for length in lengths:
        factors = range(done, done + length)
        products.add([patterns[bits[n]] for n in factors], [1 + 4 * n for n in factors])
        done += length
    recipe = products.matrices(2)
    found = recipe.fill(pools)
    assert found.shape == (lists, len(lengths), 4, 4)
    # Rotations on one bit commute: their product is one rotation, by the sum of their angles.
    ends = np.cumsum(lengths)
    for product, end, length in zip(range(len(lengths)), ends, lengths, strict=True):
        own = slice(end - length, end)
        total_angles = [np.where(bits[own] == bit, angles[:, own], 0).sum(1) for bit in (0, 1)]
        for row, low, high in zip(found[:, product], *total_angles, strict=True):
            wanted = np.kron(_rotation(high), _rotation(low))
            np.testing.assert_allclose(row, wanted, atol=1e-10)
    np.testing.assert_allclose(recipe.fill(pools[0]), found[0], atol=1e-14)


POOL = np.array([1, 2, 3, 4, 5, 0], dtype=complex)


def test_a_table_is_the_product_of_its_factors() -> None:
    low = diagonal_pattern(2, (0,), (), 0, b"")
    high = diagonal_pattern(2, (1,), (0,), 1, b"")
    products = Products()
    assert products.add([low], [1]) == 0
    assert products.add([low, high], [1, 3]) == 1
    recipe = products.tables()
    wanted = [[2, 3, 2, 3], [2, 3 * 4, 2, 3 * 5]]
    np.testing.assert_array_equal(recipe.fill(POOL), wanted)
    changed = np.array([1, 7, 1, 1, 1, 0])
    np.testing.assert_array_equal(
        recipe.fill(np.array([POOL, changed])), [wanted, [[7, 1, 7, 1], [7, 1, 7, 1]]]
    )


def test_tables_of_one_factor_are_gathered_alone() -> None:
    products = Products()
    for start in (1, 3):
        products.add([diagonal_pattern(1, (0,), (), 0, b"")], [start])
    np.testing.assert_array_equal(products.tables().fill(POOL), [[2, 3], [4, 5]])


def _rotation(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
