"""The pool: the numbers of all gates of a list in one vector.

The pool has, for each gate that has numbers, a 1, a 0 and then the numbers themselves, in C order;
it ends with one more 1 and 0. A gate that has none starts at the pool's first 1 and 0. So every
entry of every array of a plan is an entry of the pool, and a whole plan's arrays are a few indexed
reads: with a call of NumPy for each array, calls would take most of planning.

Gates of one kind on equally many qubits follow each other. Where numbers lie depends on the kinds
and qubits of gates alone. The pools of several gate lists of one structure are the rows of a
matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.program.operations import Diagonal, GateOperation, Matrix, Prepare

__all__ = ["FIRST", "Indices", "Pool", "PoolGroup", "PoolLayout"]

Pool: TypeAlias = NDArray[np.complex128]
Indices: TypeAlias = NDArray[np.intp]

FIRST = 2
"""A gate's numbers begin so far behind its start, where its 1 and 0 are."""

_ONE_ZERO = np.array([1, 0], dtype=np.complex128).tobytes()

_KINDS: tuple[type[Matrix | Diagonal | Prepare], ...] = (Matrix, Diagonal, Prepare)
_CODES: dict[type[GateOperation], int] = {kind: code for code, kind in enumerate(_KINDS)}
_NUMBERS = {
    Matrix: attrgetter("matrix"),
    Diagonal: attrgetter("diagonal"),
    Prepare: attrgetter("amplitudes"),
}


class PoolGroup(NamedTuple):
    """The gates (indices) of one kind on equally many qubits.

    The first one's part of the pool is at ``start``; each part has ``length`` entries, its 1 and 0
    included.
    """

    kind: type[Matrix | Diagonal | Prepare]
    qubits: int
    gates: list[int]
    start: int
    length: int


class PoolLayout:
    """The places of all numbers of gates of one structure.

    Attributes:
        groups: the groups of gates, in the order of the pool.
        starts: for each gate, where its 1, 0 and numbers are.
    """

    __slots__ = ("_size", "groups", "starts")

    def __init__(self, gates: Sequence[GateOperation]) -> None:
        alike: dict[int, list[int]] = {}
        for index, gate in enumerate(gates):
            code = _CODES.get(type(gate))
            if code is not None:
                code += 4 * len(gate.qubits)
                if code in alike:
                    alike[code].append(index)
                else:
                    alike[code] = [index]
        self.groups: list[PoolGroup] = []
        self.starts = starts = [0] * len(gates)
        start = 0
        for code, members in alike.items():
            kind, qubits = _KINDS[code & 3], code >> 2
            length = FIRST + (1 << (2 * qubits if kind is Matrix else qubits))
            self.groups.append(PoolGroup(kind, qubits, members, start, length))
            for index in members:
                starts[index] = start
                start += length
        self._size = start + FIRST

    def of_gates(self, values: Sequence[int]) -> list[int]:
        """``values``, one for each gate that has numbers in the order of the pool, by gate; 0 for
        the others."""
        found = [0] * len(self.starts)
        first = 0
        for group in self.groups:
            for index, value in zip(group.gates, values[first:], strict=False):
                found[index] = value
            first += len(group.gates)
        return found

    def fill(self, gates: Sequence[GateOperation]) -> Pool:
        """The pool of ``gates``; it is read-only."""
        arrays: list[Any] = []
        for kind, _, members, _, _ in self.groups:
            arrays += map(_NUMBERS[kind], [gates[index] for index in members])
        try:
            # The fastest way, for arrays as programs promise them: complex128, in C order.
            data = _ONE_ZERO.join([b"", *arrays, b""])
        except (BufferError, TypeError, ValueError):
            data = b""
        if len(data) != 16 * self._size:  # some are not of type complex128, or not in C order
            parts = [np.asarray(array, dtype=np.complex128).tobytes() for array in arrays]
            data = _ONE_ZERO.join([b"", *parts, b""])
        return np.frombuffer(data, dtype=np.complex128)

    def fill_sweep(self, gate_lists: Sequence[Sequence[GateOperation]]) -> Pool:
        """The pools of several gate lists, shape ``(lists, numbers)``."""
        pools = np.empty((len(gate_lists), self._size), dtype=np.complex128)
        for row, gates in zip(pools, gate_lists, strict=True):
            row[:] = self.fill(gates)
        return pools
