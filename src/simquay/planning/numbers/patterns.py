"""Patterns: for each entry of a gate's array on some bits, which of the gate's numbers it is.

A gate on the bits of a larger index is a larger matrix, whose entries are numbers of the gate, ones
and zeros. Which they are depends on its kind and its bits alone, so that a few patterns serve all
circuits. Entries count from the gate's start in the pool: 0 stands for a 1, 1 for a 0, and the
gate's own numbers begin at :data:`~simquay.planning.numbers.pool.FIRST`.

The arguments of both functions: ``width``, the bits of the index; ``bits``, the gate's own, of
which bit ``j`` of its numbers' index is the ``j``-th; ``held``, the bits of its controls, and
``state``, where bit ``j`` is what control ``j`` must be; ``extra``, bytes of intp: the table of a
permutation, or, for a diagonal, which of the gate's numbers its entries are, if not all in order.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np

from simquay.planning.numbers.pool import FIRST, Indices
from simquay.program.bits import extract, mask_of

__all__ = ["GateKind", "diagonal_pattern", "matrix_pattern"]

GateKind: TypeAlias = Literal["dense", "diagonal", "permute", "prepare"]
"""The meaning of a gate's numbers: a matrix, a diagonal, none, or a state to prepare."""


@lru_cache(maxsize=4096)
def matrix_pattern(
    width: int,
    kind: GateKind,
    bits: tuple[int, ...],
    held: tuple[int, ...],
    state: int,
    extra: bytes,
) -> Indices:
    """The pattern of a gate's matrix, row by row: shape ``(4**width,)``, read-only."""
    index = np.arange(1 << width)
    inner = extract(index, bits)
    rows, columns = inner[:, None], inner[None, :]
    equal = index[:, None] == index[None, :]
    if kind == "dense":
        found = FIRST + rows * (1 << len(bits)) + columns
    elif kind == "prepare":
        found = np.where(columns == 0, FIRST + rows, 1)
    elif kind == "diagonal":
        found = np.where(equal, diagonal_pattern(width, bits, (), 0, extra)[:, None], 1)
    else:
        found = np.where(rows == np.frombuffer(extra, dtype=np.intp)[columns], 0, 1)
    others = index & ~mask_of(bits)
    found = np.where(others[:, None] == others[None, :], found, 1)
    if held:
        found = np.where(extract(index, held) == state, found, np.where(equal, 0, 1))
    found = found.reshape(-1)
    found.flags.writeable = False
    return found


def _diagonal_pattern(
    width: int, bits: tuple[int, ...], held: tuple[int, ...], state: int, extra: bytes
) -> Indices:
    """The pattern of a diagonal, as a table: shape ``(2**width,)``, read-only."""
    index = np.arange(1 << width)
    own = extract(index, bits)
    found = FIRST + (np.frombuffer(extra, dtype=np.intp)[own] if extra else own)
    if held:
        found = np.where(extract(index, held) == state, found, 0)
    found.flags.writeable = False
    return found


_FEW = 8  # bits: patterns of longer tables are rare, and would fill a cache
_small_pattern = lru_cache(maxsize=1 << 13)(_diagonal_pattern)


def diagonal_pattern(
    width: int, bits: tuple[int, ...], held: tuple[int, ...], state: int, extra: bytes
) -> Indices:
    make = _small_pattern if width <= _FEW else _diagonal_pattern
    return make(width, bits, held, state, extra)


diagonal_pattern.__doc__ = _diagonal_pattern.__doc__
