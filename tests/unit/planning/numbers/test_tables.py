"""Tables: products of diagonals, of one gate list and of a sweep."""

from __future__ import annotations

import numpy as np

from simquay.planning.numbers.patterns import diagonal_pattern
from simquay.planning.numbers.tables import Tables

POOL = np.array([1, 2, 3, 4, 5, 0], dtype=complex)


def test_a_table_is_the_product_of_its_factors() -> None:
    low = diagonal_pattern(2, (0,), (), 0, b"")
    high = diagonal_pattern(2, (1,), (0,), 1, b"")
    tables = Tables()
    assert tables.add([low], [1]) == 0
    assert tables.add([low, high], [1, 3]) == 1
    recipe = tables.recipe()
    wanted = [[2, 3, 2, 3], [2, 3 * 4, 2, 3 * 5]]
    np.testing.assert_array_equal(recipe.fill(POOL), wanted)
    changed = np.array([1, 7, 1, 1, 1, 0])
    np.testing.assert_array_equal(
        recipe.fill(np.array([POOL, changed])), [wanted, [[7, 1, 7, 1], [7, 1, 7, 1]]]
    )


def test_tables_of_one_factor_are_gathered_alone() -> None:
    tables = Tables()
    for start in (1, 3):
        tables.add([diagonal_pattern(1, (0,), (), 0, b"")], [start])
    np.testing.assert_array_equal(tables.recipe().fill(POOL), [[2, 3], [4, 5]])
