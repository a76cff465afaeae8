"""Aer's instructions that save data of the state, or set it, known by name: Aer may be missing.

They are described by attributes: ``name``, ``params``, ``label``, and the form of the data in
``_subtype``, for which Aer has no public name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Gate

from simquay.circuits.lowering.context import Site
from simquay.errors import UnsupportedInstructionError
from simquay.program import Gate as ProgramGate
from simquay.program import Prepare, Restart, Save
from simquay.program.formulas import freeze
from simquay.program.observable import Observable

__all__ = ["AERS", "PartialStateError", "aers_instruction", "is_aers"]

_KINDS = {
    "save_amplitudes": "amplitudes",
    "save_amplitudes_sq": "amplitudes_squared",
    "save_density_matrix": "density_matrix",
    "save_expval": "expectation_value",
    "save_expval_var": "expectation_value_variance",
    "save_probabilities": "probabilities",
    "save_probabilities_dict": "probabilities_dict",
    "save_state": "statevector",
    "save_statevector": "statevector",
    "save_statevector_dict": "statevector_dict",
}
"""The kinds of data, which are also Aer's labels where none is given, by the instruction's name."""

AERS = (*_KINDS, "set_statevector")
"""The names of the instructions that are lowered."""

_PARTS = frozenset({"density_matrix", "probabilities", "probabilities_dict"})
"""The kinds of data that may be of some qubits alone, in any order; expectation values may, too."""

_METHODS = {
    "save_clifford": "'aer-stabilizer'",
    "save_matrix_product_state": "'aer-mps'",
    "save_stabilizer": "'aer-stabilizer'",
    "save_superop": "'aer' with the option method=\"superop\"",
    "save_unitary": "'aer' with the option method=\"unitary\"",
    "set_density_matrix": "'aer-density-matrix'",
    "set_matrix_product_state": "'aer-mps'",
    "set_stabilizer": "'aer-stabilizer'",
    "set_superop": "'aer' with the option method=\"superop\"",
    "set_unitary": "'aer' with the option method=\"unitary\"",
}
"""The backends that have the instructions of other methods."""

_NAMES = {*AERS, *_METHODS}

_TAKEN = frozenset({"counts", "memory"})
"""Keys of a circuit's result data that saved data must not replace."""

_TOLERANCE = 1e-8
"""The largest deviation from norm 1 of a state that is set; that of Qiskit's ``is_valid``."""

_LETTERS = np.zeros(256, dtype=np.uint8)
_LETTERS[list(b"ZXY")] = 1, 2, 3


class PartialStateError(UnsupportedInstructionError):
    """A state is saved or set of some of the program's qubits alone."""


def is_aers(operation: Any) -> bool:
    """Whether the operation is one of Aer's that this module knows."""
    return (
        operation.name in _NAMES
        and not isinstance(operation, Gate)
        and getattr(operation, "definition", None) is None
    )


def aers_instruction(site: Site) -> None:
    """Lower one of Aer's instructions.

    Raises:
        PartialStateError: if a state of some qubits alone is saved or set.
        UnsupportedInstructionError: if it needs another method, if its parameters are not those of
            Aer's class, or if its label is taken: by another save, or by a key that every result
            has.
    """
    site.refuse_in_gate()
    name = site.operation.name
    if name in _METHODS:
        raise UnsupportedInstructionError(
            f"{site} needs another method than a state vector: run the circuit on the backend "
            f"{_METHODS[name]}"
        )
    site.block.flush_phase()
    if name == "set_statevector":
        _set_statevector(site)
    else:
        _save(site)


def _save(site: Site) -> None:
    operation, qubits = site.operation, site.qubits
    kind = _KINDS[operation.name]
    subtype = str(getattr(operation, "_subtype", "single"))
    form = subtype.removeprefix("c_")
    if form not in ("single", "average", "accum", "list"):
        raise UnsupportedInstructionError(f"{site} saves data of the form {subtype!r}")
    indices: NDArray[np.uint64] | None = None
    observables: tuple[Observable, ...] = ()
    if kind.startswith("expectation_value"):
        observables = _observables(site, kind)
        qubits = ()
    elif kind not in _PARTS:
        _refuse_partial(site, "saves")
        qubits = ()
        if kind.startswith("amplitudes"):
            indices = _indices(site)
    conditional = subtype.startswith("c_")
    key = _key(site, kind)
    site.block.operations.append(Save(key, kind, form, conditional, qubits, indices, observables))


