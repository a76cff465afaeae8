"""Traits: all that tiled planning learns from the numbers of gates.

They are found for all gates of one kind and qubit count at once.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from simquay.planning.numbers.pool import Pool, PoolLayout
from simquay.planning.tiled.block_types import Trait
from simquay.program.operations import Diagonal, Prepare

__all__ = ["traits_of"]

_MOST_TRAITS = 3  # qubits: larger matrices are taken as they are


def traits_of(pool: Pool, layout: PoolLayout) -> list[list[int]]:
    """For each group of ``layout``, the trait of each gate
    (:class:`~simquay.planning.tiled.block_types.Trait`)."""
    traits = []
    for kind, size, gates, start, length in layout.groups:
        if kind is Prepare or not 1 <= size <= _MOST_TRAITS:
            traits.append([0] * len(gates))
            continue
        part = pool[start : start + length * len(gates)]
        if kind is Diagonal:
            imaginary = part.imag.reshape(-1, length).any(axis=1)
            traits.append(np.where(imaginary, 0, int(Trait.REAL)).tolist())
        else:
            traits.append(_traits_of_single(part) if size == 1 else _traits(part, 1 << size))
    return traits


def _traits_of_single(part: Pool) -> list[int]:
    """The traits of matrices on one qubit."""
    parts = part.view(np.float64).reshape(-1, 8)
    codes = np.packbits(parts != 0, axis=1).ravel()
    traits = _TRAITS[codes]
    near = np.abs(parts[:, 0] - _HADAMARD[0]) < 1e-15
    if near.any():
        near &= np.abs(parts - _HADAMARD).max(axis=1) < 1e-15
        traits[near] = traits[near] & int(Trait.REAL) | int(Trait.HADAMARD)
    result: list[int] = traits.tolist()
    return result


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


def _traits(part: Pool, size: int) -> list[int]:
    """The traits of matrices of shape ``(size, size)``; entries count as 0 only when they are."""
    rows = part.reshape(-1, size * size)
    real = ~rows.imag.any(axis=1)
    apart = rows[:, np.flatnonzero(~np.eye(size, dtype=bool))]
    diagonal = ~apart.any(axis=1)
    traits = int(Trait.REAL) * real | int(Trait.DIAGONAL) * diagonal
    return cast("list[int]", traits.tolist())
