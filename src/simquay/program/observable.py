"""Observables: real sums of products of Pauli matrices and of projectors onto their eigenvectors.

Two forms: :class:`Observable` names qubits, as a caller writes it; :class:`Strings` names storage
bits, as an engine reads a state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.program.equality import same

__all__ = ["Observable", "Strings"]


@dataclass(frozen=True, slots=True, eq=False)
class Observable:
    """A sum of terms; each is a real coefficient times a product of letters on different qubits.

    A letter is the number that Qiskit's ``SparseObservable.BitTerm`` gives it: bit 0 is set for Z
    and Y, bit 1 for X and Y. With bit 3 as well, it is the projector onto the eigenvector of that
    Pauli matrix with eigenvalue +1, with bit 2 onto the one with -1::

        Z 1   X 2   Y 3       0 9   + 10   r 11       1 5   - 6   l 7

    Attributes:
        num_qubits: of the programs whose states it is an observable of.
        coefficients: float64, shape ``(terms,)``.
        letters: uint8, shape ``(letters,)``: those of term 0, then those of term 1, and so on.
        qubits: intp, likewise: the qubit of each letter. On other qubits a term is the identity.
        bounds: intp, shape ``(terms + 1,)``: term ``t`` has the letters ``bounds[t]`` to
            ``bounds[t + 1] - 1``.
    """

    num_qubits: int
    coefficients: NDArray[np.float64]
    letters: NDArray[np.uint8]
    qubits: NDArray[np.intp]
    bounds: NDArray[np.intp]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Observable) and same(self, other)

    __hash__ = None  # type: ignore[assignment]  # arrays inside: equal ones have no cheap hash


class Strings(NamedTuple):
    """Products of Pauli matrices and of projectors onto |0> and |1>, as masks of storage bits.

    Each attribute is int64, shape ``(terms,)``; bit ``p`` of a mask is bit ``p`` of a storage
    index, which stands for the qubit ``layout.order[p]``. A term takes ``|i>`` with
    ``i & fixed == values`` to ``1j**popcount(x & z) * (-1)**popcount(i & z) |i ^ x>``, and every
    other ``|i>`` to 0.

    Attributes:
        x: the bits with X or Y.
        z: the bits with Z or Y.
        fixed: the bits with a projector; none of them is in ``x`` or ``z``.
        values: the bits with the projector onto |1>; all of them are in ``fixed``.
    """

    x: NDArray[np.int64]
    z: NDArray[np.int64]
    fixed: NDArray[np.int64]
    values: NDArray[np.int64]
