"""The cheapest way to apply angles, in cases where it is plain."""

from __future__ import annotations

import pytest

from simquay_cupy.encoding.diagonals import Term, cheapest_way

REGISTER = 4


@pytest.mark.parametrize("single", [True, False])
def test_one_angle_is_applied_by_itself(single: bool) -> None:
    assert cheapest_way({0b0011: [(0, 0.5, 0)]}, {0b0011: 0.5}, REGISTER, single) == "subsets"
    assert cheapest_way({0b0001: [(1, 0.5, 0)]}, {}, REGISTER, single) == "subsets"


@pytest.mark.parametrize("single", [True, False])
def test_many_angles_that_all_threads_share_are_a_table(single: bool) -> None:
    subsets: dict[int, list[Term]] = {subset: [(0, 0.1, 0)] for subset in range(1, 16)}
    fixed = dict.fromkeys(subsets, 0.1)
    assert cheapest_way(subsets, fixed, REGISTER, single) == "table"


def test_angles_of_every_register_bit_that_depend_on_the_tile_are_a_tree() -> None:
    subsets: dict[int, list[Term]] = {1 << bit: [(3, 0.1, 0), (0, 0.2, 1)] for bit in range(4)}
    subsets |= {1 << a | 1 << b: [(0, 0.3, 0)] for a in range(4) for b in range(a)}
    fixed = {subset: 0.3 for subset in subsets if subset.bit_count() == 2}
    assert cheapest_way(subsets, fixed, REGISTER, True) == "tree"
