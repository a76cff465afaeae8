"""Templates of stages: which kernels they take, and how few trips through the buffer."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engine_api import ALWAYS, Condition
from simquay_numba.assembly.stages import FORMS, dense, lane_layer, narrowed, permute
from simquay_numba.assembly.template import Shape, Template
from simquay_numba.kernels.matrices import MATRIX_VARIANTS
from simquay_numba.kernels.run import FLIP, GENERAL, MATRICES, SWAP, WIDE, WORDS

SHAPE = Shape(total=12, lanes=4, real_bytes=4)
COMPLEX, REAL = FORMS["complex"], FORMS["real"]


def opcodes(template: Template) -> list[int]:
    words: list[list[int]] = np.frombuffer(template.code, np.int64).reshape(-1, WORDS).tolist()
    return [op for op, *_ in words]


@pytest.mark.parametrize(
    ("bits", "kinds"),
    [
        ((5,), [MATRICES]),
        ((0, 3), [MATRICES]),
        ((2, 9), [MATRICES]),
        ((5, 6, 7), [MATRICES]),
        ((0, 5, 6), [SWAP, MATRICES, SWAP]),  # three bits have a kernel on blocks alone
        ((1, 4, 5, 6), [SWAP, WIDE, SWAP]),
        (tuple(range(10)), [GENERAL]),  # no room to move four lanes to
    ],
)
def test_a_matrix_takes_the_kernel_for_its_bits(bits: tuple[int, ...], kinds: list[int]) -> None:
    assert opcodes(dense(SHAPE, bits, COMPLEX, ALWAYS)) == kinds


def test_matrices_on_lanes_share_a_trip() -> None:
    one, three = (lane_layer(SHAPE, REAL, lanes) for lanes in ((1,), (0, 1, 3)))
    for template, kernel in ((one, (0, (1,), REAL)), (three, (0, True, REAL))):
        words = np.frombuffer(template.code, np.int64)
        assert words[0] == MATRICES
        assert MATRIX_VARIANTS[words[1]] == kernel
        assert len(words) == WORDS


def test_zero_bits_narrow_a_matrix_only_where_its_kernel_takes_lanes_as_they_are() -> None:
    zero = 1 << 9 | 1 << 5
    assert narrowed(SHAPE, (5,), COMPLEX, ALWAYS, zero) == Condition(1 << 9, 0)
    assert narrowed(SHAPE, (0, 5, 6), COMPLEX, ALWAYS, zero) is ALWAYS
    where = Condition(1 << 9, 1 << 9)  # its condition looks at the bit: it stays
    assert narrowed(SHAPE, (5,), COMPLEX, where, zero) == where


@pytest.mark.parametrize(
    ("bit", "where", "flip"),
    [
        (6, ALWAYS, (2, 0, 0)),
        (6, Condition(1 << 8, 1 << 8), (2, 1 << 4, 1 << 4)),
        (6, Condition(0, 0, 1, 1), None),  # in some tiles only
    ],
)
def test_a_flip_of_a_block_bit_can_be_done_by_writing(
    bit: int, where: Condition, flip: tuple[int, int, int] | None
) -> None:
    template = permute(SHAPE, (bit,), np.array([1, 0], dtype=np.intp).tobytes(), where)
    assert opcodes(template) == [FLIP]
    assert template.flip == flip
