"""Dense plans: passes that bring tiles of a state into cache and multiply matrices there.

A plan names qubits by *wires*. A wire stays with its amplitudes for the whole plan: at the start,
wire ``w`` carries qubit ``w``, and relabelling gates change only which qubit a wire carries. An
*order* is a tuple of wires: entry ``p`` is the wire at bit ``p`` of an index.

A :class:`ClusterPass` cuts the vector into tiles. The wires in ``loaded`` vary inside a tile, the
others (*outer* wires) are the same within a tile. Each tile is copied into a buffer, whose order
is then ``loaded``; the steps apply one after the other; the buffer is copied back to the storage
bits that the tile came from, its bit ``j`` to the ``j``-th lowest of them. So tiles are
independent, and the whole works in place.

A :class:`ProductStep` is one batched matrix product. Its wires are adjacent in the buffer before it
and after it, and so are some other wires, the *columns*. One of these two runs of wires is lowest
before the step, and one after it. All other wires may change their order at no cost, since they
only number the products of the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from simquay.program.gates import GateOperation

__all__ = [
    "ClusterPass",
    "DensePass",
    "LonePass",
    "OuterPhase",
    "PermuteStep",
    "PhaseStep",
    "ProductStep",
    "StartPass",
    "Step",
]

ComplexArray: TypeAlias = NDArray[np.complex128]


@dataclass(frozen=True, slots=True, eq=False)
class OuterPhase:
    """Factors for a step that differ from tile to tile.

    ``table`` has shape ``(2**len(outer), 2**k)``: bit ``j`` of its row is the value of the wire
    ``outer[j]`` in this tile, and the row is a diagonal on the step's ``k`` wires, in the order of
    the step's ``wires``.
    """

    outer: tuple[int, ...]
    table: ComplexArray


@dataclass(frozen=True, slots=True, eq=False)
class ProductStep:
    """Multiplies by a matrix of shape ``(2**k, 2**k)``.

    Attributes:
        matrix: bit ``j`` of a column's index is ``wires[j]``, of a row's ``result[j]``.
        wires: the wires of the matrix, in their order in ``before``.
        result: the same wires, in their order in ``after``.
        columns: the run of wires that is the free dimension of each product.
        before, after: the buffer's order before and after the step.
        phases_before, phases_after: diagonals, on ``wires`` and on ``result``, to apply with it.
        gates: how many gates of the program the step does.
    """

    matrix: ComplexArray
    wires: tuple[int, ...]
    result: tuple[int, ...]
    columns: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    phases_before: tuple[OuterPhase, ...] = ()
    phases_after: tuple[OuterPhase, ...] = ()
    gates: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PhaseStep:
    """Multiplies by a diagonal on ``wires``, which are a run of the buffer's ``order``.

    ``table`` has shape ``(2**k,)``; ``phases`` are on the same wires.
    """

    table: ComplexArray
    wires: tuple[int, ...]
    order: tuple[int, ...]
    phases: tuple[OuterPhase, ...] = ()
    gates: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PermuteStep:
    """Only changes the buffer's order."""

    before: tuple[int, ...]
    after: tuple[int, ...]


Step: TypeAlias = Union[ProductStep, PhaseStep, PermuteStep]


@dataclass(frozen=True, slots=True, eq=False)
class StartPass:
    """Writes the whole vector, where nothing was stored before.

    ``amplitudes`` has shape ``(2**len(after),)``, in the order ``after``.
    """

    amplitudes: ComplexArray
    after: tuple[int, ...]
    gates: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ClusterPass:
    """Applies ``steps`` to every tile.

    Attributes:
        before: the vector's order, with the ``new`` wires as its highest: these are stored from
            this pass on, and where one of them is 1 the amplitude was 0 and is not read.
        new: how many wires are new. All of them are in ``loaded``.
        loaded: the order of a tile's buffer when it is loaded.
        steps: the work on each tile, in order.
        after: the vector's order afterwards.
        keep: how many of the lowest bits of ``loaded`` are the lowest of ``before``, in order.
    """

    before: tuple[int, ...]
    new: int
    loaded: tuple[int, ...]
    steps: tuple[Step, ...]
    after: tuple[int, ...]
    keep: int

    @property
    def final(self) -> tuple[int, ...]:
        """The order of the buffer after the last step."""
        order = self.loaded
        for step in self.steps:
            if not isinstance(step, PhaseStep):
                order = step.after
        return order


@dataclass(frozen=True, slots=True, eq=False)
class LonePass:
    """One gate by itself, its qubits being wires: too wide for a matrix, or not worth one.

    ``before`` is the vector's order, ``new`` wires of it stored from this pass on.
    """

    gate: GateOperation
    before: tuple[int, ...]
    new: int

    @property
    def after(self) -> tuple[int, ...]:
        """The vector's order afterwards."""
        return self.before


DensePass: TypeAlias = Union[StartPass, ClusterPass, LonePass]
