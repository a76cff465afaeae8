"""Instructions that are lowered by a rule of their own: by what they are, not by a definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

from simquay.circuits.lowering.gates import NOT, Y, Z
from simquay.circuits.lowering.matrices import ComplexArray, constant, freeze
from simquay.circuits.lowering.scopes import BlockBuilder, Scope
from simquay.errors import UnsupportedInstructionError
from simquay.program import (
    Diagonal,
    Matrix,
    Measure,
    Permutation,
    Prepare,
    Relabel,
    Reset,
    Save,
)

if TYPE_CHECKING:
    from simquay.circuits.lowering.walk import Lowering

__all__ = ["HANDLERS", "has_array", "has_matrix", "is_save", "matrix", "save"]

Bits = tuple[int, ...]

_TOLERANCE = 1e-5
"""How far a matrix may be from unitary; Qiskit's own check lets about as much through."""
_FULLY_CHECKED = 8
"""The widest matrix whose columns are all compared; of wider ones only the norms are checked."""
_TAKEN = frozenset({"counts", "memory"})
"""What a circuit's result data hold under these names, a saved state must not replace."""


def _measure(
    lowering: Lowering,
    operation: Any,
    qubits: Bits,
    clbits: Bits,
    scope: Scope,
    block: BlockBuilder,
) -> None:
    lowering.refuse_in_gate(operation, scope)
    block.operations.append(Measure(qubits[0], clbits[0]))


def _reset(
    lowering: Lowering,
    operation: Any,
    qubits: Bits,
    clbits: Bits,
    scope: Scope,
    block: BlockBuilder,
) -> None:
    lowering.refuse_in_gate(operation, scope)
    block.operations.append(Reset(qubits[0]))


def _nothing(
    lowering: Lowering,
    operation: Any,
    qubits: Bits,
    clbits: Bits,
    scope: Scope,
    block: BlockBuilder,
) -> None:
    """What only a scheduler or an optimizer heeds."""


def _unitary(
    lowering: Lowering,
    operation: Any,
    qubits: Bits,
    clbits: Bits,
    scope: Scope,
    block: BlockBuilder,
) -> None:
    matrix(operation, qubits, scope, block)


def _diagonal(
    lowering: Lowering,
    operation: Any,
    qubits: Bits,
    clbits: Bits,
    scope: Scope,
    block: BlockBuilder,
) -> None:
    block.operations.append(Diagonal(constant(operation.params), qubits))


def _permutation(
    lowering: Lowering,
    operation: Any,
    qubits: Bits,
    clbits: Bits,
    scope: Scope,
    block: BlockBuilder,
) -> None:
    # Qiskit's pattern names, for each position, the one whose qubit comes there.
    sources = tuple(qubits[int(source)] for source in operation.pattern)
    if sources != qubits:
        block.operations.append(Relabel(qubits, sources))


def _pauli(
    lowering: Lowering,
    operation: Any,
    qubits: Bits,
    clbits: Bits,
    scope: Scope,
    block: BlockBuilder,
) -> None:
    # The leftmost letter of the label belongs to the last qubit.
    for letter, qubit in zip(reversed(operation.params[0]), qubits, strict=True):
        if letter == "X":
            block.operations.append(Permutation(NOT, (qubit,)))
        elif letter == "Y":
            block.operations.append(Matrix(Y, (qubit,)))
        elif letter == "Z":
            block.operations.append(Diagonal(Z, (qubit,)))


def _initialize(
    lowering: Lowering,
    operation: Any,
    qubits: Bits,
    clbits: Bits,
    scope: Scope,
    block: BlockBuilder,
) -> None:
    lowering.refuse_in_gate(operation, scope)
    dirty = block.not_zero(qubits)
    block.operations.extend(Reset(qubit) for qubit in qubits if qubit in dirty)
    amplitudes = _amplitudes(operation)
    if amplitudes is None:
        # A product of basis states: its gates are cheaper than amplitudes.
        _by_definition(lowering, _preparation_of(operation), qubits, scope, block)
    else:
        block.operations.append(Prepare(amplitudes, qubits))


def _state_preparation(
    lowering: Lowering,
    operation: Any,
    qubits: Bits,
    clbits: Bits,
    scope: Scope,
    block: BlockBuilder,
) -> None:
    amplitudes = _amplitudes(operation)
    if amplitudes is None or scope.unitary or block.not_zero(qubits):
        _by_definition(lowering, operation, qubits, scope, block)
    else:
        block.operations.append(Prepare(amplitudes, qubits))


def _by_definition(
    lowering: Lowering, operation: Any, qubits: Bits, scope: Scope, block: BlockBuilder
) -> None:
    definition = lowering.definition(operation, scope)
    assert definition is not None, "every preparation has one"
    lowering.define(operation, definition, qubits, (), scope, block)


