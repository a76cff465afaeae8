"""What a stage's instructions are without their numbers, and how the numbers come in.

A *fill* is a row of four int64: the address of int32 *codes* (0: take the numbers as they are),
how many reals it makes, whether the form is ``CROSS``, and how many reals the source has. Code
``c >= 0`` is real ``c`` of the source, ``ONE`` and ``ZERO`` are what they say. A word of an
instruction that is ``WANTED + n`` becomes the address of what the next ``n`` fills make.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = ["ANYWHERE", "Shape", "Template", "Where", "fill_bytes", "instruction", "mask_of", "room"]

_instruction = struct.Struct("=10q").pack

fill_bytes = struct.Struct("=4q").pack
"""A fill as bytes, of its four numbers."""


class Shape(NamedTuple):
    """A tile's buffer: ``total`` local bits, of which the lowest ``lanes`` are lanes."""

    total: int
    lanes: int
    real_bytes: int

    @property
    def high(self) -> int:
        """How many bits number the blocks."""
        return self.total - self.lanes

    @property
    def width(self) -> int:
        """Amplitudes of a block."""
        return 1 << self.lanes


class Where(NamedTuple):
    """A condition as a key: local mask and value, outer mask and value."""

    local_mask: int = 0
    local_value: int = 0
    outer_mask: int = 0
    outer_value: int = 0

    def split(self, lanes: int) -> tuple[int, int, int, int]:
        """Mask and value on the lanes, and on the high bits."""
        low = (1 << lanes) - 1
        mask, value = self.local_mask, self.local_value
        return mask & low, value & low, mask >> lanes, value >> lanes


ANYWHERE = Where()


class Template(NamedTuple):
    """What one stage, or one trip, needs.

    Attributes:
        code: instructions, ready to be joined.
        fills: what the words ``WANTED`` in ``code`` stand for.
        notes: descriptions of tables, in the order of the ``TABLE`` instructions.
        note_fills: what the words ``WANTED`` in ``notes`` stand for.
        seen: the local bits that the stage looks at.
        room: bytes of all coefficients.
        scratch: bytes of scratch memory that a thread needs.
        order: the matrix's rows and columns are to be taken in this order; None as they are.
        keep: the arrays that instructions and fills point at.
        flip: for an X on a high bit, in whatever tile, where ``block & mask == value``: the bit of
            the block's number, the mask and the value.
    """

    code: bytes
    fills: bytes
    notes: bytes
    note_fills: bytes
    seen: int
    room: int
    scratch: int
    order: NDArray[np.intp] | None
    keep: tuple[Any, ...]
    flip: tuple[int, int, int] | None = None


def instruction(*words: int) -> bytes:
    """An instruction; words that are not given are 0."""
    return _instruction(*words, *(0,) * (10 - len(words)))


def room(reals: int, real_bytes: int) -> int:
    """Bytes that so many reals take in the memory of coefficients."""
    return -(-reals * real_bytes // VECTOR_BYTES) * VECTOR_BYTES


def mask_of(bits: Sequence[int]) -> int:
    """The mask that has these bits."""
    return sum([1 << bit for bit in bits])
