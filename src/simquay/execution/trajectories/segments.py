"""Segments: gates and channels in order, whose errors are drawn together.

A *site* is a channel of a segment. Its default part is part 0 of its mixture, if that is unitary;
every other part is an *error*: ``(site, part)``. An error whose part is unitary is a gate. One that
has several Kraus operators depends on the state, and the segment is left there: see
:mod:`simquay.execution.branching.noise`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.program import Channel, Diagonal, Gate, GateOperation, Matrix, Mixture
from simquay.program.bits import bit_counts
from simquay.program.gates import QubitOperation, standard_gates

__all__ = ["Error", "Errors", "Factors", "Segment", "segments_of", "string_of"]

Error: TypeAlias = tuple[int, int]
"""A site of a segment, and the number of the part that its channel takes there."""

Errors: TypeAlias = tuple[Error, ...]
"""The errors of one trajectory in a segment, by site."""

MOST_SEGMENTS, LEAST_GATES = 16, 32
"""Trajectories share a segment up to its start: more segments are more shared work, and more plans
that are fused less."""

LARGE, FEW_SEGMENTS = 17, 4
"""From so many qubits on, an evolution in many segments takes several times as long as in one."""

MOST_GATES = 4096
"""Of a segment: planning cannot be cancelled."""

_CERTAIN = 1e3
"""The level of a site without a default part: far above that of every draw."""


class Segment:
    """Gates and channels in order.

    Args:
        operations: the gates and channels.

    Attributes:
        channels: by site.
        levels: by site, minus the logarithm of the probability of no error up to it, float64.
        rests: by site, the probability of an error there, float64.
        state_dependent: for each site the parts that depend on the state.
        certain: of the sites without a default part, the product of how many Kraus operators a
            part of theirs has at most; 1 if there are none.
    """

    def __init__(self, operations: Sequence[QubitOperation]) -> None:
        self.operations = operations
        self._places = [place for place, one in enumerate(operations) if isinstance(one, Channel)]
        self.channels = [one for one in operations if isinstance(one, Channel)]
        self._factors: dict[tuple[int, int], Factors] = {}
        self._strings: dict[tuple[int, int], int | None] = {}
        numbers: dict[int, int] = {}
        mixtures: list[Mixture] = []
        for channel in self.channels:
            if id(channel.mixture) not in numbers:
                numbers[id(channel.mixture)] = len(mixtures)
                mixtures.append(channel.mixture)
        self._kinds = np.array([numbers[id(one.mixture)] for one in self.channels], dtype=np.intp)
        dependent = [
            tuple([part for part, one in enumerate(mixture.parts) if one.ndim == 3])
            for mixture in mixtures
        ]
        self.state_dependent = [dependent[kind] for kind in self._kinds]
        # Of each mixture the first error, and bounds of all errors between its number and the next.
        first = [int(mixture.parts[0].ndim == 2) for mixture in mixtures]
        errors = [one.probabilities[start:] for one, start in zip(mixtures, first, strict=True)]
        rests = np.array([min(float(some.sum()), 1.0) for some in errors])
        logs = np.where(first, -np.log1p(-np.minimum(rests, 1 - 2.0**-53)), _CERTAIN)
        self.levels = np.cumsum(logs[self._kinds])
        self.rests = np.where(first, rests, 1.0)[self._kinds]
        self._bounds = np.concatenate(
            [
                number + np.cumsum(some) / max(rest, 2.0**-1022)
                for number, (some, rest) in enumerate(zip(errors, rests, strict=True))
            ]
            or [np.empty(0)]
        )
        most = [
            max([1, *[len(one) for one in mixture.parts if one.ndim == 3]]) for mixture in mixtures
        ]
        self.certain = prod([most[kind] for kind in self._kinds if not first[kind]])
        self._last = np.array([len(mixture.parts) - 1 for mixture in mixtures], dtype=np.intp)
        sizes = np.array([*map(len, errors)], dtype=np.intp)
        self._offsets = np.array(first, dtype=np.intp) - (np.cumsum(sizes) - sizes)

    def parts(self, sites: NDArray[np.intp], fractions: NDArray[np.float64]) -> NDArray[np.intp]:
        """The error of each of ``sites``, picked by a number in [0, 1)."""
        kinds = self._kinds[sites]
        places = self._bounds.searchsorted(kinds + fractions, side="right")
        # A fraction may be rounded up to the last bound.
        return np.minimum(places + self._offsets[kinds], self._last[kinds])

    def size(self, start: int, stop: int | None) -> int:
        """How many gates :meth:`gates` gives without errors, channels aside."""
        low = self._places[start - 1] + 1 - start if start else 0
        if stop is None:
            return len(self.operations) - len(self.channels) - low
        return self._places[stop] - stop - low

    def gates(self, errors: Errors, start: int = 0, stop: int | None = None) -> list[Gate]:
        """The gates from behind site ``start - 1`` on, or from the first, up to site ``stop``, or
        to the last, with ``errors`` among them."""
        low = self._places[start - 1] + 1 if start else 0
        high = len(self.operations) if stop is None else self._places[stop]
        gates: list[Gate] = []
        for site, part in (*errors, (None, 0)):
            place = high if site is None else self._places[site]
            for some in self._default_gates[low:place]:
                gates += some
            if site is not None:
                gates += self.gates_of(site, part)
                low = place + 1
        return gates

    @cached_property
    def _default_gates(self) -> list[tuple[Gate, ...]]:
        """Of each operation, without errors."""
        gates: list[tuple[Gate, ...]] = [
            (one,) if isinstance(one, Gate) else () for one in self.operations
        ]
        for site, place in enumerate(self._places):
            if self.channels[site].mixture.parts[0].ndim == 2:
                gates[place] = self.gates_of(site, 0)
        return gates

    @cached_property
    def flat(self) -> tuple[list[GateOperation], list[tuple[int, int]]]:
        """All gates, without errors; and by site, where those of its default part are among
        them."""
        gates: list[GateOperation] = []
        starts = [0]
        for some in self._default_gates:
            gates += standard_gates(some)
            starts.append(len(gates))
        return gates, [(starts[place], starts[place + 1]) for place in self._places]

    def sites(self, every: bool) -> range:
        """All sites, or none."""
        return range(len(self.channels) if every else 0)

    def default(self, site: int) -> Factors:
        """The default part of a site; nothing where it has none."""
        return self.factors(site, 0) if self.channels[site].mixture.parts[0].ndim == 2 else ()

    def factors(self, site: int, part: int, operator: int | None = None) -> Factors:
        """A unitary part, up to its phase, or a Kraus operator of another one."""
        matrix = self.channels[site].mixture.parts[part]
        if operator is not None:
            return ((matrix[operator], tuple(range(len(matrix[0]).bit_length() - 1))),)
        kind = int(self._kinds[site])
        factors = self._factors.get((kind, part))
        if factors is None:
            factors = self._factors[kind, part] = _factors(matrix)
        return factors

    def string(self, site: int, part: int) -> int | None:
        """See :func:`string_of`; of a unitary part, behind the gates of the default part."""
        kind = int(self._kinds[site])
        if (kind, part) not in self._strings:
            first, own = [self.channels[site].mixture.parts[number] for number in (0, part)]
            unitary = first.ndim == own.ndim == 2
            self._strings[kind, part] = string_of(own @ first.conj().T) if unitary else None
        return self._strings[kind, part]

    def gates_of(self, site: int, part: int) -> tuple[GateOperation, ...]:
        """Gates that do as a unitary part, up to its phase."""
        return _placed(self.factors(site, part), self.channels[site].qubits)


Factors: TypeAlias = "tuple[tuple[NDArray[np.complex128], tuple[int, ...]], ...]"
"""Matrices, or diagonals, and the bits that each acts on."""


def _factors(matrix: NDArray[Any], first: int = 0) -> Factors:
    """A unitary matrix on the bits from ``first`` on, up to a phase: on few bits each where it is a
    product, and nothing for the identity."""
    size = len(matrix)
    if size > 2:
        # A product of one on the last bit and one on the others has one term.
        half = size // 2
        terms = matrix.reshape(2, half, 2, half).transpose(0, 2, 1, 3).reshape(4, -1)
        last, weights, others = np.linalg.svd(terms, full_matrices=False)
        if weights[1] < 1e-12 * weights[0]:
            bit = first + half.bit_length() - 1
            return (
                *_factors(np.sqrt(half) * others[0].reshape(half, half), first),
                *_factors(np.sqrt(2) * last[:, 0].reshape(2, 2), bit),
            )
    diagonal = np.diag(matrix)
    if np.abs(matrix - np.diag(diagonal)).max() > 1e-15:
        array = np.ascontiguousarray(matrix, dtype=np.complex128)
    elif np.abs(diagonal - diagonal[0]).max() > 1e-15:
        array = np.ascontiguousarray(diagonal, dtype=np.complex128)
    else:
        return ()
    return ((array, tuple(range(first, first + size.bit_length() - 1))),)


def _placed(factors: Factors, qubits: tuple[int, ...]) -> tuple[GateOperation, ...]:
    return tuple(
        [
            (Matrix if array.ndim == 2 else Diagonal)(array, tuple([qubits[bit] for bit in bits]))
            for array, bits in factors
        ]
    )


def string_of(matrix: NDArray[Any]) -> int | None:
    """The Pauli string that a unitary matrix is up to a phase: of ``k`` qubits, bit ``j`` says
    whether there is an X part on qubit ``j``, and bit ``k + j`` a Z part. None for others."""
    index = np.arange(len(matrix))
    x = int(np.abs(matrix[:, 0]).argmax())
    phases = matrix[index ^ x, index]
    z = 0
    for bit in range(len(matrix).bit_length() - 1):
        z |= int((phases[1 << bit] / phases[0]).real < 0) << bit
    signs = 1 - 2 * (bit_counts(index & z) & 1)
    # All of the matrix's weight is in these entries then.
    return x | z * len(matrix) if abs(np.vdot(signs, phases)) > len(matrix) - 1e-12 else None


def segments_of(operations: Sequence[QubitOperation]) -> Iterator[Segment]:
    """Gates and channels, cut into segments of about as many gates each.

    Draws are counted by segments, so the cuts depend on the program alone.
    """
    operations = [one for some in operations for one in _certain(some)]
    gates = sum(not isinstance(one, Channel) for one in operations)
    qubits = {qubit for one in operations for qubit in one.qubits}
    most = MOST_SEGMENTS if len(qubits) < LARGE else FEW_SEGMENTS
    parts = max(min(most, gates // LEAST_GATES), -(-gates // MOST_GATES), 1)
    start = passed = done = 0
    for place, one in enumerate(operations):
        if isinstance(one, Channel):
            continue
        if passed * parts >= (done + 1) * gates:
            yield Segment(operations[start:place])
            start, done = place, done + 1
        passed += 1
    yield Segment(operations[start:])


def _certain(operation: QubitOperation) -> Sequence[QubitOperation]:
    """Gates in the place of a channel that has one part, which is unitary."""
    if isinstance(operation, Channel):
        parts = operation.mixture.parts
        if len(parts) == 1 and parts[0].ndim == 2:
            return _placed(_factors(parts[0]), operation.qubits)
    return (operation,)
