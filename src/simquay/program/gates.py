"""The gates of a program, and what they have in common with its other operations on qubits.

Bit order, everywhere: in a matrix, diagonal, table or amplitude vector over ``qubits``, bit ``j``
of the index belongs to ``qubits[j]``. A gate with ``controls`` acts on ``qubits`` only where, for
every ``j``, the qubit ``controls[j]`` equals bit ``j`` of ``control_state``. ``qubits`` and
``controls`` are disjoint and without repetition.

A gate over no qubits is a factor: ``Diagonal([exp(iφ)], ())`` is a global phase.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeAlias, TypeVar, Union, cast

import numpy as np
from numpy.typing import NDArray

from simquay.program.formulas import FORMULAS, ComplexArray

__all__ = [
    "Diagonal",
    "Gate",
    "GateOperation",
    "Matrix",
    "Parametric",
    "Permutation",
    "Prepare",
    "QubitOperation",
    "Relabel",
    "constructor",
    "standard_gates",
]


class QubitOperation:
    """An operation that may take its qubits out of |0>, and out of the measured basis: a
    :class:`Gate`, or one that splits the shots, for which ``execution/branching/compiler.py`` makes
    an event.

    Attributes:
        qubits: the qubits that it acts on, where the controls hold.
        controls: empty for a kind that has none.
        control_state: the values of the controls.
    """

    __slots__ = ()

    qubits: tuple[int, ...]
    controls: tuple[int, ...] = ()
    control_state: int = 0

    @property
    def is_diagonal(self) -> bool:
        """Whether it changes no amplitude's magnitude, so that it commutes with measurements of
        its qubits."""
        return False


class Gate(QubitOperation):
    """A unitary operation, or a preparation of |0> qubits: an engine applies it through a plan.

    Planners and engines know the kinds of :data:`GateOperation`. Another kind is a frozen dataclass
    in this module that derives from this class and writes :meth:`as_matrix`, or
    :meth:`as_standard`: planning puts standard gates in its place. Where its fields are more than
    numbers and qubits, it writes :meth:`structure` as well.
    """

    __slots__ = ()

    def structure(self) -> Hashable:
        """A key that two gates share if they differ in their numbers alone: those that a sweep may
        change, and that change no array's shape."""
        return type(self), self.qubits, self.controls, self.control_state

    def as_matrix(self) -> ComplexArray:
        """The matrix over ``qubits``, shape ``(2**k, 2**k)``, complex128; controls left out."""
        raise NotImplementedError(f"the gate {type(self).__name__} has no matrix")

    def as_standard(self) -> tuple[GateOperation, ...]:
        """Gates of the kinds of :data:`GateOperation` that do the same, applied in order.

        Gates of one structure give gates of one structure.
        """
        return (Matrix(self.as_matrix(), self.qubits, self.controls, self.control_state),)


@dataclass(frozen=True, slots=True, eq=False)
class Matrix(Gate):
    """A unitary matrix of shape ``(2**k, 2**k)`` on ``k`` qubits, complex128."""

    matrix: ComplexArray
    qubits: tuple[int, ...]
    controls: tuple[int, ...] = ()
    control_state: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Diagonal(Gate):
    """A diagonal unitary: ``diagonal`` has shape ``(2**k,)``, complex128."""

    diagonal: ComplexArray
    qubits: tuple[int, ...]
    controls: tuple[int, ...] = ()
    control_state: int = 0
    is_diagonal: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, eq=False)
class Permutation(Gate):
    """A permutation of basis states: the amplitude of ``|i>`` moves to ``|table[i]>``.

    ``table`` has shape ``(2**k,)``, intp. X is ``table=[1, 0]``; CX the same with one control.
    """

    table: NDArray[np.intp]
    qubits: tuple[int, ...]
    controls: tuple[int, ...] = ()
    control_state: int = 0

    def structure(self) -> Hashable:
        """See :meth:`Gate.structure`; the table belongs to it."""
        table = self.table.tobytes()
        return Permutation, self.qubits, self.controls, self.control_state, table


