"""Block types: one object for equal ones, and permutations as tables."""

from __future__ import annotations

import pytest

from simquay.planning.tiled.block_types import block_type, source_of
from simquay.planning.tiled.passes import Form


@pytest.mark.parametrize(
    ("form", "flops"), [("complex", 16), ("real", 8), ("rx_like", 8), ("hadamard", 4)]
)
def test_the_flops_of_a_matrix_follow_from_its_form_and_controls(form: Form, flops: int) -> None:
    assert block_type("dense", 1, 0, 0, form).flops == flops
    assert block_type("dense", 1, 1, 1, form).flops == flops / 2


def test_equal_types_are_one_object():
    types = [
        block_type("dense", 1),
        block_type("dense", 1, 1, 0),
        block_type("dense", 1, 1, 1),
        block_type("diagonal", 1),
        block_type("permute", 1, 0, 0, "complex", True, (1, 0)),
        block_type("prepare", 1),
    ]
    assert block_type("permute", 1, 0, 0, "complex", True, (1, 0)) is types[4]
    assert len(set(types)) == len(types)


@pytest.mark.parametrize(
    ("type_", "fuses"),
    [
        (block_type("dense", 1, 1, 1), 2),
        (block_type("dense", 2, 1, 1), 0),
        (block_type("permute", 1, 0, 0, "complex", True, (1, 0)), 1),
        (block_type("prepare", 1), 0),
    ],
)
def test_blocks_on_up_to_two_wires_fuse(type_, fuses):
    assert type_.fuses == fuses


def test_a_diagonal_whose_entries_follow_each_other_has_no_entries():
    found = block_type("diagonal", 2, source=(0, 1, 2, 3))
    assert found.source == ()
    assert found.extra == b""
    assert block_type("diagonal", 2, source=(0, 2, 1, 3)).source == (0, 2, 1, 3)


def test_a_permutation_with_controls_as_a_source_table():
    # The control is bit 2 and must be 1; the table is on the bits (1, 0).
    cycle = block_type("permute", 2, 1, 1, "complex", True, (3, 0, 1, 2))
    swapped = {0: 0, 1: 2, 2: 1, 3: 3}  # an index of bits (1, 0) as one of bits (0, 1)
    expected = list(range(8))
    for index in range(4):
        expected[4 + swapped[index]] = 4 + swapped[cycle.source[index]]
    assert list(source_of(cycle, (1, 0, 2), 3)) == expected
