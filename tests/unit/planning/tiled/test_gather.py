"""Arrays gathered from the pool, against the same entries picked one by one."""

from __future__ import annotations

import numpy as np

from simquay.planning.tiled.block_types import block_type
from simquay.planning.tiled.gather import GatherPlan

POOL = np.concatenate([[1, 0], np.arange(2, 400)]).astype(complex)


def test_matrices_in_the_order_of_their_bits():
    pair = block_type("dense", 2)
    blocks = [(pair, (0, 1), 2), (pair, (5, 3), 18)]
    plan = GatherPlan(blocks)
    refs = [plan.matrix(0, (0, 1)), plan.matrix(1, (1, 0))]
    first, second = (plan.recipe().fill(POOL)[kind][index] for kind, index in refs)
    straight = POOL[2:18].reshape(4, 4)
    np.testing.assert_array_equal(first, straight)
    swapped = [0, 2, 1, 3]
    np.testing.assert_array_equal(second, POOL[18:34].reshape(4, 4)[np.ix_(swapped, swapped)])


def test_large_matrices_are_views_of_the_pool():
    plan = GatherPlan([(block_type("dense", 4), (0, 1, 2, 3), 2)])
    kind, index = plan.matrix(0, (0, 1, 2, 3))
    found = plan.recipe().fill(POOL)[kind][index]
    assert found.shape == (16, 16)
    assert np.shares_memory(found, POOL)


def test_a_table_is_the_product_of_its_parts():
    cp = block_type("diagonal", 1, 1, 1)
    far = block_type("diagonal", 1, source=(0, 3))  # the diagonal of a matrix
    plan = GatherPlan([(cp, (0, 1), 10), (far, (2,), 20)])
    kind, index = plan.table(3, [(0, (2, 0)), (1, (1,))])
    alone = plan.table(1, [(1, (0,))])
    filled = plan.recipe().fill(POOL)
    expected = []
    for entry in range(8):
        bits = [entry >> bit & 1 for bit in range(3)]
        controlled = POOL[10 + bits[2]] if bits[0] else 1
        expected.append(controlled * POOL[20 + 3 * bits[1]])
    np.testing.assert_array_equal(filled[kind][index], expected)
    np.testing.assert_array_equal(filled[alone[0]][alone[1]], POOL[[20, 23]])


def test_a_plan_is_filled_again_with_other_numbers():
    plan = GatherPlan([(block_type("dense", 1), (0,), 2)])
    kind, index = plan.matrix(0, (0,))
    recipe = plan.recipe()
    recipe.fill(POOL)
    np.testing.assert_array_equal(recipe.fill(2 * POOL)[kind][index], 2 * POOL[2:6].reshape(2, 2))
