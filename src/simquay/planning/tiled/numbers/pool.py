"""The pool: the numbers of a plan's gates in one vector.

The pool starts with a 1 and a 0, to which tables and matrices refer where they need one. Then come
the numbers of gates, grouped by shape, and later those of products. The arrays of a whole plan are
gathered from it at once: with a call of NumPy for each array, calls would take most of planning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from simquay.planning.tiled.block_types import Trait
from simquay.program.operations import Diagonal, GateOperation, Matrix, Prepare

__all__ = ["ONE", "ZERO", "Numbers", "Pool", "read_numbers"]

Pool: TypeAlias = NDArray[np.complex128]

ONE = 0
"""The index of a 1 in the pool."""
ZERO = 1
"""The index of a 0 in the pool."""

_FIRST = 2
_MOST_TRAITS = 3  # qubits: larger matrices are taken as they are


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """The result of :func:`read_numbers`.

    Attributes:
        pool: all numbers, complex128.
        traits: for each shape, the trait of each gate
            (:class:`~simquay.planning.tiled.block_types.Trait`).
        where: for each shape, its gates (indices), where the first one's numbers are, and how far
            the next one's are from these.
    """

    pool: Pool
    traits: list[list[int]]
    where: list[tuple[list[int], int, int]]

    def of_gates(self, count: int) -> tuple[list[int], list[int]]:
        """For each of ``count`` gates, its trait and where its numbers start."""
        traits = [0] * count
        starts = [0] * count
        for found, (gates, start, stride) in zip(self.traits, self.where, strict=True):
            for gate, trait in zip(gates, found, strict=True):
                traits[gate] = trait
                starts[gate] = start
                start += stride
        return traits, starts


def read_numbers(gates: Sequence[GateOperation]) -> Numbers:
    """The numbers of ``gates``. Where they lie depends on the gates' shapes alone."""
    # A matrix on k qubits is of shape 2 k, a diagonal of shape 2 k + 1, and a state of shape -1.
    shapes: dict[int, tuple[list[int], list[NDArray[Any]]]] = {}
    for index, gate in enumerate(gates):
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
        alike[0].append(index)
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
        # By far the fastest way, for arrays as programs promise them: complex128, in C order. It
        # refuses other arrays, or gives another length.
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
    traits = int(Trait.REAL) * real | int(Trait.DIAGONAL) * diagonal
    return cast("list[int]", traits.tolist())
