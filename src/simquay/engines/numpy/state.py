"""The state of the NumPy engine: one buffer, and views of it by storage bit.

A loop in Python over many small vectors takes longer than the arithmetic on them; so
:func:`copy_vectors` and :func:`project_vectors` work on as many as stay in cache together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.engines.threads import run_side_by_side
from simquay.errors import ProgramError
from simquay.planning import Layout
from simquay.program import Precision
from simquay.program.bits import deposit, mask_of

__all__ = [
    "TOGETHER_BITS",
    "ComplexArray",
    "DenseState",
    "copy_vectors",
    "exchange_parts",
    "project_vectors",
    "split_bits",
    "storage_indices",
]

ComplexArray: TypeAlias = NDArray[np.complexfloating[Any]]

TOGETHER_BITS = 12
"""Vectors of more qubits are worked on one by one."""

_AT_ONCE = 1 << 15
"""Amplitudes of the vectors that are worked on at once, in temporary arrays."""

_ALONE = 1 << 10
"""Amplitudes of a vector from which on vectors are copied one by one."""

_SIDE_BY_SIDE = 1 << 16
"""Amplitudes from which on a copy is worth a second thread."""


@dataclass(slots=True, eq=False)
class DenseState:
    """``batch`` vectors of up to ``2**capacity`` amplitudes each.

    Invariants: the amplitudes of layout ``order`` are ``buffer[:, : 2**len(order)]``; what lies
    beyond has no meaning. ``buffer`` is empty once the state is released.
    """

    num_qubits: int
    capacity: int
    precision: Precision
    layout: Layout
    buffer: ComplexArray

    @property
    def batch(self) -> int:
        """How many vectors there are."""
        return int(self.buffer.shape[0])

    @property
    def stored(self) -> int:
        """How many qubits have a place in the vector."""
        return len(self.layout.order)

    @property
    def vector(self) -> ComplexArray:
        """The amplitudes in storage order, shape ``(batch, 2**stored)``; a view."""
        if not self.buffer.size:
            raise ProgramError("this state was released: allocate another one")
        return self.buffer[:, : 1 << self.stored]

    def grow(self, qubits: Sequence[int]) -> None:
        """Store ``qubits``, which are |0>, as the highest storage bits, in the given order."""
        if not qubits:
            return
        old = self.stored
        self.grow_unwritten(qubits)
        self.buffer[:, 1 << old : 1 << self.stored] = 0

    def grow_unwritten(self, qubits: Sequence[int]) -> None:
        """As :meth:`grow`, for a caller that writes the new part of the vector itself."""
        old = self.stored
        new = old + len(qubits)
        if new > self.capacity:
            raise ProgramError(
                f"a plan stores {new} qubits in a state that was allocated for {self.capacity}"
            )
        self.layout = Layout((*self.layout.order, *qubits))


def split_bits(
    vector: ComplexArray, width: int, positions: Sequence[int]
) -> tuple[ComplexArray, dict[int, int]]:
    """A view of ``vector``, shape ``(batch, 2**width)``, in which each position is an axis.

    Returns the view and the axis of each position. The bits between two positions are one axis
    (left out where there are none), so the view has few axes however wide the state is.
    """
    shape = [vector.shape[0]]
    axes: dict[int, int] = {}
    top = width
    for position in sorted(positions, reverse=True):
        if top - position > 1:
            shape.append(1 << (top - position - 1))
        axes[position] = len(shape)
        shape.append(2)
        top = position
    if top:
        shape.append(1 << top)
    return vector.reshape(shape), axes


def storage_indices(
    values: NDArray[np.int64], qubits: Sequence[int], layout: Layout
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The storage index of each of ``values``, whose bit ``j`` is the value of ``qubits[j]``; and
    whether it has a 1 for a qubit that is not stored, so that its amplitude is 0."""
    positions = layout.positions()
    index = np.zeros(len(values), dtype=np.intp)
    unstored = 0
    for bit, qubit in enumerate(qubits):
        if qubit in positions:
            index |= (values >> bit & 1) << positions[qubit]
        else:
            unstored |= 1 << bit
    # The mask as the same 64 bits with a sign.
    return index, values & (unstored - (unstored >> 63 << 64)) != 0


