"""Qiskit's observables as those of programs.

The way is by ``SparseObservable``, which Qiskit makes of anything in no time, and whose arrays are
those of :class:`~simquay.program.Observable`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives.containers.object_array import object_array
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import PauliList, SparseObservable, SparsePauliOp

from simquay.circuits.lowering.circuit import kept_qubits
from simquay.program import Observable, Program

__all__ = ["fitting", "narrowed", "observables_of"]

_AT_ZERO = np.full(16, 0.5)  # of projectors onto eigenvectors of X and Y
_AT_ZERO[[1, 9]], _AT_ZERO[[2, 3, 5]] = 1.0, 0.0
"""By letter, its mean on a qubit that is |0>."""


def observables_of(
    circuit: QuantumCircuit, given: Any
) -> tuple[list[Observable], NDArray[np.intp]]:
    """The observables of a pub: those that differ, and which of them each item of the array is.

    Args:
        circuit: of the pub.
        given: whatever Qiskit takes: a label, ``Pauli``, ``SparsePauliOp``, ``SparseObservable``, a
            mapping of labels to coefficients, nested lists and arrays of them, or an
            ``ObservablesArray``.

    Returns:
        The observables, and an array of their numbers, of the shape of ``given``.

    Raises:
        TypeError: for anything else.
        ValueError: for a complex or infinite coefficient, and for another width than the circuit's.
    """
    if isinstance(given, ObservablesArray):
        # Before 2.1 it holds mappings.
        items = getattr(given, "sparse_observables_array", given.__array__)()
    else:
        items = object_array(given, copy=False, list_types=(PauliList,))
    found: list[Observable] = []
    numbers: dict[int, int] = {}
    places = np.empty(items.shape, dtype=np.intp)
    for place, item in np.ndenumerate(items):
        number = numbers.get(id(item))  # one object may stand at many places
        if number is None:
            number = numbers[id(item)] = len(found)
            sparse = _sparse(item)
            if sparse.num_qubits != circuit.num_qubits:
                raise ValueError(
                    f"The number of qubits of the circuit ({circuit.num_qubits}) does not match "
                    f"the number of qubits of the {place}-th observable ({sparse.num_qubits})."
                )
            found.append(_observable(sparse))
        places[place] = number
    return found, places


def _sparse(item: Any) -> SparseObservable:
    if isinstance(item, SparseObservable):
        return item
    if isinstance(item, SparsePauliOp):
        return SparseObservable.from_sparse_pauli_op(item)
    made = ObservablesArray.coerce_observable(item)
    if isinstance(made, Mapping):  # before Qiskit 2.1
        return SparseObservable.from_list([*made.items()])
    return made


def _observable(sparse: SparseObservable) -> Observable:
    """An observable of the same terms.

    Raises:
        ValueError: a coefficient is not finite, or complex once equal terms are added.
    """
    coefficients = np.array(sparse.coeffs)
    if not np.isfinite(coefficients).all():
        wrong = coefficients[~np.isfinite(coefficients)][0]
        raise ValueError(f"the coefficient of a term of an observable is not finite, {wrong}")
    if coefficients.imag.any():
        sparse = sparse.simplify()
        coefficients = np.real_if_close(sparse.coeffs)
        if np.iscomplexobj(coefficients):
            raise ValueError(
                "Non-Hermitian input observable: the coefficient of a term is complex, "
                f"{coefficients[coefficients.imag.argmax()]:.6g}"
            )
    return Observable(
        sparse.num_qubits,
        np.array(coefficients.real),
        np.array(sparse.bit_terms, dtype=np.uint8),
        np.array(sparse.indices, dtype=np.intp),
        np.array(sparse.boundaries, dtype=np.intp),
    )


def fitting(
    circuit: QuantumCircuit, observables: Sequence[Observable], program: Program
) -> Sequence[Observable]:
    """Observables of a circuit on the qubits of its program, which may leave idle ones out."""
    if circuit.layout is None or program.num_qubits == circuit.num_qubits:
        return observables
    kept = kept_qubits(circuit)
    numbers = [number for number, bit in enumerate(circuit.qubits) if bit in kept]
    return [narrowed(one, numbers) for one in observables]


def narrowed(observable: Observable, kept: Sequence[int]) -> Observable:
    """The observable on some of its qubits, where all others are |0>.

    Args:
        observable: of more qubits.
        kept: those that stay, increasing; they are numbered anew, from 0 on.
    """
    place = np.full(observable.num_qubits, -1, dtype=np.intp)
    place[kept] = np.arange(len(kept))
    qubits = place[observable.qubits]
    stays = qubits >= 0
    terms = np.repeat(np.arange(len(observable.coefficients)), np.diff(observable.bounds))
    coefficients = observable.coefficients.copy()
    np.multiply.at(coefficients, terms[~stays], _AT_ZERO[observable.letters[~stays]])
    sizes = np.bincount(terms[stays], minlength=len(coefficients))
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    letters = observable.letters[stays]
    return Observable(len(kept), coefficients, letters, qubits[stays], bounds)
