"""Sweeps: gates of one structure with other numbers for each of many vectors."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.program.gates import (
    Diagonal,
    Gate,
    GateOperation,
    Matrix,
    Parametric,
    Permutation,
    Prepare,
    Relabel,
    standard_gates,
)
from simquay.program.program import numbers_at

__all__ = ["NUMBERS", "Change", "GateSweep", "joined"]

_KNOWN = frozenset({Matrix, Diagonal, Permutation, Relabel, Prepare, Parametric})

NUMBERS: dict[type, Callable[[Any], NDArray[Any]]] = {
    Matrix: attrgetter("matrix"),
    Diagonal: attrgetter("diagonal"),
    Prepare: attrgetter("amplitudes"),
}
"""The array of a gate's numbers, for each kind that has one."""


def joined(arrays: list[Any], size: int) -> NDArray[np.complex128]:
    """The ``size`` entries of ``arrays``, each in C order, one array after the other; read-only."""
    try:
        # By far the fastest way, for arrays as programs promise them: complex128, in C order.
        data = b"".join(arrays)
    except (BufferError, TypeError, ValueError):
        data = b""
    if len(data) != 16 * size:  # some are of another type, or not in C order
        data = b"".join([np.asarray(array, dtype=np.complex128).tobytes() for array in arrays])
    return np.frombuffer(data, dtype=np.complex128)


class Change(NamedTuple):
    """Numbers of some gates that differ from vector to vector.

    Attributes:
        places: of the gates in their list; each has equally many entries.
        numbers: complex128, shape ``(batch, len(places), entries)``, entries in C order.
    """

    places: tuple[int, ...]
    numbers: NDArray[np.complex128]


@dataclass(frozen=True, slots=True, eq=False)
class GateSweep:
    """Gate lists of one structure, as a rule one a vector.

    Attributes:
        gates: standard gates, with the numbers of vector 0.
        batch: how many lists there are.
        changes: the numbers of gates in which the lists differ; no gate is in two of them.
        lists: int64, the list of each vector where several may have the same, and a search is worth
            its time; None: list ``i`` is that of vector ``i``.
    """

    gates: Sequence[GateOperation]
    batch: int
    changes: tuple[Change, ...] = ()
    lists: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, gate_lists: Sequence[Sequence[Gate]]) -> GateSweep:
        """The sweep of lists that have one structure, which is not checked: they differ in numbers
        alone. Numbers that are the same object in all lists are no change."""
        lists = [*map(standard_gates, gate_lists)]
        found: defaultdict[tuple[type, int], list[int]] = defaultdict(list)
        for place, gate in enumerate(lists[0]):
            read = NUMBERS.get(type(gate))
            if read is not None:
                array = read(gate)
                if any(read(gates[place]) is not array for gates in lists):
                    found[type(gate), len(gate.qubits)].append(place)
        changes = []
        for (kind, _), places in found.items():
            read = NUMBERS[kind]
            shape = len(lists), len(places), read(lists[0][places[0]]).size
            numbers = joined([read(gates[p]) for gates in lists for p in places], math.prod(shape))
            changes.append(Change(tuple(places), numbers.reshape(shape)))
        return cls(lists[0], len(lists), tuple(changes))

    @classmethod
    def at(cls, gates: Sequence[Gate], angles: NDArray[np.float64]) -> GateSweep:
        """The sweep of ``gates``, of which some are parametric, at many sets of the program's
        angles: shape ``(batch, num_angles)``."""
        if not _KNOWN.issuperset(map(type, gates)):
            known = [(gate,) if type(gate) in _KNOWN else gate.as_standard() for gate in gates]
            gates = [gate for some in known for gate in some]
        first: list[Any] = [*gates]
        changes = []
        for places, numbers in numbers_at(gates, angles):
            for place, array in zip(places, numbers[0], strict=True):
                first[place] = first[place].holding(array)
            rows = numbers.reshape(len(angles), len(places), -1)
            changes.append(Change(tuple(places), rows))
        return cls(first, len(angles), tuple(changes))

    def part(self, start: int, stop: int) -> GateSweep:
        """The gates from place ``start`` on, and before ``stop``."""
        if start <= 0 and stop >= len(self.gates):
            return self
        changes = []
        for places, numbers in self.changes:
            inside = [number for number, place in enumerate(places) if start <= place < stop]
            if inside:
                moved = tuple([places[number] - start for number in inside])
                changes.append(Change(moved, numbers[:, inside]))
        return GateSweep(self.gates[start:stop], self.batch, tuple(changes), self.lists)
