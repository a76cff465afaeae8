"""Noise in a program: channels on qubits, and errors of recorded classical bits.

The bit order is that of :mod:`~simquay.program.gates`. In indices of Pauli matrices over
``qubits``, digit ``j`` to base 4 belongs to ``qubits[j]``, and counts I, Z, X, Y: bit 0 of a digit
is its Z part, bit 1 its X part.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from simquay.program.formulas import ComplexArray, freeze
from simquay.program.gates import QubitOperation

__all__ = ["Channel", "Misread", "Mixture", "pauli_matrices", "pauli_transfers"]


@cache
def pauli_matrices(num_qubits: int) -> ComplexArray:
    """The products of Pauli matrices, by index: shape ``(4**k, 2**k, 2**k)``."""
    one = np.array([[[1, 0], [0, 1]], [[1, 0], [0, -1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]]])
    paulis = np.ones((1, 1, 1), dtype=np.complex128)
    for _ in range(num_qubits):
        size = 2 * paulis.shape[1]
        paulis = np.einsum("aij,bkl->abikjl", one, paulis).reshape(-1, size, size)
    return freeze(paulis)


def pauli_transfers(operators: ComplexArray) -> NDArray[np.float64]:
    """The maps ``rho -> K rho K†`` in the basis of Pauli matrices, shape ``(n, 4**k, 4**k)``, for
    operators ``K`` on ``k`` qubits, shape ``(n, 2**k, 2**k)``: entry ``(i, j)`` of each is
    ``Tr(P_i K P_j K†) / 2**k``."""
    count, size, _ = operators.shape
    paulis = pauli_matrices(size.bit_length() - 1)
    mapped = operators[:, None] @ paulis @ operators.conj().swapaxes(1, 2)[:, None]
    # Pauli matrices are Hermitian: Tr(P X) is the sum of conj(P) * X over all entries.
    traces = mapped.reshape(count, size**2, size**2) @ paulis.conj().reshape(-1, size**2).T
    transfers: NDArray[np.float64] = traces.real.swapaxes(1, 2) / size
    return transfers


@dataclass(frozen=True, eq=False)
class Mixture:
    """A completely positive, trace-preserving map on ``k`` qubits: parts, each with a probability.

    Attributes:
        probabilities: of the parts, above 0, with sum 1; float64, shape ``(parts,)``.
        parts: each a unitary matrix, shape ``(2**k, 2**k)``, or the Kraus operators of a
            trace-preserving map, shape ``(operators, 2**k, 2**k)``; complex128, read-only. Part 0
            is the most likely unitary one, if any is unitary.
        is_diagonal: whether all matrices are diagonal.
    """

    probabilities: NDArray[np.float64]
    parts: tuple[ComplexArray, ...]
    is_diagonal: bool = False

    @property
    def num_qubits(self) -> int:
        """How many qubits it acts on."""
        return len(self.parts[0][-1]).bit_length() - 1

    @cached_property
    def is_unitary(self) -> bool:
        """Whether each part is a unitary matrix."""
        return all(part.ndim == 2 for part in self.parts)

    @cached_property
    def keeps_zero(self) -> bool:
        """Whether ``|0...0>`` stays as it is."""
        operators = [one for part in self.parts for one in part.reshape(-1, *part.shape[-2:])]
        return not any(operator[1:, 0].any() for operator in operators)

    @cached_property
    def pauli_transfer(self) -> NDArray[np.float64]:
        """The map in the basis of Pauli matrices: entry ``(i, j)`` is ``Tr(P_i E(P_j)) / 2**k``,
        shape ``(4**k, 4**k)``; the first row is that of the identity, 1 and zeros."""
        operators = [part.reshape(-1, *part.shape[-2:]) for part in self.parts]
        weights = np.repeat(self.probabilities, [*map(len, operators)])
        return np.tensordot(weights, pauli_transfers(np.concatenate(operators)), 1)


@dataclass(frozen=True, slots=True, eq=False)
class Channel(QubitOperation):
    """A noisy operation: ``mixture`` on ``qubits``. Channels of one kind share one mixture."""

    mixture: Mixture
    qubits: tuple[int, ...]

    @property
    def is_diagonal(self) -> bool:
        """See :attr:`QubitOperation.is_diagonal`."""
        return self.mixture.is_diagonal


@dataclass(frozen=True, slots=True, eq=False)
class Misread:
    """Classical bits are recorded with errors: after their measurement, or where it stands.

    ``probabilities[i, j]`` is the probability that the values ``i`` are recorded as ``j``: float64,
    shape ``(2**k, 2**k)``, rows of sum 1; bit ``j`` of an index is ``clbits[j]``.
    """

    clbits: tuple[int, ...]
    probabilities: NDArray[np.float64]
