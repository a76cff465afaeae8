"""Random observables, and their matrices written out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simquay.program import Observable

__all__ = ["matrix_of", "observable", "random_observable"]

LETTERS = {"Z": 1, "X": 2, "Y": 3, "1": 5, "-": 6, "l": 7, "0": 9, "+": 10, "r": 11}

_PAULIS = {
    1: np.diag([1.0, -1.0]),
    2: np.array([[0, 1], [1, 0]]),
    3: np.array([[0, -1j], [1j, 0]]),
}


def observable(num_qubits: int, terms: dict[str, float]) -> Observable:
    """An observable from labels in Qiskit's order, the highest qubit first; I is the identity."""
    found = [
        [(LETTERS[letter], qubit) for qubit, letter in enumerate(reversed(label)) if letter != "I"]
        for label in terms
    ]
    letters = [pair for term in found for pair in term]
    return Observable(
        num_qubits,
        np.array([*terms.values()], dtype=np.float64),
        np.array([letter for letter, _ in letters], dtype=np.uint8),
        np.array([qubit for _, qubit in letters], dtype=np.intp),
        np.cumsum([0, *map(len, found)]).astype(np.intp),
    )


def random_observable(
    num_qubits: int, terms: int, generator: np.random.Generator, letters: str = "ZXY1-l0+r"
) -> Observable:
    """An observable of random terms over all qubits, some of them without a letter."""
    counts = generator.integers(0, num_qubits + 1, terms)
    qubits = [generator.permutation(num_qubits)[:count] for count in counts]
    chosen = generator.choice([LETTERS[letter] for letter in letters], counts.sum())
    return Observable(
        num_qubits,
        generator.normal(size=terms),
        chosen.astype(np.uint8),
        np.concatenate([np.empty(0, dtype=np.intp), *qubits]).astype(np.intp),
        np.cumsum([0, *counts]).astype(np.intp),
    )


def matrix_of(observable: Observable) -> NDArray[np.complex128]:
    """The matrix over all qubits, shape ``(2**n, 2**n)``; bit ``k`` of an index is qubit ``k``."""
    size = 1 << observable.num_qubits
    result = np.zeros((size, size), dtype=np.complex128)
    for term, coefficient in enumerate(observable.coefficients):
        factors = [np.eye(2, dtype=np.complex128)] * observable.num_qubits
        for place in range(observable.bounds[term], observable.bounds[term + 1]):
            factors[observable.qubits[place]] = _letter_matrix(int(observable.letters[place]))
        product: NDArray[np.complex128] = np.ones((1, 1), dtype=np.complex128)
        for factor in reversed(factors):
            product = np.kron(product, factor).astype(np.complex128)
        result += coefficient * product
    return result


def _letter_matrix(letter: int) -> NDArray[np.complex128]:
    pauli: NDArray[np.complex128] = _PAULIS[letter & 3].astype(np.complex128)
    if letter < 4:
        return pauli
    projector: NDArray[np.complex128] = (np.eye(2) + (1 if letter & 8 else -1) * pauli) / 2
    return projector