@dataclass(frozen=True, slots=True, eq=False)
class Relabel(Gate):
    """A permutation of whole qubits: the content of ``sources[j]`` is in ``qubits[j]`` afterwards.

    ``sources`` is a reordering of ``qubits``. SWAP of a and b is ``Relabel((a, b), (b, a))``.
    It moves no data: engines and planners keep it as a change of labels.
    """

    qubits: tuple[int, ...]
    sources: tuple[int, ...]

    def renamed(self, order: Iterable[int]) -> tuple[int, ...]:
        """The qubits of places that hold the qubits ``order`` before this."""
        goes_to = dict(zip(self.sources, self.qubits, strict=True))
        return tuple([goes_to.get(qubit, qubit) for qubit in order])

    def structure(self) -> Hashable:
        """See :meth:`Gate.structure`; the sources belong to it."""
        return Relabel, self.qubits, self.sources


@dataclass(frozen=True, slots=True, eq=False)
class Prepare(Gate):
    """Put ``qubits``, all of which are |0> and not entangled, into the state ``amplitudes``.

    ``amplitudes`` has shape ``(2**k,)``, complex128 and norm 1. Lowering emits it only where the
    qubits are known to be |0> (never touched, or just reset).
    """

    amplitudes: ComplexArray
    qubits: tuple[int, ...]


ControllableT = TypeVar("ControllableT", Matrix, Diagonal, Permutation)


def constructor(kind: type[ControllableT]) -> Callable[..., ControllableT]:
    """A function that does as ``kind`` called with positional arguments, in 60% of the time.

    A frozen dataclass sets its fields by their names; this sets its slots.
    """
    new = kind.__new__
    first, second, third, fourth = [vars(kind)[field.name].__set__ for field in fields(kind)]

    def construct(
        array: NDArray[Any],
        qubits: tuple[int, ...],
        controls: tuple[int, ...] = (),
        control_state: int = 0,
    ) -> ControllableT:
        gate = new(kind)
        first(gate, array)
        second(gate, qubits)
        third(gate, controls)
        fourth(gate, control_state)
        return gate

    return construct


_make_matrix, _make_diagonal = constructor(Matrix), constructor(Diagonal)


@dataclass(frozen=True, slots=True, eq=False)
class Parametric(Gate):
    """A gate whose numbers are a formula of angles that are given when the program runs.

    :meth:`Program.at <simquay.program.program.Program.at>` puts standard gates in the place of all
    of a program's; :func:`~simquay.program.program.numbers_at` gives their numbers for many sets of
    angles.

    Attributes:
        formula: its name in :data:`~simquay.program.formulas.FORMULAS`.
        angles: the indices of its angles among those of the program.
        adjoint: whether it is the inverse of what the formula gives.
    """

    formula: str
    angles: tuple[int, ...]
    qubits: tuple[int, ...]
    controls: tuple[int, ...] = ()
    control_state: int = 0
    adjoint: bool = False

    @property
    def is_diagonal(self) -> bool:
        """See :attr:`QubitOperation.is_diagonal`."""
        return len(FORMULAS[self.formula].shape) == 1

    def structure(self) -> Hashable:
        """See :meth:`Gate.structure`; two with different formulas or angles have two."""
        own = Parametric, self.formula, self.angles, self.adjoint
        return *own, self.qubits, self.controls, self.control_state

    def as_standard(self) -> tuple[GateOperation, ...]:
        """Raises a TypeError: the numbers depend on the program's angles."""
        raise TypeError(f"{self} has no numbers before its program's angles are given")

    def at(self, angles: NDArray[np.float64]) -> Matrix | Diagonal:
        """The standard gate for the program's angles, shape ``(num_angles,)``."""
        return self.holding(FORMULAS[self.formula].at(angles[list(self.angles)], self.adjoint))

    def holding(self, numbers: ComplexArray) -> Matrix | Diagonal:
        """The standard gate with the array ``numbers``, those of the formula, or their adjoint."""
        make = _make_diagonal if numbers.ndim == 1 else _make_matrix
        return make(numbers, self.qubits, self.controls, self.control_state)


GateOperation: TypeAlias = Union[Matrix, Diagonal, Permutation, Relabel, Prepare]
"""The standard gates: those that planners and engines know."""

_STANDARD = frozenset({Matrix, Diagonal, Permutation, Relabel, Prepare})


def standard_gates(gates: Sequence[Gate]) -> Sequence[GateOperation]:
    """``gates``, with standard ones in the place of those of other kinds."""
    if _STANDARD.issuperset(map(type, gates)):  # a check that costs little
        return cast("Sequence[GateOperation]", gates)
    standard: list[Any] = []
    for gate in gates:
        standard += (gate,) if type(gate) in _STANDARD else gate.as_standard()
    return standard
