"""Advice where a circuit needs more memory than there is: only what can help that circuit."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simquay.engines.base import Engine
from simquay.errors import OutOfMemoryError
from simquay.execution.branching.saves import saves_of
from simquay.execution.memory import required_bytes
from simquay.program import (
    Diagonal,
    Matrix,
    Measure,
    Permutation,
    Precision,
    Program,
    Relabel,
    Reset,
)
from simquay.program.gates import Gate
from simquay.program.operations import Operation
from simquay.program.program import walk
from simquay.system.memory import format_bytes

__all__ = ["memory_advice"]

_MOST_OPERATIONS = 20_000  # a circuit with more is not looked through
_PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def memory_advice(
    program: Program,
    engine: Engine,
    precision: Precision,
    error: OutOfMemoryError,
    told: Callable[[str], str],
) -> str:
    """What to do where ``error`` refused ``program`` in ``precision``; one sentence, or nothing.

    ``told`` gives the name of another backend, with the command that installs it if need be.
    """
    need, single = (required_bytes(program, engine, one) for one in (precision, Precision.SINGLE))
    if need <= error.available < error.needed:
        saves = "save less, or " if saves_of(program) else ""
        return f"the state alone would fit: {saves}use fewer shots"
    less = error.needed - need + single
    if precision is Precision.DOUBLE and 0 < less <= error.available:
        return f"precision='single' needs {format_bytes(less)}"
    if _is_clifford(program):
        return f"its gates are Clifford gates, which {told('aer-stabilizer')} runs"
    still = (
        ""
        if precision is Precision.SINGLE
        else f"; even precision='single' needs {format_bytes(less)}"
    )
    return f"{told('aer-mps')} does with less where little is entangled{still}"


def _is_clifford(program: Program) -> bool:
    """Whether all operations are Clifford gates of one or two qubits, measurements and resets."""
    operations = [*itertools.islice(walk(program.operations), _MOST_OPERATIONS + 1)]
    known: dict[bytes, bool] = {}
    return len(operations) <= _MOST_OPERATIONS and all(
        _is_stabilizer_operation(one, known) for one in operations
    )


def _is_stabilizer_operation(operation: Operation, known: dict[bytes, bool]) -> bool:
    if isinstance(operation, Measure | Reset | Relabel):
        return True
    if not isinstance(operation, Gate) or len(operation.qubits) + len(operation.controls) > 2:
        return False
    if isinstance(operation, Matrix):
        matrix = np.asarray(operation.matrix)
    elif isinstance(operation, Diagonal):
        matrix = np.diag(operation.diagonal)
    elif isinstance(operation, Permutation):
        matrix = np.eye(len(operation.table), dtype=complex)[:, np.argsort(operation.table)].T
    else:
        parts = operation.as_standard()
        return parts != (operation,) and all(_is_stabilizer_operation(p, known) for p in parts)
    size = len(matrix)
    full = np.eye(size << len(operation.controls), dtype=complex)
    place = slice(operation.control_state * size, (operation.control_state + 1) * size)
    full[place, place] = matrix
    key = full.tobytes()
    if key not in known:
        known[key] = _maps_paulis_to_paulis(full)
    return known[key]


def _maps_paulis_to_paulis(unitary: NDArray[np.complexfloating]) -> bool:
    """Whether conjugation with a matrix of one or two qubits gives a Pauli string, up to its sign,
    for every Pauli string; this is the definition of the Clifford group."""
    strings = _PAULIS
    if len(unitary) == 4:
        strings = np.array([np.kron(high, low) for high in _PAULIS for low in _PAULIS])
    images = unitary @ strings @ unitary.conj().T
    overlaps = np.abs(np.einsum("aij,bji->ab", images, strings)) / len(unitary)
    return bool(np.all(overlaps.max(axis=1) > 1 - 1e-9))
