"""Gate lists in the form that :mod:`simquay_numba.kernels.gates` reads."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import (
    DenseState,
    Diagonal,
    GateListPass,
    Matrix,
    Permutation,
    Prepare,
    Relabel,
)
from simquay_numba.kernels.gates import DIAGONAL, MATRIX, PERMUTATION, PREPARE, run_gates

__all__ = ["apply_gate_list"]


_NUMBERS: dict[type, tuple[int, Callable[[Any], NDArray[Any]]]] = {
    Matrix: (MATRIX, attrgetter("matrix")),
    Diagonal: (DIAGONAL, attrgetter("diagonal")),
    Permutation: (PERMUTATION, attrgetter("table")),
    Prepare: (PREPARE, attrgetter("amplitudes")),
}
"""How the kernel names each kind of gate, and what gives its array."""

_COMPLEX = np.dtype(np.complex128)


def apply_gate_list(state: DenseState, pass_: GateListPass) -> None:
    """Apply a pass to every vector of a state."""
    stored = set(state.layout.order)
    state.grow([qubit for qubit in pass_.order if qubit not in stored])
    code, numbers, widest = _encoded(pass_)
    real = state.buffer.real.dtype
    arrays = np.frombuffer(b"".join([one.tobytes() for one in numbers]), dtype=np.complex128)
    factors = arrays.real.astype(real), arrays.imag.astype(real)
    room = np.empty((2, 1 << widest), dtype=real)
    words = np.fromiter(code, np.int64, len(code))
    for vector in state.vector:
        re, im = vector.real.copy(), vector.imag.copy()
        run_gates(words, *factors, re, im, *room)
        vector.real, vector.imag = re, im


def _encoded(pass_: GateListPass) -> tuple[list[int], list[NDArray[Any]], int]:
    """The words of the gates, the arrays of their numbers, and the most targets of one."""
    place = {qubit: bit for bit, qubit in enumerate(pass_.order)}
    code: list[int] = []
    numbers: list[NDArray[Any]] = []
    first = 0
    widest = 1
    for gate in pass_.gates:
        if type(gate) is Relabel:
            moved = [place.get(source) for source in gate.sources]
            for qubit, bit in zip(gate.qubits, moved, strict=True):
                if bit is None:  # |0>, and not stored
                    place.pop(qubit, None)
                else:
                    place[qubit] = bit
            continue
        kind, array_of = _NUMBERS[type(gate)]
        array = array_of(gate)
        qubits = gate.qubits
        mask = value = 0
        if gate.controls:
            state = gate.control_state
            for number, qubit in enumerate(gate.controls):
                bit = 1 << place[qubit]
                mask |= bit
                if state >> number & 1:
                    value |= bit
        if len(qubits) == 1:  # most gates
            code += (kind, mask, value, first, 1, place[qubits[0]])
        else:
            code += (kind, mask, value, first, len(qubits), *[place[one] for one in qubits])
            widest = max(widest, len(qubits))
        if kind == PERMUTATION:
            code += array.tolist()
        else:
            if array.dtype is not _COMPLEX:
                array = array.astype(_COMPLEX)
            numbers.append(array)
            first += array.size
    return code, numbers, widest
