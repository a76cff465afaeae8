"""The state of the NumPy engine: one buffer, and views of it by storage bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.errors import ProgramError
from simquay.planning import Layout
from simquay.program import Precision

__all__ = ["ComplexArray", "DenseState", "split_bits", "storage_indices"]

ComplexArray: TypeAlias = NDArray[np.complexfloating[Any]]


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
