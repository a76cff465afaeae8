"""Templates of diagonals: which tables are made for each tile, and what shares a trip."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engine_api import DiagonalGroup, DiagonalStage, DiagonalTerm
from simquay_numba.assembly.diagonals import (
    GroupKey,
    chain,
    diagonal,
    group_keys,
    lanes_alike,
    varies,
)
from simquay_numba.assembly.stages import FORMS
from simquay_numba.assembly.template import Shape, Template
from simquay_numba.kernels.matrices import CHAIN_VARIANTS, MATRIX_VARIANTS
from simquay_numba.kernels.run import CHAIN, DIAGONAL, MATRICES, TABLE, WORDS

SHAPE = Shape(total=12, lanes=4, real_bytes=4)
FIXED = DiagonalTerm((0, 1), (), np.exp(1j * np.arange(4)))
OUTER = DiagonalTerm((0, 1), (2,), np.exp(1j * np.arange(8)))
WHERE = DiagonalTerm((0, 1), (), FIXED.table, 0b10, 0b10)


def code(template: Template) -> list[list[int]]:
    lines: list[list[int]] = np.frombuffer(template.code, np.int64).reshape(-1, WORDS).tolist()
    return lines


@pytest.mark.parametrize(
    ("terms", "expected"), [((FIXED,), False), ((OUTER,), True), ((WHERE,), True)]
)
def test_a_factor_varies_where_it_depends_on_the_tile(
    terms: tuple[DiagonalTerm, ...], expected: bool
) -> None:
    group = DiagonalGroup((5, 7), terms)
    assert varies(group) is expected
    (key,) = group_keys(DiagonalStage((group,)))
    assert (key.terms is not None) is expected
    assert [line[0] for line in code(diagonal(SHAPE, (key,)))] == [TABLE] * expected + [DIAGONAL]


@pytest.mark.parametrize(
    ("bits", "mask", "alike"),
    [((4, 9), 0, True), ((3, 9), 0, False), ((4, 9), 1, False), ((), 1 << 5, True)],
)
def test_lanes_are_alike_where_nothing_looks_at_one(
    bits: tuple[int, ...], mask: int, alike: bool
) -> None:
    assert lanes_alike(GroupKey(bits, mask, 0, None), 4) is alike


def test_four_groups_share_a_trip() -> None:
    keys = tuple(GroupKey((bit,), 0, 0, None) for bit in range(6))
    lines = code(diagonal(SHAPE, keys))
    assert [line[:2] for line in lines] == [[DIAGONAL, 4], [DIAGONAL, 2]]


def test_a_chain_is_one_trip() -> None:
    key = GroupKey((5, 7), 0, 0, None)
    template = chain(SHAPE, FORMS["complex"], ((key,), (key, key)), (6, 8))
    (line,) = code(template)
    assert line[0] == CHAIN
    assert CHAIN_VARIANTS[line[3]] == (2, FORMS["complex"])
    (line,) = code(chain(SHAPE, FORMS["real"], ((), (), ()), (6, 8, 9)))
    assert line[0] == MATRICES
    assert MATRIX_VARIANTS[line[1]] == (3, False, FORMS["real"])
    assert template.seen == 1 << 6 | 1 << 8 | 1 << 5 | 1 << 7
