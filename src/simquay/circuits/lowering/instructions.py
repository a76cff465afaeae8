"""Handlers of single instructions: measurements, resets, preparations, gates by matrix.

Each lowers its instruction directly, where the definition would give slower operations or none.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from qiskit.circuit import Barrier, Delay, Gate
from qiskit.circuit import Measure as QiskitMeasure
from qiskit.circuit import Reset as QiskitReset
from qiskit.circuit.library import (
    DiagonalGate,
    Initialize,
    PauliGate,
    PermutationGate,
    StatePreparation,
    UnitaryGate,
)

from simquay.circuits.lowering.context import Handlers, Site
from simquay.circuits.lowering.gates import NOT, Y, Z
from simquay.errors import UnsupportedInstructionError
from simquay.program import (
    Diagonal,
    Matrix,
    Measure,
    Permutation,
    Prepare,
    Relabel,
    Reset,
)
from simquay.program.formulas import ComplexArray, constant, freeze

__all__ = ["HANDLERS", "has_matrix", "matrix", "measure"]

_TOLERANCE = 1e-5
"""The largest deviation from unitary that is accepted; about that of Qiskit's own check."""
_FULLY_CHECKED = 8
"""The most qubits of a matrix whose columns are all compared; of larger ones only the norms are."""


# Equal measurements are one object, in every circuit, as gates without parameters are.
_measure_into = lru_cache(maxsize=4096)(Measure)


def measure(site: Site) -> None:
    """Add measurements of all qubits of an instruction, each into one classical bit."""
    site.refuse_in_gate()
    for qubit, clbit in zip(site.qubits, site.clbits, strict=True):
        site.block.operations.append(_measure_into(qubit, clbit))


def _reset(site: Site) -> None:
    site.refuse_in_gate()
    site.block.operations.append(Reset(site.qubits[0]))


def _nothing(site: Site) -> None:
    """For instructions that mean something to schedulers and optimizers alone."""


def _diagonal(site: Site) -> None:
    site.block.operations.append(Diagonal(constant(site.operation.params), site.qubits))


def _permutation(site: Site) -> None:
    # Position j of Qiskit's pattern holds the position whose qubit moves to j.
    sources = tuple(site.qubits[int(source)] for source in site.operation.pattern)
    if sources != site.qubits:
        site.block.operations.append(Relabel(site.qubits, sources))


def _pauli(site: Site) -> None:
    # The leftmost letter of the label belongs to the last qubit.
    append = site.block.operations.append
    for letter, qubit in zip(reversed(site.operation.params[0]), site.qubits, strict=True):
        if letter == "X":
            append(Permutation(NOT, (qubit,)))
        elif letter == "Y":
            append(Matrix(Y, (qubit,)))
        elif letter == "Z":
            append(Diagonal(Z, (qubit,)))


def _initialize(site: Site) -> None:
    site.refuse_in_gate()
    dirty = site.block.not_zero(site.qubits)
    site.block.operations.extend(Reset(qubit) for qubit in site.qubits if qubit in dirty)
    site.give_values()
    amplitudes = _amplitudes(site.operation)
    if amplitudes is None:
        # A product of basis states: its gates are cheaper than amplitudes.
        _by_definition(replace(site, operation=_preparation_of(site.operation)))
    else:
        site.block.operations.append(Prepare(amplitudes, site.qubits))


def _state_preparation(site: Site) -> None:
    site.give_values()
    amplitudes = _amplitudes(site.operation)
    if amplitudes is None or site.scope.unitary or site.block.not_zero(site.qubits):
        _by_definition(site)
    else:
        site.block.operations.append(Prepare(amplitudes, site.qubits))


def _by_definition(site: Site) -> None:
    definition = site.definition()
    assert definition is not None, "every preparation has one"
    # To a noise model a preparation is one instruction, whichever way it is lowered.
    replace(site, scope=replace(site.scope, ideal=True)).define(definition)


def _amplitudes(operation: Any) -> ComplexArray | None:
    """The amplitudes of a preparation, shape ``(2**k,)``; None where it names a label or the number
    of a basis state."""
    params = operation.params
    # A number is one parameter, and a label is one letter a qubit; no vector has either shape.
    if len(params) != 1 << operation.num_qubits or isinstance(params[0], str):
        return None
    amplitudes = np.array(params, dtype=np.complex128)
    return freeze(amplitudes / np.linalg.norm(amplitudes))


def _preparation_of(operation: Initialize) -> StatePreparation:
    """The gate that prepares what ``operation`` initializes to: a label or a number."""
    params = operation.params
    if isinstance(params[0], str):
        return StatePreparation("".join(params))
    return StatePreparation(int(np.real(params[0])), num_qubits=operation.num_qubits)


def has_matrix(operation: Any) -> bool:
    """Whether the operation is a gate that gives its matrix, or the ``unitary`` that Qiskit makes
    of a channel of one Kraus operator: an instruction, which has it as its parameter."""
    if not isinstance(operation, Gate):
        return operation.name == "unitary" and len(operation.params) == 1
    return hasattr(operation, "__array__") or type(operation).to_matrix is not Gate.to_matrix


def matrix(site: Site) -> None:
    """Lower a gate by its matrix.

    Raises:
        UnsupportedInstructionError: if the matrix has a wrong shape, or is not unitary.
        NeedsValuesError: if it depends on parameters without values.
    """
    site.give_values()
    qubits = site.qubits
    # A copy: the gate may keep its array, and its owner may change it later.
    operation = site.operation
    given = operation.to_matrix() if isinstance(operation, Gate) else operation.params[0]
    array = np.array(given, dtype=np.complex128, order="C")
    size = 1 << len(qubits)
    if array.shape != (size, size):
        raise UnsupportedInstructionError(
            f"{site} has a matrix of shape {array.shape}; {len(qubits)} qubits need {(size, size)}"
        )
    deviation = _deviation(array)
    if not deviation <= _TOLERANCE:  # so that a NaN is refused too
        raise UnsupportedInstructionError(
            f"{site} has a matrix that is not unitary: its product with its adjoint is "
            f"{deviation:.2g} off the identity"
        )
    if not qubits:
        site.block.operations.append(Diagonal(freeze(array.reshape(1)), ()))
        return
    site.block.operations.append(Matrix(freeze(array), qubits))


def _deviation(array: ComplexArray) -> float:
    if len(array) <= 1 << _FULLY_CHECKED:
        product = array @ array.conj().T
        product.flat[:: len(array) + 1] -= 1
        return float(np.abs(product).max())
    norms = [np.einsum("ij,ij->" + axis, array, array.conj()).real for axis in "ij"]
    return float(max(np.abs(norm - 1).max() for norm in norms))


HANDLERS: Handlers = {
    "measure": (QiskitMeasure, measure),
    "reset": (QiskitReset, _reset),
    "barrier": (Barrier, _nothing),
    "delay": (Delay, _nothing),
    "unitary": (UnitaryGate, matrix),
    "diagonal": (DiagonalGate, _diagonal),
    "permutation": (PermutationGate, _permutation),
    "pauli": (PauliGate, _pauli),
    "initialize": (Initialize, _initialize),
    "state_preparation": (StatePreparation, _state_preparation),
}
