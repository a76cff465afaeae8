"""Diagonal stages as polynomials in the bits, for the kernel's phase instruction.

The phase of a diagonal unitary is ``exp(i f(x))`` with a real function ``f`` of the bits ``x``.
Every such function is a polynomial: a sum over sets of bits, of an angle for each, that counts
where all bits of the set are 1 (the Moebius transform of its table). For products of gates on few
qubits, only small sets have an angle. The kernel adds the angles of outer bits once a tile and
those of thread bits once a thread, so that few factors are left for each amplitude.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import DiagonalGroup, DiagonalStage, DiagonalTerm, bits_of, deposit

__all__ = ["Polynomial", "TermTable", "split_stage"]

MAX_TABLE_BITS = 8
"""Bits of the largest table that becomes a polynomial; larger ones are looked up."""

TINY = 2e-14
"""Angles below this, in radians, are rounding errors and dropped."""

Polynomial = dict[int, dict[int, float]]
"""``polynomial[local mask][outer mask]`` is an angle in radians."""

TermTable = tuple[DiagonalGroup, DiagonalTerm]
"""A term that is looked up in its table, and its group."""


def split_stage(stage: DiagonalStage) -> tuple[Polynomial, list[TermTable]]:
    """The polynomial of ``stage``, and the terms that are looked up instead."""
    polynomial: Polynomial = defaultdict(lambda: defaultdict(float))
    tables: list[TermTable] = [
        (group, term)
        for group in stage.groups
        for term in group.terms
        if not _add_term(polynomial, group, term)
    ]
    return polynomial, tables


def _add_term(polynomial: Polynomial, group: DiagonalGroup, term: DiagonalTerm) -> bool:
    """Add ``term``; False, and nothing is added, if it should be looked up: its table is large, has
    many conditions on 0, or is not of modulus 1."""
    local = [group.bits[place] for place in term.places]
    bits = len(local) + len(term.outer)
    zeros = (group.local_mask & ~group.local_value) | (term.outer_mask & ~term.outer_value)
    if bits > MAX_TABLE_BITS or zeros.bit_count() > 4:
        return False
    if np.abs(np.abs(term.table) - 1).max() > 1e-14:
        return False
    signs = _conditions(group, term)
    angles = _moebius(np.asarray(np.angle(term.table), dtype=np.float64))
    for index in np.flatnonzero(np.abs(angles) > TINY).tolist():
        local_mask = deposit(index, local)
        outer_mask = deposit(index >> len(local), term.outer)
        for sign, inner, outer in signs:
            polynomial[local_mask | inner][outer_mask | outer] += sign * float(angles[index])
    return True


def _conditions(group: DiagonalGroup, term: DiagonalTerm) -> list[tuple[int, int, int]]:
    """The conditions as a polynomial: (sign, local mask, outer mask). A bit that must be 0
    contributes ``1 - x``."""
    result = [
        (1, group.local_mask & group.local_value, term.outer_mask & term.outer_value),
    ]
    for bit in bits_of(group.local_mask & ~group.local_value):
        result += [(-sign, inner | 1 << bit, outer) for sign, inner, outer in result]
    for bit in bits_of(term.outer_mask & ~term.outer_value):
        result += [(-sign, inner, outer | 1 << bit) for sign, inner, outer in result]
    return result


def _moebius(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Moebius transform: entry ``s`` is the angle of the set ``s``, in (-pi, pi].

    The sum over all subsets of an index is its entry in ``angles``, up to whole turns."""
    result = angles.copy()
    for bit in range(len(angles).bit_length() - 1):
        pairs = result.reshape(-1, 2, 1 << bit)
        pairs[:, 1] -= pairs[:, 0]
    wrapped: NDArray[np.float64] = np.remainder(result + np.pi, 2 * np.pi) - np.pi
    return wrapped
