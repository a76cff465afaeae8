"""Cuts: where on the way back through a circuit its generators are read.

The gates are undone from the last to the first. The generators of a gate are read when all that
follow on its qubits are undone, and nothing before it is; the gate itself is undone as well, or
later where it commutes with them, as a rotation does. Many generators can be read at one such time,
a *cut*: those of a layer of rotations, or of any gates that are diagonal, since these commute. So
the gates between two cuts are one segment, which is planned and fused as any gates are, and one
reading serves all strings of a cut.

Where an engine is the faster for it, a qubit on which all strings of a cut have X, or all have Y,
is turned before the cut so that these are Z, and back after it: then all strings of a layer of such
rotations flip the same bit, and share one pass over the state. The turns are fused with the
segments' gates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.execution.adjoint.generators import generators_of
from simquay.execution.adjoint.narrowing import Step
from simquay.execution.adjoint.ways import Back
from simquay.program import (
    Diagonal,
    Gate,
    Matrix,
    Parametric,
    Permutation,
    Prepare,
    Relabel,
    Strings,
)

__all__ = ["INVERSES", "Cuts", "Reading", "find_cuts", "is_rotation", "letters_of"]

_Z, _X, _Y, _ZERO, _ONE = 1, 2, 3, 4, 5
"""Letters: the Pauli matrices as digits, and projectors onto |0> and |1>."""

_TO_Z = {
    _X: np.array([[1, 1], [1, -1]], dtype=np.complex128) / np.sqrt(2),
    _Y: np.array([[1, -1j], [1, 1j]], dtype=np.complex128) / np.sqrt(2),
}
"""Matrices ``V`` with ``V P V† = Z``."""

_FROM_Z = {letter: matrix.conj().T.copy() for letter, matrix in _TO_Z.items()}

_FLIPS = np.array([letter in (_X, _Y) for letter in range(6)])
_SIGNS = np.array([letter in (_Z, _Y) for letter in range(6)])
_FIXES = np.array([letter in (_ZERO, _ONE) for letter in range(6)])


_Read = tuple[Strings, NDArray[np.bool_]]


class Reading(NamedTuple):
    """The strings of a cut, as letters on qubits.

    Attributes:
        starts: intp, shape ``(strings,)``: the first letter of each; all have one or more. There
            may be no string.
        qubits: intp, shape ``(letters,)``.
        letters: likewise: 1 to 3 for Z, X and Y, 4 and 5 for the projectors onto |0> and |1>.
    """

    starts: NDArray[np.intp]
    qubits: NDArray[np.intp]
    letters: NDArray[np.intp]

    @classmethod
    def of(cls, strings: Sequence[_Letters]) -> Reading:
        """The reading of strings that are given by letters."""
        flat = [pair for letters in strings for pair in letters]
        sizes = [len(letters) for letters in strings]
        qubits, kinds = np.array(flat, dtype=np.intp).reshape(-1, 2).T
        return cls(np.cumsum([0, *sizes])[:-1], qubits, kinds)

    def strings(self, order: Sequence[int]) -> _Read:
        """The strings for states that store the qubits ``order``; and whether each is 0 there,
        since a qubit that is not stored is |0>."""
        bits = np.zeros(max([*self.qubits, *order, 0]) + 1, dtype=np.int64)
        bits[list(order)] = np.int64(1) << np.arange(len(order))
        own = bits[self.qubits]
        masks = [
            np.bitwise_or.reduceat(np.where(wanted, own, 0), self.starts)
            for wanted in (
                _FLIPS[self.letters],
                _SIGNS[self.letters],
                _FIXES[self.letters],
                self.letters == _ONE,
            )
        ]
        lost = (own == 0) & (_FLIPS[self.letters] | (self.letters == _ONE))
        return Strings(*masks), np.logical_or.reduceat(lost, self.starts)


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """The way back through some gates.

    Attributes:
        segments: gates to apply in order; after segment ``c``, cut ``c`` is read.
        readings: of the cuts.
        known: strings that were made of readings: by the cut, and the qubits that a state stores.
        numbers: for each gate whose generators are read, by place: the numbers of the strings of
            its Pauli matrices, counted through all cuts and steps; -1 for one whose mean is known
            to be 0. Where the two vectors are a pair, string 0 is that of the value.
    """

    segments: Sequence[Sequence[Gate]]
    readings: Sequence[Reading]
    numbers: Mapping[int, Sequence[int]]
    known: dict[tuple[int, tuple[int, ...]], _Read] = field(default_factory=dict)

    def strings(self, cut: int, order: tuple[int, ...]) -> _Read:
        """The strings of a cut; see :meth:`Reading.strings`."""
        found = self.known.get((cut, order))
        if found is None:
            found = self.known[cut, order] = self.readings[cut].strings(order)
        return found


_Letters = list[tuple[int, int]]
"""Qubits, and the letter on each."""


def find_cuts(
    gates: Sequence[Gate | Back],
    wanted: Mapping[int, Sequence[int]],
    stored: Collection[int],
    pair: int | None,
    turned: bool,
    step: Step | None = None,
    first: int = 0,
) -> Cuts:
    """The way back through ``gates``.

    Args:
        gates: unitary, but for preparations of qubits that nothing before them acts on; and what
            takes back through channels.
        wanted: the Pauli matrices to read, by the places of gates in ``gates``; see
            :class:`~simquay.execution.adjoint.generators.Generators`.
        stored: the qubits that the state stores after the gates.
        pair: the qubit that tells the two vectors apart; None where these are the real and the
            imaginary parts of one.
        turned: whether qubits are turned to share passes.
        step: the part of the way; None for all of it.
        first: how many strings were read before it.
    """
    places = range(len(gates)) if step is None else step.places
    segments: defaultdict[int, list[Gate]] = defaultdict(list)
    found: defaultdict[int, list[tuple[int, int, _Letters]]] = defaultdict(list)
    # The first segment that the next gate on a qubit may be in: one that is diagonal on it, and
    # any other. Only a diagonal one commutes with the diagonal strings that are read before.
    diagonal: defaultdict[int, int] = defaultdict(int)
    other: defaultdict[int, int] = defaultdict(int)
    for place in reversed(places):
        gate = gates[place]
        undo = INVERSES[type(gate)]
        moves = () if gate.is_diagonal else gate.qubits
        keeps = (*gate.qubits, *gate.controls) if gate.is_diagonal else gate.controls
        cut = max([*[other[qubit] for qubit in moves], *[diagonal[qubit] for qubit in keeps], 0])
        read = place in wanted
        segments[cut + (read and is_rotation(gate))] += undo(gate)
        for qubit in moves:
            diagonal[qubit] = other[qubit] = cut + read
        for qubit in keeps:
            diagonal[qubit] = max(diagonal[qubit], cut)
            other[qubit] = max(other[qubit], cut + read)
        if read:
            for number, pauli in enumerate(wanted[place]):
                found[cut].append((place, number, letters_of(gate, pauli, pair)))
    numbers = {place: [-1] * len(wanted[place]) for place in places if place in wanted}
    listed: list[Sequence[Gate]] = []
    readings: list[Reading] = []
    turns: dict[int, int] = {}
    total = first
    # Behind the last cut nothing is undone, unless something is read after this part of the way.
    last = max(found, default=0)
    if step is not None and step.dropped:
        last = max([last, *segments]) + turned
    for cut in range(last + 1):
        back = [Matrix(_FROM_Z[letter], (qubit,)) for qubit, letter in turns.items()]
        strings: list[_Letters] = []
        if pair is not None and not total:
            strings.append([(pair, _X)])
        for place, number, letters in found[cut]:
            if letters:
                numbers[place][number] = total + len(strings)
                strings.append(letters)
        total += len(strings)
        turns = _turns(strings, stored, pair) if turned else {}
        forth = [Matrix(_TO_Z[letter], (qubit,)) for qubit, letter in turns.items()]
        listed.append((*back, *segments[cut], *forth))
        readings.append(
            Reading.of(
                [
                    [(qubit, _Z if qubit in turns else letter) for qubit, letter in letters]
                    for letters in strings
                ]
            )
        )
    return Cuts(listed, readings, numbers)


def letters_of(gate: Any, pauli: int, pair: int | None) -> _Letters:
    """The string of a Pauli matrix in a gate's generator, with the controls as projectors, and Y on
    the qubit of the pair; none if its mean is known to be 0: that of the identity, and where there
    is no pair that of a real string."""
    own = [(qubit, pauli >> 2 * bit & 3) for bit, qubit in enumerate(gate.qubits)]
    held = [
        (qubit, _ONE if gate.control_state >> bit & 1 else _ZERO)
        for bit, qubit in enumerate(gate.controls)
    ]
    letters = [*held, *[one for one in own if one[1]]]
    if pair is not None:
        return [(pair, _Y), *letters] if letters else []
    is_odd = sum([letter == _Y for _, letter in letters]) & 1
    return letters if is_odd else []


def is_rotation(gate: Gate | Back) -> bool:
    """Whether the gate commutes with its generators: they do not depend on its angle, and at 0 it
    is the identity."""
    if not isinstance(gate, Parametric):
        return False
    return generators_of(gate.formula, gate.adjoint).constant is not None


def _turns(
    strings: Sequence[_Letters], stored: Collection[int], pair: int | None
) -> dict[int, int]:
    """The qubits to turn before strings are read, and the letter that becomes Z there."""
    letters: defaultdict[int, set[int]] = defaultdict(set)
    for string in strings:
        for qubit, letter in string:
            letters[qubit].add(letter)
    return {
        qubit: min(own)
        for qubit, own in letters.items()
        if qubit != pair and qubit in stored and own in ({_X}, {_Y})
    }


INVERSES: dict[type, Callable[..., Sequence[Gate]]] = {
    Matrix: lambda gate: (replace(gate, matrix=gate.matrix.conj().T.copy()),),
    Diagonal: lambda gate: (replace(gate, diagonal=gate.diagonal.conj()),),
    Permutation: lambda gate: (replace(gate, table=np.argsort(gate.table)),),
    Relabel: lambda gate: (Relabel(gate.sources, gate.qubits),),
    Parametric: lambda gate: (replace(gate, adjoint=not gate.adjoint),),
    Prepare: lambda gate: (),  # it commutes with all that comes before it
    Back: attrgetter("gates"),
}
"""What undoes a gate, by its kind."""
