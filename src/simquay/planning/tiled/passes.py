"""Tiled plans: passes that load tiles of a state into fast memory, work there, and write back.

A state of ``width`` stored qubits is a vector of ``2**width`` amplitudes; bit ``p`` of its index
is *storage bit* ``p``. A :class:`TilePass` cuts the vector into tiles:

- the storage bits in ``active`` vary inside a tile, and bit ``j`` of the *local index* is storage
  bit ``active[j]`` when the tile is loaded;
- the other storage bits, from the lowest to the highest, are the bits of the *tile number*:
  outer bit ``j`` is the ``j``-th lowest storage bit that is not active.

In each tile the stages of all rounds apply in order, on local indices. Then local bit ``j`` is
written to storage bit ``active[store[j]]``. A tile reads and writes the same addresses, so every
pass works in place, and tiles are independent.

A pass may enlarge the state, from ``before`` to ``width`` qubits. The new storage bits are the
highest, all of them are active, and an amplitude whose index has one of them set is 0 before the
pass: it is not read. A state with nothing stored is the one amplitude 1.

A gate on more qubits than a tile has is a :class:`WidePass`.

Stages, terms and rounds must not be changed. They are not frozen classes, since a plan has hundreds
of them, and making frozen ones would take a large part of planning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from simquay.program.gates import Matrix, Permutation, Prepare

__all__ = [
    "ALWAYS",
    "MAX_GROUP_BITS",
    "Condition",
    "DenseStage",
    "DiagonalGroup",
    "DiagonalStage",
    "DiagonalTerm",
    "Form",
    "PermuteStage",
    "PrepareStage",
    "Round",
    "Stage",
    "TilePass",
    "WidePass",
]

Form: TypeAlias = Literal["complex", "real", "rx_like", "hadamard"]
"""The way in which a dense matrix may be applied.

