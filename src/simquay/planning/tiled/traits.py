"""Traits: what planning learns from the numbers of matrices and diagonals, for all at once."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.planning.numbers.pool import FIRST, Pool, PoolLayout
from simquay.planning.tiled.block_types import Trait
from simquay.program.operations import Diagonal, Prepare

__all__ = ["Traits", "read_traits"]

Traits: TypeAlias = NDArray[np.uint8]
"""The trait of each gate that has numbers, in the order of the pool; for a sweep, one row a list.
As plain integers, since NumPy finds them for many matrices at once."""

_REAL, _DIAGONAL = np.uint8(Trait.REAL), np.uint8(Trait.DIAGONAL)

_MOST_QUBITS = 3
"""Larger matrices are taken as they are."""


def read_traits(layout: PoolLayout, pool: Pool) -> Traits:
    """The traits of the gates whose numbers are in ``pool``."""
    sweep = pool.shape[:-1]
    found = [np.zeros((*sweep, 0), dtype=np.uint8)]
    for kind, qubits, gates, start, length in layout.groups:
        count = len(gates)
        part = pool[..., start : start + count * length].reshape(*sweep, count, length)[..., FIRST:]
        if kind is Prepare or not 1 <= qubits <= _MOST_QUBITS:
            found.append(np.zeros((*sweep, count), dtype=np.uint8))
        elif kind is Diagonal:
            found.append(_REAL * ~part.imag.any(axis=-1))
        elif qubits == 1:
            found.append(_traits_of_single(part))
        else:
            real = ~part.imag.any(axis=-1)
            apart = part[..., np.flatnonzero(~np.eye(1 << qubits, dtype=bool))]
            diagonal = ~apart.any(axis=-1)
            found.append(_REAL * real | _DIAGONAL * diagonal)
    return np.concatenate(found, axis=-1)


def _traits_of_single(part: Pool) -> Traits:
    """The traits of matrices on one qubit."""
    parts = part.view(np.float64)
    traits = _TRAITS[np.packbits(parts != 0, axis=-1)[..., 0]]
    near = np.abs(parts[..., 0] - _HADAMARD[0]) < 1e-15
    if near.any():
        near &= np.abs(parts - _HADAMARD).max(axis=-1) < 1e-15
        traits[near] = traits[near] & _REAL | np.uint8(Trait.HADAMARD)
    return traits


_HADAMARD = np.array([1, 0, 1, 0, 1, 0, -1, 0]) * 0.5**0.5


def _trait_of_code(code: int) -> Trait:
    """The trait of a matrix whose real and imaginary parts are not 0 where ``code`` has a 1.

    The highest bit of ``code`` is the real part of the first entry, then comes its imaginary part.
    """
    trait = Trait(0)
    if not code & 0b01010101:
        trait |= Trait.REAL
    if not code & 0b00111100:
        trait |= Trait.DIAGONAL
    elif not code & 0b01101001:
        trait |= Trait.RX_LIKE
    return trait


_TRAITS = np.array([_trait_of_code(code) for code in range(256)], dtype=np.uint8)
