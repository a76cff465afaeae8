"""The pool: the numbers of a plan's gates in one vector.

The arrays of a whole plan are gathered from it at once: with a call of NumPy for each array, calls
would take most of planning. The pool starts with a 1 and ends with a 0, so that an index far before
or behind it, when clipped, is one of these (:mod:`simquay.planning.numbers.patterns`). Between them
are the numbers of gates, in groups of gates of the same kind on equally many qubits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.planning.numbers.sweep import NUMBERS, GateSweep, joined
from simquay.program.gates import Diagonal, GateOperation, Matrix, Prepare

__all__ = ["Group", "Pool", "PoolLayout"]

Pool: TypeAlias = NDArray[np.complex128]
"""Shape ``(numbers,)``, or ``(lists, numbers)`` for several gate lists."""

_ONE, _ZERO = np.ones(1, dtype=np.complex128), np.zeros(1, dtype=np.complex128)


class Group(NamedTuple):
    """Gates of one kind on ``size`` qubits: their indices, and where the first one's numbers start.

    The numbers of each, ``length`` of them, follow each other.
    """

    kind: type[GateOperation]
    size: int
    gates: list[int]
    start: int
    length: int


_CODES: dict[type, int] = {Matrix: 0, Diagonal: 1, Prepare: 2}
_KINDS: tuple[type[GateOperation], ...] = (Matrix, Diagonal, Prepare)


class PoolLayout:
    """Where the numbers of gates lie in the pool, which depends on kinds and qubit counts alone.

    Attributes:
        groups: as they follow each other in the pool.
        starts: of each gate, where its numbers start; 0 for gates without numbers.
        size: of the pool.
    """

    __slots__ = ("_readers", "groups", "size", "starts")

    def __init__(self, gates: Sequence[GateOperation]) -> None:
        found: defaultdict[int, list[int]] = defaultdict(list)
        codes = _CODES
        for index, gate in enumerate(gates):
            code = codes.get(type(gate))
            if code is not None:
                found[code | len(gate.qubits) << 2].append(index)
        self.groups: list[Group] = []
        self._readers: list[tuple[Callable[[Any], NDArray[Any]], list[int]]] = []
        self.starts = starts = [0] * len(gates)
        size = 1
        for code, alike in found.items():
            kind = _KINDS[code & 3]
            length = 1 << ((code >> 2) << (kind is Matrix))
            self.groups.append(Group(kind, code >> 2, alike, size, length))
            self._readers.append((NUMBERS[kind], alike))
            for index in alike:
                starts[index] = size
                size += length
        self.size = size + 1

    def fill(self, gates: Sequence[GateOperation]) -> Pool:
        """The pool of ``gates``, which have the kinds and qubit counts of those of the layout."""
        find = gates.__getitem__
        arrays: list[Any] = [_ONE]
        for read, alike in self._readers:
            arrays += map(read, map(find, alike))
        arrays.append(_ZERO)
        return joined(arrays, self.size)

    def fill_sweep(self, sweep: GateSweep) -> Pool:
        """The pools of the gate lists of a sweep, shape ``(lists, numbers)``."""
        pools = np.empty((sweep.batch, self.size), dtype=np.complex128)
        pools[:] = self.fill(sweep.gates)
        for places, numbers in sweep.changes:
            starts = np.array([self.starts[place] for place in places], dtype=np.intp)
            pools[:, starts[:, None] + np.arange(numbers.shape[-1])] = numbers
        return pools
