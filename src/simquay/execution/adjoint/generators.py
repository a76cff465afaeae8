"""Generators of gates: what a gate's derivative by an angle is, as a sum of Pauli matrices.

For a gate ``U`` with an angle ``a``, ``dU/da = -i U K``, and ``K = i U† dU/da`` is Hermitian: its
*generator*. Of a rotation ``exp(-i a P / 2)`` that is ``P / 2``; of other gates it may depend on
the angles.

Every entry of a formula is a trigonometric polynomial of each angle, with frequencies of 0, 1/2 and
1. So its derivative is a sum of four of its values, without an error but rounding: the
parameter-shift rule (Wierichs et al., arXiv:2107.12390), used for a matrix of a few entries in the
place of a circuit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.program.bits import bit_counts
from simquay.program.formulas import FORMULAS, ComplexArray

__all__ = ["Generators", "generators_of", "pauli_coefficients", "slopes_of"]

_SHIFTS = ((math.pi / 2, 0.5), (math.pi, 0.25 - math.sqrt(0.125)))
"""Shifts ``s`` and weights ``c``, with ``sum(2 c sin(f s)) = f`` for the frequencies 1/2 and 1."""

_LEAST = 1e-12
"""Coefficients up to this are 0 but for rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Generators:
    """The generators of one formula, by its angles, or of its inverse.

    Attributes:
        paulis: the Pauli matrices that they are made of; digit ``j`` to base 4 of a number belongs
            to the gate's qubit ``j``, and counts I, Z, X, Y.
        constant: the coefficients of these, shape ``(angles, paulis)``; None where they depend on
            the angles.
    """

    paulis: tuple[int, ...]
    constant: NDArray[np.float64] | None


@cache
def generators_of(formula: str, adjoint: bool) -> Generators:
    """The generators of a formula, or of its inverse."""
    count = FORMULAS[formula].count
    some = np.random.default_rng(1).uniform(0.1, 3.0, (4, count))  # any: those with no relation
    found = slopes_of(formula, adjoint, some)
    used = np.flatnonzero((np.abs(found) > _LEAST).any(axis=(0, 1)))
    found = found[:, :, used]
    same = bool((np.abs(found - found[0]) < _LEAST).all())
    # A rotation has the coefficient 1/2, and no rounding.
    return Generators(tuple(used.tolist()), np.round(found[0], 12) if same else None)


def slopes_of(formula: str, adjoint: bool, angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coefficients of all Pauli matrices in the generators at ``angles``, shape ``(...,
    count)``: shape ``(..., count, 4**k)``."""
    numbers = FORMULAS[formula].at(angles, adjoint)
    slopes = []
    for number in range(angles.shape[-1]):
        slope = np.zeros_like(numbers)
        for shift, weight in _SHIFTS:
            for sign in (1, -1):
                moved = angles.copy()
                moved[..., number] += sign * shift
                slope += sign * weight * FORMULAS[formula].at(moved, adjoint)
        slopes.append(slope)
    is_diagonal = len(FORMULAS[formula].shape) == 1
    axis = -2 if is_diagonal else -3
    every = np.stack(slopes, axis=axis)
    return pauli_coefficients(np.expand_dims(numbers, axis), every, is_diagonal)


def pauli_coefficients(
    numbers: ComplexArray, slopes: ComplexArray, is_diagonal: bool
) -> NDArray[np.float64]:
    """The coefficients of all Pauli matrices in ``i U† dU``: shape ``(..., 4**k)``.

    Args:
        numbers: ``U``: diagonals of shape ``(..., 2**k)``, or matrices.
        slopes: ``dU``, likewise.
        is_diagonal: which of the two.
    """
    basis = _paulis(numbers.shape[-1].bit_length() - 1)
    found: Any
    if is_diagonal:
        found = np.einsum("pii,...i->...p", basis, 1j * numbers.conj() * slopes)
    else:
        generators = 1j * numbers.conj().swapaxes(-1, -2) @ slopes
        found = np.einsum("pij,...ji->...p", basis, generators)
    coefficients: NDArray[np.float64] = found.real / numbers.shape[-1]
    return coefficients


@cache
def _paulis(size: int) -> ComplexArray:
    """All Pauli matrices on ``size`` qubits, shape ``(4**size, 2**size, 2**size)``."""
    numbers: NDArray[np.int64] = np.arange(4**size, dtype=np.int64)
    x, z = np.zeros_like(numbers), np.zeros_like(numbers)
    for qubit in range(size):
        z |= (numbers >> 2 * qubit & 1) << qubit
        x |= (numbers >> 2 * qubit + 1 & 1) << qubit
    index: NDArray[np.int64] = np.arange(1 << size, dtype=np.int64)
    matrices = np.zeros((len(numbers), len(index), len(index)), dtype=np.complex128)
    factors = 1j ** bit_counts(x & z)[:, None] * (-1.0) ** bit_counts(index & z[:, None])
    matrices[numbers[:, None], index ^ x[:, None], index] = factors
    return matrices
