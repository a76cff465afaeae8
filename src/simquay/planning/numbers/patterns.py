"""Patterns: for each entry of an array, which of a gate's numbers it is.

The entry's index in the pool is the pattern plus the start of the gate's numbers, clipped: so that
:data:`ONE` and :data:`ZERO` stand for a 1 and a 0, wherever the gate's numbers start. A pattern
depends on the gate's kind and on where its wires are, so a few serve all circuits.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.program.bits import extract, mask_of

__all__ = ["ONE", "ZERO", "GateCode", "Indices", "diagonal_pattern", "matrix_pattern"]

Indices: TypeAlias = NDArray[np.intp]

GateCode: TypeAlias = Literal["m", "d", "p", "s"]
"""A kind of gate: matrix, diagonal, permutation, or preparation of a state."""

ONE, ZERO = -(1 << 40), 1 << 40


@lru_cache(maxsize=4096)
def matrix_pattern(
    width: int,
    code: GateCode,
    bits: tuple[int, ...],
    held: tuple[int, ...],
    state: int,
    extra: bytes,
) -> Indices:
    """A gate as a matrix on ``width`` bits: shape ``(4**width,)``, row by row.

    Args:
        width: in bits.
        code: the gate's kind.
        bits: those of its wires.
        held: those of its controls, which must be in the control state.
        state: the control state.
        extra: the bytes (intp) of a permutation's table, or of the entries of a diagonal, counted
            from where its numbers start; empty if these follow each other.
    """
    index = np.arange(1 << width)
    inner = extract(index, bits)
    rows, columns = inner[:, None], inner[None, :]
    if code == "m":
        found = (rows << len(bits)) + columns
    elif code == "s":
        found = np.where(columns == 0, rows, ZERO)
    elif code == "d":
        entries = inner if not extra else np.frombuffer(extra, dtype=np.intp)[inner]
        found = np.where(rows == columns, entries[:, None], ZERO)
    else:
        table = np.frombuffer(extra, dtype=np.intp)
        found = np.where(rows == table[columns], ONE, ZERO)
    others = index & ~mask_of(bits)
    found = np.where(others[:, None] == others[None, :], found, ZERO)
    if held:
        holds = (extract(index, held) == state)[None, :]
        found = np.where(holds, found, np.where(index[:, None] == index[None, :], ONE, ZERO))
    found = found.reshape(-1)
    found.flags.writeable = False
    return found


def diagonal_pattern(
    width: int, bits: tuple[int, ...], held: tuple[int, ...], state: int, extra: bytes
) -> Indices:
    """A diagonal as a table of ``width`` bits, with the arguments of :func:`matrix_pattern`."""
    index = np.arange(1 << width)
    own = extract(index, bits)
    found: Indices = np.frombuffer(extra, dtype=np.intp)[own] if extra else own
    if held:
        found = np.where(extract(index, held) == state, found, ONE)
    found.flags.writeable = False
    return found