def _amplitudes(operation: Any) -> ComplexArray | None:
    """The amplitudes of a preparation; None where it is of a label or a basis state's number."""
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


HANDLERS: dict[str, Any] = {
    "measure": (QiskitMeasure, _measure),
    "reset": (QiskitReset, _reset),
    "barrier": (Barrier, _nothing),
    "delay": (Delay, _nothing),
    "unitary": (UnitaryGate, _unitary),
    "diagonal": (DiagonalGate, _diagonal),
    "permutation": (PermutationGate, _permutation),
    "pauli": (PauliGate, _pauli),
    "initialize": (Initialize, _initialize),
    "state_preparation": (StatePreparation, _state_preparation),
}
"""By instruction name: its class, and what lowers it."""


def has_array(operation: Any) -> bool:
    """Whether the operation is a gate that gives its matrix as an array."""
    return isinstance(operation, Gate) and hasattr(operation, "__array__")


def has_matrix(operation: Any) -> bool:
    """Whether the operation is a gate that gives its matrix in any way."""
    return has_array(operation) or (
        isinstance(operation, Gate) and type(operation).to_matrix is not Gate.to_matrix
    )


def matrix(operation: Any, qubits: Bits, scope: Scope, block: BlockBuilder) -> None:
    """Lower a gate by its matrix.

    Raises:
        UnsupportedInstructionError: if the matrix has a wrong shape, or is not unitary.
    """
    # A copy: the gate may keep its array, and its owner may change it later.
    array = np.array(operation.to_matrix(), dtype=np.complex128, order="C")
    size = 1 << len(qubits)
    if array.shape != (size, size):
        raise UnsupportedInstructionError(
            f"instruction {operation.name!r} ({scope.place()}) has a matrix of shape "
            f"{array.shape}; {len(qubits)} qubits need {(size, size)}"
        )
    deviation = _deviation(array)
    if not deviation <= _TOLERANCE:  # so that a NaN is refused too
        raise UnsupportedInstructionError(
            f"instruction {operation.name!r} ({scope.place()}) has a matrix that is not unitary: "
            f"its product with its adjoint is {deviation:.2g} off the identity"
        )
    if not qubits:
        block.operations.append(Diagonal(freeze(array.reshape(1)), ()))
        return
    block.operations.append(Matrix(freeze(array), qubits))


def _deviation(array: ComplexArray) -> float:
    if len(array) <= 1 << _FULLY_CHECKED:
        product = array @ array.conj().T
        product.flat[:: len(array) + 1] -= 1
        return float(np.abs(product).max())
    norms = [np.einsum("ij,ij->" + axis, array, array.conj()).real for axis in "ij"]
    return float(max(np.abs(norm - 1).max() for norm in norms))


def is_save(operation: Any) -> bool:
    """Whether the operation asks for the state, as Aer's instructions of these names do."""
    return (
        operation.name in ("save_statevector", "save_state")
        and not isinstance(operation, Gate)
        and getattr(operation, "definition", None) is None
    )


def save(
    lowering: Lowering, operation: Any, qubits: Bits, scope: Scope, block: BlockBuilder
) -> None:
    """Lower ``save_statevector`` or ``save_state``.

    Raises:
        UnsupportedInstructionError: if it is for some qubits alone, or for each shot, or if its
            label is taken: by another save, or by what a result holds anyway.
    """
    lowering.refuse_in_gate(operation, scope)
    if len(qubits) != lowering.num_qubits:
        raise UnsupportedInstructionError(
            f"instruction {operation.name!r} ({scope.place()}) saves {len(qubits)} qubits; "
            f"the state is that of all {lowering.num_qubits}"
        )
    # Aer keeps this in an attribute without a public name.
    subtype = getattr(operation, "_subtype", "single")
    if subtype != "single":
        raise UnsupportedInstructionError(
            f"instruction {operation.name!r} ({scope.place()}) saves a {subtype!r} of states; "
            "one state, without pershot or conditional, is supported"
        )
    label = getattr(operation, "label", None)
    # Aer's save_state without a label means the name of the method, here always this one.
    key = "statevector" if label in (None, "", "_method_") else str(label)
    # A body may be lowered several times, once for each value of a loop's parameter.
    path = scope.path()
    if key in _TAKEN or lowering.saved.setdefault(key, path) != path:
        owner = "the result's own" if key in _TAKEN else "another save's"
        raise UnsupportedInstructionError(
            f"instruction {operation.name!r} ({scope.place()}) has the label {key!r}, which is "
            f"{owner} already; give each save a label of its own"
        )
    block.flush_phase()
    block.operations.append(Save(key))
