"""Templates of stages: which kernels they take, and how few trips through the buffer."""

from __future__ import annotations

import numpy as np
import pytest

from simquay_numba.assembly.stages import FORMS, dense, first_trip, layers, narrowed, permute
from simquay_numba.assembly.template import ANYWHERE, Shape, Template, Where
from simquay_numba.kernels.matrices import DENSE_VARIANTS
from simquay_numba.kernels.run import FLIP, GENERAL, MATRICES, SWAP, WIDE, WORDS

SHAPE = Shape(total=12, lanes=4, real_bytes=4)
COMPLEX, REAL = FORMS["complex"], FORMS["real"]


DENSE, LAYER = MATRICES, -1
"""An instruction for one matrix, and for one-qubit matrices in one trip."""


def opcodes(template: Template) -> list[int]:
    words: list[list[int]] = np.frombuffer(template.code, np.int64).reshape(-1, WORDS).tolist()
    shared = len(DENSE_VARIANTS)
    return [LAYER if op == MATRICES and kind >= shared else op for op, kind, *_ in words]


@pytest.mark.parametrize(
    ("bits", "kinds"),
    [
        ((5,), [DENSE]),
        ((0, 3), [DENSE]),
        ((2, 9), [DENSE]),
        ((5, 6, 7), [DENSE]),
        ((0, 5, 6), [SWAP, DENSE, SWAP]),  # three bits have a kernel on blocks alone
        ((1, 4, 5, 6), [SWAP, WIDE, SWAP]),
        (tuple(range(10)), [GENERAL]),  # no room to move four lanes to
    ],
)
def test_a_matrix_takes_the_kernel_for_its_bits(bits: tuple[int, ...], kinds: list[int]) -> None:
    assert opcodes(dense(SHAPE, bits, COMPLEX, ANYWHERE)) == kinds


def test_one_qubit_matrices_of_one_form_share_trips() -> None:
    # Three high bits; a lane alone; three lanes together.
    assert opcodes(layers(SHAPE, ((5, COMPLEX), (6, COMPLEX), (7, COMPLEX))).template) == [LAYER]
    assert opcodes(layers(SHAPE, ((1, COMPLEX),)).template) == [DENSE]
    assert opcodes(layers(SHAPE, ((0, REAL), (1, REAL), (3, REAL))).template) == [LAYER]
    mixed = layers(SHAPE, ((5, COMPLEX), (6, REAL)))
    assert opcodes(mixed.template) == [DENSE, DENSE]
    # Four high bits are two and two, and matrices are named in the order of their bits.
    four = tuple((bit, COMPLEX) for bit in (9, 5, 8, 4))
    assert opcodes(layers(SHAPE, four).template) == [LAYER, LAYER]
    assert layers(SHAPE, four).sources == (3, 1, 2, 0)
    assert first_trip(SHAPE, four) == (3, 1)
    assert first_trip(SHAPE, ((0, COMPLEX),)) == ()


def test_zero_bits_narrow_a_matrix_only_where_its_kernel_takes_lanes_as_they_are() -> None:
    zero = 1 << 9 | 1 << 5
    assert narrowed(SHAPE, (5,), COMPLEX, ANYWHERE, zero) == Where(1 << 9, 0)
    assert narrowed(SHAPE, (0, 5, 6), COMPLEX, ANYWHERE, zero) is ANYWHERE
    where = Where(1 << 9, 1 << 9)  # its condition looks at the bit: it stays
    assert narrowed(SHAPE, (5,), COMPLEX, where, zero) == where


@pytest.mark.parametrize(
    ("bit", "where", "flip"),
    [
        (6, ANYWHERE, (2, 0, 0)),
        (6, Where(1 << 8, 1 << 8), (2, 1 << 4, 1 << 4)),
        (6, Where(0, 0, 1, 1), None),  # in some tiles only
    ],
)
def test_a_flip_of_a_block_bit_can_be_done_by_writing(
    bit: int, where: Where, flip: tuple[int, int, int] | None
) -> None:
    template = permute(SHAPE, (bit,), np.array([1, 0], dtype=np.intp).tobytes(), where)
    assert opcodes(template) == [FLIP]
    assert template.flip == flip
