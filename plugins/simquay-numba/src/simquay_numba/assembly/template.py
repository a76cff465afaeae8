"""Templates: the instructions of a stage without its numbers, and how the numbers come in.

A *source* is the array of a stage's numbers, taken as reals. A *fill* makes coefficients of one
source. It is a row of four int64:

- the address of int32 *codes*; 0: the numbers are taken in their order;
- how many coefficients it makes;
- whether the form is ``RX_LIKE``: then a coefficient is the sum of a real and the next one, which
  are the two parts of an entry, one of them 0;
- how many reals the source has.

Code ``c >= 0`` stands for real ``c`` of the source, ``ONE`` for 1 and ``ZERO`` for 0. A word
``WANTED + n`` of an instruction is replaced by the address of the coefficients of the next ``n``
fills.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import Condition
from simquay_numba.kernels.run import WORDS
from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = ["Shape", "Template", "fill_bytes", "instruction", "joined", "room"]

_instruction = struct.Struct(f"={WORDS}q").pack

fill_bytes = struct.Struct("=4q").pack
"""The bytes of a fill, from its four numbers."""


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

    def split(self, where: Condition) -> tuple[int, int, int, int]:
        """Local mask and value of a condition, on the lanes, and on the high bits."""
        low, mask, value = self.width - 1, where.local_mask, where.local_value
        return mask & low, value & low, mask >> self.lanes, value >> self.lanes


class Template(NamedTuple):
    """The instructions of one stage, or of one trip through the buffer, and all that they need.

    Attributes:
        code: instructions, ready to be joined.
        seen: a mask of the local bits that the stage acts on or depends on.
        keep: the arrays whose addresses are in instructions and fills.
        fills: of the words ``WANTED`` in ``code``, in their order.
        room: bytes of all coefficients.
        scratch: bytes of scratch memory that a thread needs.
        notes: descriptions of tables, in the order of the instructions that have one.
        note_fills: likewise, of ``notes``.
        order: the order in which to take the matrix's rows and columns; None for their own.
        flip: (bit, mask, value) for an X on ``bit`` of the block's number, where ``block & mask ==
            value``, in every tile; None for all else.
    """

    code: bytes
    seen: int
    keep: tuple[Any, ...]
    fills: bytes = b""
    room: int = 0
    scratch: int = VECTOR_BYTES
    notes: bytes = b""
    note_fills: bytes = b""
    order: NDArray[np.intp] | None = None
    flip: tuple[int, int, int] | None = None


def instruction(*words: int, where: Condition | None = None) -> bytes:
    """An instruction, which may have a condition on tiles; words that are not given are 0."""
    tail = () if where is None else (where.outer_mask, where.outer_value)
    return _instruction(*words, *(0,) * (WORDS - len(words) - len(tail)), *tail)


def joined(parts: Sequence[Template]) -> Template:
    """One template of several, in order."""
    return Template(
        b"".join([one.code for one in parts]),
        reduce(or_, [one.seen for one in parts], 0),
        tuple([one.keep for one in parts]),
        b"".join([one.fills for one in parts]),
        sum([one.room for one in parts]),
        max([one.scratch for one in parts], default=0),
        b"".join([one.notes for one in parts]),
        b"".join([one.note_fills for one in parts]),
    )


def room(reals: int, real_bytes: int) -> int:
    """Bytes of ``reals`` coefficients: whole vectors."""
    return -(-reals * real_bytes // VECTOR_BYTES) * VECTOR_BYTES
