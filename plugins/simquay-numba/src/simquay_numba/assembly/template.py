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
from collections.abc import Callable, Sequence
from functools import lru_cache, reduce, update_wrapper
from operator import or_
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import Condition
from simquay_numba.kernels.run import WORDS
from simquay_numba.kernels.vectors import BLOCK_BYTES, VECTOR_BYTES

__all__ = ["Shape", "Template", "fill_bytes", "instruction", "joined", "kept", "room"]

_instruction = struct.Struct(f"={WORDS}q").pack

fill_bytes = struct.Struct("=4q").pack
"""The bytes of a fill, from its four numbers."""


class Shape(NamedTuple):
    """A tile's buffer: ``total`` local bits, of which the lowest ``lanes`` are lanes.

    Flips of high bits need not move blocks: the blocks' places change instead. Block 0 is at place
    ``origin`` then, and ``masks`` says for each high bit how the place of a block changes with it:
    by an exclusive or. Without masks, each block is at the place of its number.
    """

    total: int
    lanes: int
    real_bytes: int
    masks: tuple[int, ...] = ()
    origin: int = 0

    @property
    def high(self) -> int:
        """How many bits number the blocks."""
        return self.total - self.lanes

    @property
    def width(self) -> int:
        """Amplitudes of a block."""
        return 1 << self.lanes

    def distance(self, bit: int) -> int:
        """How the byte offset of a block changes with a high bit, by an exclusive or."""
        return BLOCK_BYTES * self.masks[bit] if self.masks else BLOCK_BYTES << bit

    def flipped(self, bit: int, mask: int, value: int) -> Shape | None:
        """The shape after X on a high bit of the blocks whose bits ``mask`` are ``value``, if no
        block is moved; None if such places have no masks."""
        if mask & (mask - 1):
            return None
        masks = [*(self.masks or [1 << one for one in range(self.high)])]
        origin = self.origin if value else self.origin ^ masks[bit]
        if mask:
            masks[mask.bit_length() - 1] ^= masks[bit]
        return self._replace(masks=tuple(masks), origin=origin)

    def split(self, where: Condition) -> tuple[int, int, int, int]:
        """Local mask and value of a condition, on the lanes, and on the high bits."""
        low, mask, value = self.width - 1, where.local_mask, where.local_value
        return mask & low, value & low, mask >> self.lanes, value >> self.lanes


_Arguments = ParamSpec("_Arguments")

_Result = TypeVar("_Result")

_Making: TypeAlias = Callable[Concatenate[Shape, _Arguments], _Result]


def kept(most: int) -> Callable[[_Making[_Arguments, _Result]], _Making[_Arguments, _Result]]:
    """Keeps the ``most`` last results of a function of a shape, but for shapes with masks, which
    hardly come again."""

    def decorated(function: _Making[_Arguments, _Result]) -> _Making[_Arguments, _Result]:
        cached = lru_cache(maxsize=most)(function)

        def made(shape: Shape, /, *rest: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
            return (function if shape.masks else cached)(shape, *rest, **named)

        update_wrapper(made, function)
        return made

    return decorated


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
