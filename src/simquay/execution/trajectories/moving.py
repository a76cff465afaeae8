"""Pauli errors moved through the gates behind them, so that no gate is added.

A Pauli string in front of a gate is one behind it, up to a phase, where the gate is a Clifford
gate. Another gate on one qubit takes the string's part into its matrix. Others that have no
controls are conjugated with it, and let it through. So a segment with errors has the gates of the
segment without, with other numbers, and at most a string at the end: it runs by the same plan.

Strings are masks, without their phases: of ``k`` qubits, bit ``j`` stands for an X part on qubit
``j``, and bit ``k + j`` for a Z part.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.execution.trajectories.segments import Error, Segment, string_of
from simquay.planning import Change, GateSweep
from simquay.program import Diagonal, GateOperation, Matrix, Permutation, Prepare, Relabel
from simquay.program.bits import bit_counts, bits_of

__all__ = ["Moved", "Moving"]

_MOST_QUBITS = 4
"""Of a gate through which strings are moved, controls included."""


class Moved(NamedTuple):
    """Errors after they were moved.

    Attributes:
        taken: the strings in the numbers of gates: bit ``j`` is entry ``j`` of :attr:`Moving.bits`.
        x, z: the X and the Z part of the string at the end, as masks of qubits.
    """

    taken: int
    x: int
    z: int


class _Rule(NamedTuple):
    """The way of strings through a gate.

    Attributes:
        wires: the gate's qubits, then its controls.
        images: of X on each wire, then of Z on each, the string behind the gate; None where the
            gate does not map it to one.
        takes: whether the gate takes strings into its matrix.
        conjugated: whether it may be conjugated instead.
    """

    wires: tuple[int, ...]
    images: tuple[int | None, ...]
    takes: bool = False
    conjugated: bool = False


class Moving:
    """Moves the errors of a segment.

    Attributes:
        bits: the parts of strings that gates take: the place of the gate, and the bit.
    """

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._gates, spans = segment.flat
        self._rules: dict[int, _Rule] = {}
        self._numbers: dict[tuple[int, int], NDArray[np.complex128]] = {}
        self.bits: list[tuple[int, int]] = []
        # From the last gate to the first: what becomes of an X on each qubit and of a Z, which
        # stand behind the gates that are left. All that follows is linear in the bits of strings:
        # one number has those of a moved string, first those of its end. None: it is stopped.
        used = [*self._gates, *segment.channels]
        count = self._count = 1 + max(
            [0, *[q for one in used for q in (*one.qubits, *one.controls)]]
        )
        ends: list[int | None] = [1 << bit for bit in range(2 * count)]
        self._ends: list[list[int | None]] = []
        place = len(self._gates)
        for (_, start), channel in zip(reversed(spans), reversed(segment.channels), strict=True):
            while place > start:
                place -= 1
                self._pass(place, ends)
            qubits = channel.qubits
            self._ends.append([ends[half + qubit] for half in (0, count) for qubit in qubits])
        self._ends.reverse()

    def _pass(self, place: int, ends: list[int | None]) -> None:
        """Put a gate in front of those that ``ends`` are for."""
        rule = self._rules[place] = _rule(self._gates[place])
        here = [half + wire for half in (0, self._count) for wire in rule.wires]
        before = [ends[bit] for bit in here]
        for bit, image in enumerate(rule.images):
            own = 0
            if rule.takes or (image is None and rule.conjugated):
                own = 1 << 2 * self._count + len(self.bits)
                self.bits.append((place, bit))
                image = 0 if rule.takes else 1 << bit
            behind = [None] if image is None else [before[other] for other in bits_of(image)]
            ends[here[bit]] = _sum([own, *behind])

    def of(self, errors: Iterable[Error]) -> Moved | None:
        """``errors``, moved; None if one of them is no Pauli string, or meets a gate that stops
        it."""
        found: list[int | None] = []
        for site, part in errors:
            string = self._segment.string(site, part)
            if string is None:
                return None
            found += [self._ends[site][bit] for bit in bits_of(string)]
        end = _sum(found)
        if end is None:
            return None
        every = (1 << self._count) - 1
        return Moved(end >> 2 * self._count, end & every, end >> self._count & every)

    def sweep(self, moved: Sequence[Moved], lists: NDArray[np.int64]) -> GateSweep:
        """The gates without errors, and then those of each of ``moved``; ``lists`` says which each
        vector has."""
        taken: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for row, one in enumerate(moved, start=1):
            strings: dict[int, int] = {}
            for number in bits_of(one.taken):
                place, bit = self.bits[number]
                strings[place] = strings.get(place, 0) | 1 << bit
            for place, string in strings.items():
                taken[place].append((row, string))
        by_size: defaultdict[int, list[int]] = defaultdict(list)
        for place in sorted(taken):
            by_size[_numbers(self._gates[place]).size].append(place)
        changes = []
        for size, places in by_size.items():
            own = np.stack([_numbers(self._gates[place]).reshape(size) for place in places])
            numbers = np.repeat(own[None], len(moved) + 1, axis=0)
            for column, place in enumerate(places):
                for row, string in taken[place]:
                    numbers[row, column] = self._with(place, string)
            changes.append(Change(tuple(places), numbers))
        return GateSweep(self._gates, len(moved) + 1, tuple(changes), lists)

    def _with(self, place: int, string: int) -> NDArray[np.complex128]:
        """A gate's numbers with a string in them, one after the other."""
        key = place, string
        if key not in self._numbers:
            array = _numbers(self._gates[place])
            index = np.arange(len(array))
            flipped = index ^ string & len(array) - 1
            signs = 1.0 - 2.0 * (bit_counts(index & string // len(array)) & 1)
            if array.ndim == 1:
                found = array[flipped]
            elif self._rules[place].takes:
                found = (array * signs)[:, flipped]
                # Real parts stay real, and imaginary ones imaginary, by one of two phases, if any.
                if _parts(1j * found) == _parts(array):
                    found = 1j * found
            else:
                found = (array * signs * signs[:, None])[flipped][:, flipped]
            self._numbers[key] = found.reshape(-1)
        return self._numbers[key]


def _sum(ends: Iterable[int | None]) -> int | None:
    """Their sum modulo 2, bit by bit; None if one is None."""
    total = 0
    for end in ends:
        if end is None:
            return None
        total ^= end
    return total


def _numbers(gate: GateOperation) -> NDArray[np.complex128]:
    assert isinstance(gate, (Matrix, Diagonal))
    array = gate.matrix if isinstance(gate, Matrix) else gate.diagonal
    return np.asarray(array, dtype=np.complex128)


def _parts(array: NDArray[np.complex128]) -> bytes:
    """Which real and imaginary parts are not 0."""
    parts: NDArray[np.bool_] = np.ascontiguousarray(array).view(np.float64) != 0
    return parts.tobytes()


def _rule(gate: GateOperation) -> _Rule:
    if isinstance(gate, Relabel):
        places = [gate.sources.index(qubit) for qubit in gate.qubits]
        images = [1 << place + half for half in (0, len(places)) for place in places]
        return _Rule(gate.qubits, tuple(images))
    wires = (*gate.qubits, *gate.controls)
    if len(wires) > _MOST_QUBITS or isinstance(gate, Prepare):
        return _Rule(wires, (None,) * (2 * len(wires)))
    array = gate.table if isinstance(gate, Permutation) else _numbers(gate)
    controls = len(gate.controls), gate.control_state
    found = _images(array.tobytes(), array.dtype.char, array.ndim, *controls)
    free = not gate.controls and not isinstance(gate, Permutation)
    takes = free and array.shape == (2, 2) and bool(array.all()) and None in found
    return _Rule(wires, found, takes, free)


@lru_cache(maxsize=1024)
def _images(data: bytes, kind: str, axes: int, controls: int, state: int) -> tuple[int | None, ...]:
    """See :class:`_Rule`; of a gate with the array ``data``."""
    array = np.frombuffer(data, dtype=kind)
    if kind != "D":
        own = np.eye(len(array))[:, array]
    else:
        own = np.diag(array) if axes == 1 else array.reshape(math.isqrt(len(array)), -1)
    size = len(own) << controls
    matrix = np.eye(size, dtype=np.complex128)
    block = slice(state * len(own), (state + 1) * len(own))
    matrix[block, block] = own
    index = np.arange(size)
    images = []
    for bit in range(2 * (size.bit_length() - 1)):
        x, z = (1 << bit) % size, (1 << bit) // size
        moved = matrix * (1 - 2 * (bit_counts(index & z) & 1))
        images.append(string_of(moved[:, index ^ x] @ matrix.conj().T))
    return tuple(images)
