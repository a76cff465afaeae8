"""Tables, against the products of their factors' entries."""

from __future__ import annotations

import numpy as np

from simquay.planning.numbers.patterns import diagonal_pattern
from simquay.planning.numbers.tables import table_recipe

POOL = np.array([1, 0, 2, 3, 1, 0, 5, 7j])
FIRST = diagonal_pattern(2, (1,), (), 0, b"")  # a number of bit 1
CONTROLLED = diagonal_pattern(2, (0,), (1,), 1, b"")  # 1, or a number of bit 0 where bit 1 is 1


def test_a_table_is_the_product_of_its_factors() -> None:
    recipe = table_recipe([[(FIRST, 0)], [(FIRST, 0), (CONTROLLED, 4), (CONTROLLED, 0)]])
    wanted = [[2, 2, 3, 3], [2, 2, 3 * 5 * 2, 3 * 7j * 3]]
    np.testing.assert_array_equal(recipe.fill(POOL), wanted)
    np.testing.assert_array_equal(recipe.fill(np.stack([POOL, POOL])), [wanted, wanted])


def test_tables_of_one_factor_each() -> None:
    recipe = table_recipe([[(CONTROLLED, 4)], [(FIRST, 4)]])
    np.testing.assert_array_equal(recipe.fill(POOL), [[1, 1, 5, 7j], [5, 5, 7j, 7j]])
