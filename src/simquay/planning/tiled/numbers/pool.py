"""The numbers of a plan's gates, all in one vector: the pool.

The pool starts with a 1 and a 0, which tables and matrices point to where they need one. Then come
the numbers of gates, those of one shape after each other, and later those of products. What is
built from them is gathered for a whole plan at once; NumPy's calls would else be most of planning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.planning.tiled.blocks.types import Trait
from simquay.program.operations import Diagonal, GateOperation, Matrix, Prepare

__all__ = ["ONE", "ZERO", "Numbers", "Pool", "read_numbers"]

Pool: TypeAlias = NDArray[np.complex128]

ONE = 0
"""Where the pool has a 1."""
ZERO = 1
"""Where the pool has a 0."""

_FIRST = 2
_MOST_TRAITS = 3  # qubits: larger matrices are taken as they are


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """What :func:`read_numbers` finds.

    Attributes:
        pool: all numbers, complex128.
        traits: of each shape's gates together (:mod:`simquay.planning.tiled.blocks.types`).
        where: for each shape: its gates, where the first one's numbers are, and their step.
    """

    pool: Pool
    traits: list[list[int]]
    where: list[tuple[list[int], int, int]]

    def of_gates(self, count: int) -> tuple[list[int], list[int]]:
        """For each of ``count`` gates, its trait and where its numbers start."""
        traits = [0] * count
        starts = [0] * count
        for found, (gates, start, step) in zip(self.traits, self.where, strict=True):
            for gate, trait in zip(gates, found, strict=True):
                traits[gate] = trait
                starts[gate] = start
                start += step
        return traits, starts


def read_numbers(gates: Sequence[GateOperation]) -> Numbers:
    """The numbers of ``gates``. Where they lie depends on the gates' shapes alone."""
    # A matrix on k qubits is of shape 2 k, a diagonal of shape 2 k + 1, and a state of shape -1.
    shapes: dict[int, tuple[list[int], list[NDArray[Any]]]] = {}
    for number, gate in enumerate(gates):
        array: NDArray[Any]
        if isinstance(gate, Matrix):
            array = gate.matrix
            shape = 2 * len(gate.qubits)
        elif isinstance(gate, Diagonal):
            array = gate.diagonal
            shape = 2 * len(gate.qubits) + 1
        elif isinstance(gate, Prepare):
            array = gate.amplitudes
            shape = -1 - len(gate.qubits)
        else:
            continue
        alike = shapes.get(shape)
        if alike is None:
            alike = shapes[shape] = ([], [])
        alike[0].append(number)
        alike[1].append(array)
    parts = [_CONSTANTS]
    traits = []
    where = []
    start = _FIRST
    for shape in sorted(shapes):
        numbers, arrays = shapes[shape]
        k = shape >> 1 if shape >= 0 else -1 - shape
        length = 1 << (2 * k if shape >= 0 and not shape & 1 else k)
        part = _joined(arrays, length)
        parts.append(part)
        where.append((numbers, start, length))
        start += len(part)
        if shape < 0 or not 1 <= k <= _MOST_TRAITS:
            traits.append([0] * len(numbers))
        elif shape & 1:
            imaginary = part.imag.reshape(-1, length).any(axis=1)
            traits.append(np.where(imaginary, 0, int(Trait.REAL)).tolist())
        else:
            traits.append(_traits_of_single(part) if k == 1 else _traits(part, 1 << k))
    return Numbers(np.concatenate(parts), traits, where)


_CONSTANTS = np.array([1, 0], dtype=np.complex128)


def _joined(arrays: list[Any], length: int) -> Pool:
    """Arrays of ``length`` entries each as one."""
    try:
        # By far the fastest way, where the arrays are what programs promise: complex128, in C
        # order. All other arrays are either refused, or of another length in bytes.
        joined = np.frombuffer(b"".join(arrays), dtype=np.complex128)
        if len(joined) == length * len(arrays):
            return joined
    except (BufferError, TypeError, ValueError):
        pass
    copied: Pool = np.concatenate([array.ravel() for array in arrays]).astype(np.complex128)
    return copied


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
    result: list[int] = (int(Trait.REAL) * real | int(Trait.DIAGONAL) * diagonal).tolist()
    return result
