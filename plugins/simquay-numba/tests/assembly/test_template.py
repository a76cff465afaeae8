"""The parts of a template: words, sizes and conditions."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engine_api import Condition
from simquay_numba.assembly.template import Shape, instruction, room
from simquay_numba.kernels.run import WORDS
from simquay_numba.kernels.vectors import VECTOR_BYTES


def test_an_instruction_is_a_row_of_words() -> None:
    words = np.frombuffer(instruction(7, -1, 1 << 40), dtype=np.int64)
    assert words.tolist() == [7, -1, 1 << 40] + [0] * (WORDS - 3)


@pytest.mark.parametrize("real_bytes", [4, 8])
def test_coefficients_take_whole_vectors(real_bytes: int) -> None:
    one = VECTOR_BYTES // real_bytes
    assert [room(reals, real_bytes) // VECTOR_BYTES for reals in (0, 1, one, one + 1)] == [
        0,
        1,
        1,
        2,
    ]


def test_a_condition_is_split_between_lanes_and_blocks() -> None:
    assert Shape(6, 3, 4).split(Condition(0b110101, 0b100001)) == (0b101, 0b001, 0b110, 0b100)


def test_a_shape_has_blocks_of_lanes() -> None:
    shape = Shape(total=10, lanes=4, real_bytes=4)
    assert (shape.high, shape.width) == (6, 16)
