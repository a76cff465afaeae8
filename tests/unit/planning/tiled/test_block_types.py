"""Block types: from traits, with other controls and other entries."""

from __future__ import annotations

import pytest

from simquay.planning.tiled.block_types import (
    Trait,
    apart_type,
    changed,
    diagonal_type,
    matrix_type,
    permutation_type,
    preparation_type,
    source_of,
)


@pytest.mark.parametrize(
    ("trait", "form", "is_real", "flops"),
    [
        (Trait(0), "complex", False, 16),
        (Trait.REAL, "real", True, 8),
        (Trait.RX_LIKE, "rx_like", False, 8),
        (Trait.HADAMARD | Trait.REAL, "hadamard", True, 4),
    ],
)
def test_the_form_of_a_matrix_follows_from_its_trait(trait, form, is_real, flops):
    found = matrix_type(1, 0, 0, trait)
    assert (found.kind, found.form, found.is_real, found.flops) == ("dense", form, is_real, flops)
    assert matrix_type(1, 0, 0, int(trait)) is found
    controlled = changed(found, 1, 1, 1, None)
    assert (controlled.form, controlled.is_real, controlled.flops) == (form, is_real, flops / 2)
    assert changed(controlled, 1, 0, 0, None) is found


def test_equal_types_are_one_object_and_others_have_other_codes():
    types = [
        matrix_type(1, 0, 0, 0),
        matrix_type(1, 1, 0, 0),
        matrix_type(1, 1, 1, 0),
        diagonal_type(1, 0, 0, False),
        permutation_type(1, 0, 0, (1, 0)),
        preparation_type(1),
    ]
    assert permutation_type(1, 0, 0, (1, 0)) is types[4]
    codes = [type_.code for type_ in types]
    assert len(set(codes)) == len(types)
    assert all(code % 4 == 0 for code in codes)


@pytest.mark.parametrize(
    ("type_", "fuses"),
    [
        (matrix_type(1, 1, 1, 0), 2),
        (matrix_type(2, 1, 1, 0), 0),
        (permutation_type(1, 0, 0, (1, 0)), 1),
        (preparation_type(1), 0),
    ],
)
def test_blocks_on_up_to_two_wires_fuse(type_, fuses):
    assert type_.fuses == fuses


def test_a_diagonal_whose_entries_follow_each_other_has_no_entries():
    assert apart_type(2, 0, 0, True, (0, 1, 2, 3)) is diagonal_type(2, 0, 0, True)
    apart = diagonal_type(2, 0, 0, True, (0, 2, 1, 3))
    assert changed(apart, 1, 1, 1, (0, 2)) is diagonal_type(1, 1, 1, True, (0, 2))


def test_a_permutation_with_controls_as_a_source_table():
    # The control is bit 2 and must be 1; the table is on the bits (1, 0).
    cycle = permutation_type(2, 1, 1, (3, 0, 1, 2))
    swapped = {0: 0, 1: 2, 2: 1, 3: 3}  # an index of bits (1, 0) as one of bits (0, 1)
    expected = list(range(8))
    for index in range(4):
        expected[4 + swapped[index]] = 4 + swapped[cycle.table[index]]
    assert list(source_of(cycle, (1, 0, 2), 3)) == expected
