"""Products of gates, against products of their matrices one by one."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning.numbers.patterns import matrix_pattern
from simquay.planning.numbers.products import product_recipe

PATTERNS = [
    matrix_pattern(2, "dense", (0,), (), 0, b""),
    matrix_pattern(2, "dense", (1,), (), 0, b""),
    matrix_pattern(2, "dense", (1,), (0,), 1, b""),
]


def factors(pool: np.ndarray, which: list[int], starts: list[int]) -> list[np.ndarray]:
    return [
        pool[PATTERNS[row] + start].reshape(4, 4) for row, start in zip(which, starts, strict=True)
    ]


@pytest.mark.parametrize(
    "counts", [[1], [1, 1, 1], [3, 3], [2, 5, 1, 5], [1, 17, 16], [700, 2, 33]]
)
@pytest.mark.parametrize("lists", [0, 1, 40])
def test_a_product_is_that_of_its_gates_in_order(counts: list[int], lists: int) -> None:
    rng = np.random.default_rng(sum(counts))
    total = sum(counts)
    which = rng.integers(3, size=total).tolist()
    starts = (6 * rng.permutation(total)).tolist()
    shape = (lists, total, 4) if lists else (total, 4)
    phases = np.exp(1j * rng.uniform(0, 6, (*shape[:-1], 2)))
    angle = rng.uniform(0, 6, shape[:-1])
    gates = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], -1) + 0j
    gates *= phases[..., [0, 0, 1, 1]]
    ones = np.broadcast_to([1, 0], (*shape[:-1], 2))
    pool = np.concatenate([ones, gates], -1).reshape(*shape[:-2], -1)
    found = product_recipe(PATTERNS, which, starts, counts).fill(pool)
    assert found.shape == (*shape[:-2], len(counts), 4, 4)
    pools = pool.reshape(-1, 6 * total)
    for own, products in zip(pools, found.reshape(len(pools), -1, 4, 4), strict=True):
        matrices = iter(factors(own, which, starts))
        for count, product in zip(counts, products, strict=True):
            whole = np.eye(4, dtype=complex)
            for _ in range(count):
                whole = next(matrices) @ whole
            np.testing.assert_allclose(product, whole, atol=1e-11)