def copy_vectors(
    target: DenseState,
    parts: Sequence[tuple[DenseState, Sequence[int]]],
    places: Sequence[int] | None = None,
    threads: int = 1,
) -> None:
    """Write the chosen vectors of each part to ``target``, one after the other; or to its vectors
    ``places``."""
    vectors = target.vector
    size = vectors.shape[1]
    step = max(_AT_ONCE // size, 1)
    done = 0
    alone: list[tuple[ComplexArray, ComplexArray]] = []
    for part, numbers in parts:
        source = part.vector
        chosen = np.asarray(numbers, dtype=np.intp)
        if part.layout != target.layout:
            # The old index of each new one; where a qubit is 1 that was not stored, there is none.
            old, lost = storage_indices(np.arange(size), target.layout.order, part.layout)
        for first in range(0, len(chosen), step):
            some = chosen[first : first + step]
            into: Any = slice(done, done + len(some))
            if places is not None:
                into = np.asarray(places[into], dtype=np.intp)
            if part.layout != target.layout:
                moved = source[some[:, None], old]
                moved[:, lost] = 0
                vectors[into] = moved
            elif size >= _ALONE:  # otherwise NumPy would copy them twice
                for place, number in enumerate(some.tolist(), done):
                    into = place if places is None else places[place]
                    alone.append((vectors[into], source[number]))
            else:
                vectors[into] = source[some]
            done += len(some)

    def share(pairs: Sequence[tuple[ComplexArray, ComplexArray]]) -> None:
        for pair in pairs:
            np.copyto(*pair)

    if len(alone) * size < _SIDE_BY_SIDE:
        share(alone)
    else:
        run_side_by_side([partial(share, alone[first::threads]) for first in range(threads)])


def project_vectors(
    state: DenseState,
    qubits: Sequence[int],
    outcomes: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    resets: Sequence[int],
) -> None:
    """See :meth:`simquay.engines.base.BaseEngine.project`."""
    positions = state.layout.positions()
    missing = [qubit for qubit in qubits if qubit not in positions]
    if missing:
        raise ProgramError(f"qubit {missing[0]} is not stored and cannot be projected")
    vector = state.vector
    values = deposit(outcomes, [positions[qubit] for qubit in qubits])
    index = np.arange(vector.shape[1], dtype=np.intp)
    measured = index & mask_of(positions[qubit] for qubit in qubits)
    scales = (probabilities**-0.5).astype(vector.real.dtype)[:, None]
    zero = scales.dtype.type(0)
    step = _AT_ONCE // vector.shape[1]
    for first in range(0, state.batch, step):
        some = slice(first, first + step)
        vector[some] *= np.where(measured == values[some, None], scales[some], zero)
    # A reset of a qubit found 1 moves amplitudes to where it is 0: all of those are 0 by now.
    moved = values & mask_of(positions[qubit] for qubit in resets)
    ones = np.flatnonzero(moved)
    for first in range(0, len(ones), step):
        rows = ones[first : first + step]
        vector[rows] = vector[rows[:, None], index ^ moved[rows, None]]


def exchange_parts(state: DenseState, place: int, threads: int) -> None:
    """Exchange the real parts where storage bit ``place`` is 1 with the imaginary parts where it is
    0: see :meth:`simquay.engines.base.BaseEngine.exchange_parts`."""
    for vector in state.vector:
        reals = vector.view(vector.real.dtype).reshape(-1, 2, 1 << place, 2)
        one, other = reals[:, 1, :, 0], reals[:, 0, :, 1]
        # Blocks of both: some rows, or a part of one.
        rows, columns = max(_AT_ONCE >> place, 1), min(_AT_ONCE, 1 << place)
        blocks = [
            np.s_[row : row + rows, column : column + columns]
            for row in range(0, one.shape[0], rows)
            for column in range(0, one.shape[1], columns)
        ]
        share = partial(_exchange, one, other, iter(blocks))
        run_side_by_side([share] * max(1, min(threads, len(blocks))))


def _exchange(one: NDArray[Any], other: NDArray[Any], blocks: Iterator[Any]) -> None:
    for block in blocks:  # a step of a list's iterator: no two threads get the same
        kept = one[block].copy()
        one[block] = other[block]
        other[block] = kept