def _key(site: Site, kind: str) -> str:
    label = getattr(site.operation, "label", None)
    # Aer's save_state without a label means the name of the method, here always this one.
    key = kind if label in (None, "", "_method_") else str(label)
    # A body may be lowered several times, once for each value of a loop's parameter.
    path = site.scope.path()
    if key in _TAKEN or site.lowering.saved.setdefault(key, path) != path:
        owner = "the result's own" if key in _TAKEN else "another save's"
        raise UnsupportedInstructionError(
            f"{site} has the label {key!r}, which is {owner} already; "
            "give each save a label of its own"
        )
    return key


def _refuse_partial(site: Site, does: str) -> None:
    if len(site.qubits) != site.lowering.num_qubits:
        raise PartialStateError(
            f"{site} {does} {len(site.qubits)} qubits; "
            f"the state is that of all {site.lowering.num_qubits} that the circuit uses"
        )


def _indices(site: Site) -> NDArray[np.uint64]:
    numbers = [int(number) for number in site.operation.params]
    size = 1 << site.lowering.num_qubits
    if not all(0 <= number < size for number in numbers):
        raise UnsupportedInstructionError(
            f"{site} saves amplitudes of basis states outside of 0 to {size - 1}"
        )
    return freeze(np.array(numbers, dtype=np.uint64))


def _observables(site: Site, kind: str) -> tuple[Observable, ...]:
    """Of Aer's parameters, ``(label, (coefficient, that of the square))`` for each term."""
    terms = site.operation.params
    labels = [str(label) for label, _ in terms]
    width = len(site.qubits)
    if any(len(label) != width or set(label) - set("IXYZ") for label in labels):
        raise UnsupportedInstructionError(
            f"{site} has a term without a letter of I, X, Y, Z for each of its {width} qubits"
        )
    numbers = np.array([pair for _, pair in terms], dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(numbers).all():
        raise UnsupportedInstructionError(f"{site} has a coefficient that is not a finite number")
    count = 1 if kind == "expectation_value" else 2
    return tuple(_observable(site, labels, numbers[:, which]) for which in range(count))


def _observable(site: Site, labels: Sequence[str], coefficients: NDArray[np.float64]) -> Observable:
    chosen = np.flatnonzero(coefficients)
    text = "".join([labels[term] for term in chosen.tolist()]).encode()
    # The leftmost letter of a label belongs to the last qubit.
    letters = _LETTERS[np.frombuffer(text, dtype=np.uint8)].reshape(len(chosen), -1)[:, ::-1]
    terms, places = np.nonzero(letters)
    return Observable(
        site.lowering.num_qubits,
        freeze(coefficients[chosen]),
        freeze(letters[terms, places]),
        freeze(np.array(site.qubits, dtype=np.intp)[places]),
        freeze(np.searchsorted(terms, np.arange(len(chosen) + 1))),
    )


def _set_statevector(site: Site) -> None:
    """Put all qubits into a state, whatever they were in."""
    _refuse_partial(site, "sets")
    everything = tuple(range(site.lowering.num_qubits))
    amplitudes = np.array(site.operation.params[0], dtype=np.complex128)
    if amplitudes.shape != (1 << len(everything),):
        raise UnsupportedInstructionError(
            f"{site} sets amplitudes of shape {amplitudes.shape}; {len(everything)} qubits have "
            f"{1 << len(everything)}"
        )
    norm = float(np.linalg.norm(amplitudes))
    if not abs(norm - 1) <= _TOLERANCE:  # so that a NaN is refused too
        raise UnsupportedInstructionError(f"{site} sets a state of norm {norm:.9g}, not 1")
    block = site.block
    if block.entry == "zero" and all(isinstance(one, ProgramGate) for one in block.operations):
        block.operations.clear()
    else:
        block.operations.append(Restart())
    block.operations.append(Prepare(freeze(amplitudes), everything))
