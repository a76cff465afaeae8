"""Block types: from traits, with other controls, restricted to some wires."""

from __future__ import annotations

import pytest

from simquay.planning.tiled.block_types import (
    Trait,
    diagonal_type,
    matrix_type,
    permutation_type,
    preparation_type,
    restricted,
    source_of,
    with_controls,
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
    controlled = with_controls(found, 1, 1)
    assert (controlled.form, controlled.is_real, controlled.flops) == (form, is_real, flops / 2)
    assert with_controls(controlled, 0, 0) is found


def test_a_diagonal_matrix_is_a_diagonal_whose_entries_are_apart():
    found = matrix_type(2, 1, 1, Trait.DIAGONAL | Trait.REAL)
    assert found is diagonal_type(2, 1, 1, True, (0, 5, 10, 15))
    assert not found.moves


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


def test_a_restricted_diagonal_keeps_the_entries_where_the_other_wires_are_zero():
    whole = diagonal_type(3, 1, 1, False)
    assert restricted(whole, (0, 2)).entries == (0, 1, 4, 5)
    assert restricted(whole, (0, 1)).entries is None  # its entries follow each other
    assert restricted(restricted(whole, (1, 2)), (1,)).entries == (0, 4)
    assert restricted(whole, ()).size == 0


def test_a_permutation_with_controls_as_a_source_table():
    # The control is bit 2 and must be 1; the table is on the bits (1, 0).
    cycle = permutation_type(2, 1, 1, (3, 0, 1, 2))
    swapped = {0: 0, 1: 2, 2: 1, 3: 3}  # an index of bits (1, 0) as one of bits (0, 1)
    expected = list(range(8))
    for index in range(4):
        expected[4 + swapped[index]] = 4 + swapped[cycle.table[index]]
    assert list(source_of(cycle, (1, 0, 2), 3)) == expected