- ``real``: every entry is real;
- ``rx_like`` (one qubit only): ``[[a, i b], [i c, d]]`` with real ``a, b, c, d``, as RX has;
- ``hadamard`` (one qubit only): H;
- ``complex``: any matrix.
"""


class Condition(NamedTuple):
    """The amplitudes to which a stage applies.

    These have ``local & local_mask == local_value`` for the local index, and
    ``tile & outer_mask == outer_value`` for the tile number. Masks of 0 hold everywhere. A value
    has bits of its mask alone.
    """

    local_mask: int = 0
    local_value: int = 0
    outer_mask: int = 0
    outer_value: int = 0


ALWAYS = Condition()

MAX_GROUP_BITS = 6
"""Diagonal terms are merged to groups of at most this many local bits: tables of 64 factors."""


@dataclass(slots=True, eq=False)
class DenseStage:
    """A matrix of shape ``(2**k, 2**k)``, complex128, on ``k`` local bits.

    ``bits`` ascend; bit ``j`` of the matrix's index is local bit ``bits[j]``. The condition's
    local mask holds none of ``bits``. An ``affine`` matrix is real, and its first row is that of
    the identity.
    """

    bits: tuple[int, ...]
    matrix: NDArray[np.complex128]
    form: Form = "complex"
    condition: Condition = ALWAYS
    affine: bool = False


@dataclass(slots=True, eq=False)
class DiagonalTerm:
    """A factor that depends on some of its group's local bits and on outer bits.

    ``places`` (ascending) says which: place ``p`` is local bit ``group.bits[p]``. ``table`` has
    shape ``(2**(len(places) + len(outer)),)``, complex128. The lowest bits of its index are the
    bits at ``places``, in order; the bits above are the outer bits ``outer`` (ascending), in
    order. The term is 1 in a tile whose number does not meet
    ``tile & outer_mask == outer_value``.
    """

    places: tuple[int, ...]
    outer: tuple[int, ...]
    table: NDArray[np.complex128]
    outer_mask: int = 0
    outer_value: int = 0


@dataclass(slots=True, eq=False)
class DiagonalGroup:
    """The product of ``terms``, for the amplitudes with ``local & local_mask == local_value``.

    The terms depend on the local bits ``bits`` (ascending, perhaps none, none in the mask) alone:
    in one tile, the group is one table of ``2**len(bits)`` factors. It has at most
    ``MAX_GROUP_BITS`` bits, or exactly one term, with all of the group's bits. Terms of equal
    ``places`` follow each other, and at most one term, the first, has neither outer bits nor an
    outer mask; if there is one, it has all of the group's bits. ``is_real`` says that no factor has
    an imaginary part.
    """

    bits: tuple[int, ...]
    terms: tuple[DiagonalTerm, ...]
    local_mask: int = 0
    local_value: int = 0
    is_real: bool = False


@dataclass(slots=True, eq=False)
class DiagonalStage:
    """Multiplies every amplitude by the product of its groups."""

    groups: tuple[DiagonalGroup, ...]


@dataclass(slots=True, eq=False)
class PermuteStage:
    """A permutation of basis states of the ``k`` local bits ``bits`` (ascending).

    ``source`` has shape ``(2**k,)``, intp: the new amplitude at ``i`` is the old one at
    ``source[i]``. X is ``source=[1, 0]``. The condition's local mask holds none of ``bits``.
    """

    bits: tuple[int, ...]
    source: NDArray[np.intp]
    condition: Condition = ALWAYS

    @property
    def is_flip(self) -> bool:
        """Whether this is X on one bit, under the condition."""
        return len(self.bits) == 1 and int(self.source[0]) == 1


@dataclass(slots=True, eq=False)
class PrepareStage:
    """Puts the local bits ``bits`` (ascending), which are all |0>, into the state ``amplitudes``.

    ``amplitudes`` has shape ``(2**k,)``, complex128. The new amplitude where these bits are ``s``
    is ``amplitudes[s]`` times the old one where they are 0.
    """

    bits: tuple[int, ...]
    amplitudes: NDArray[np.complex128]


Stage: TypeAlias = Union[DenseStage, DiagonalStage, PermuteStage, PrepareStage]


@dataclass(slots=True, eq=False)
class Round:
    """Stages that move amplitudes only along the local bits ``targets`` (ascending).

    Targets are the ``bits`` of dense, permute and prepare stages; diagonals and conditions may
    depend on any bit. A round has at most ``Profile.span`` targets, unless it holds one stage alone
    that has more. An engine may hold the ``2**len(targets)`` amplitudes of a thread in registers
    for a round, or keep its vector lanes free of targets.
    """

    targets: tuple[int, ...]
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TilePass:
    """One pass over the state in tiles; see the module's docstring.

    Attributes:
        before: stored qubits that the pass reads.
        width: stored qubits that it writes, at least ``before``.
        active: ``min(Profile.tile, width)`` storage bits, ascending. The lowest
            ``min(Profile.low, width)`` and those from ``before`` on are among them.
        rounds: the work on each tile, in order.
        store: a permutation of ``range(len(active))``: local bit ``j`` is written to storage bit
            ``active[store[j]]``.
        structure: passes with the same object here differ in the entries of matrices, tables and
            amplitudes alone. None says nothing.
    """

    before: int
    width: int
    active: tuple[int, ...]
    rounds: tuple[Round, ...]
    store: tuple[int, ...]
    structure: object = field(default=None, compare=False, repr=False)

    @property
    def outer(self) -> tuple[int, ...]:
        """The storage bits of the tile number, ascending."""
        inside = set(self.active)
        return tuple(bit for bit in range(self.width) if bit not in inside)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of all rounds, in order."""
        return tuple(stage for round_ in self.rounds for stage in round_.stages)


@dataclass(frozen=True, slots=True, eq=False)
class WidePass:
    """One operation on more qubits than a tile has. These are rare: no engine need make them fast.

    The ``qubits`` and ``controls`` of ``gate`` are storage bits here, in any order. The state
    grows from ``before`` to ``width`` qubits first: new storage bits are the highest, and |0>.
    :func:`simquay.engines.tiled_interpreter.apply_wide` runs it on arrays of NumPy or CuPy.
    """

    before: int
    width: int
    gate: Matrix | Permutation | Prepare
