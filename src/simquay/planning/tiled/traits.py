"""Traits: all that tiled planning learns from the numbers of gates.

They are found for all gates of one kind and qubit count at once.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.planning.numbers.pool import Pool, PoolLayout
from simquay.planning.wires import Trait
from simquay.program.gates import Diagonal, Prepare

__all__ = ["Traits", "traits_of"]

Traits: TypeAlias = NDArray[np.uint8]
"""The :class:`~simquay.planning.wires.Trait` of each gate that has numbers, in the
order of the pool: shape ``(gates,)``, or ``(lists, gates)`` for several gate lists."""

_MOST_TRAITS = 3, 6  # qubits: larger matrices and diagonals are taken as they are
_REAL, _DIAGONAL, _H = (np.uint8(trait) for trait in (Trait.REAL, Trait.DIAGONAL, Trait.HADAMARD))


def traits_of(pool: Pool, layout: PoolLayout) -> Traits:
    """The traits of the gates of ``layout``, whose numbers are in ``pool``; entries count as 0 only
    when they are."""
    lists = pool.shape[:-1]
    traits: list[Traits] = []
    for kind, size, gates, start, length in layout.groups:
        count = len(gates)
        part = pool[..., start : start + length * count].reshape(*lists, count, length)
        if kind is Prepare or not 1 <= size <= _MOST_TRAITS[kind is Diagonal]:
            traits.append(np.zeros((*lists, count), dtype=np.uint8))
        elif kind is Diagonal:
            traits.append(_REAL * ~part.imag.any(axis=-1))
        elif size == 1:
            traits.append(_traits_of_single(part))
            _mark_affine(traits[-1], part, 2)
        else:
            apart = part[..., np.flatnonzero(~np.eye(1 << size, dtype=bool))].any(axis=-1)
            traits.append(_REAL * ~part.imag.any(axis=-1) | _DIAGONAL * ~apart)
            _mark_affine(traits[-1], part, 1 << size)
    if len(traits) == 1:
        return traits[0]
    return np.concatenate(traits, axis=-1) if traits else np.zeros((*lists, 0), dtype=np.uint8)


def _mark_affine(traits: Traits, part: Pool, size: int) -> None:
    """Add that trait to the traits of matrices with ``size`` rows."""
    found = part[..., 0] == 1
    if found.any():
        found &= traits & (_REAL | _DIAGONAL) == _REAL
        found &= ~part[..., 1:size].any(axis=-1)
        traits[found] |= np.uint8(Trait.AFFINE)


def _traits_of_single(part: Pool) -> Traits:
    """The traits of matrices on one qubit."""
    parts = part.view(np.float64)
    traits = _TRAITS[np.packbits(parts != 0, axis=-1)[..., 0]]
    near = np.abs(parts[..., 0] - _HADAMARD[0]) < 1e-15
    if near.any():
        near &= np.abs(parts - _HADAMARD).max(axis=-1) < 1e-15
        traits[near] = traits[near] & _REAL | _H
    return traits


_HADAMARD = np.array([1, 0, 1, 0, 1, 0, -1, 0]) * 0.5**0.5


# By which parts of the matrix are not 0: the highest bit of a code is the real part of the first
# entry, then comes its imaginary part.
_codes = np.arange(256)
_apart = _codes & 0b00111100 != 0
_TRAITS: Traits = (
    _REAL * (_codes & 0b01010101 == 0)
    | _DIAGONAL * ~_apart
    | np.uint8(Trait.RX_LIKE) * (_apart & (_codes & 0b01101001 == 0))
)
