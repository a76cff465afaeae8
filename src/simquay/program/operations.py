"""The operations of a program.

Bit order, everywhere: in a matrix, diagonal, table or amplitude vector over ``qubits``, bit ``j``
of the index belongs to ``qubits[j]``. A gate with ``controls`` acts on ``qubits`` only where, for
every ``j``, the qubit ``controls[j]`` equals bit ``j`` of ``control_state``. ``qubits`` and
``controls`` are disjoint and without repetition.

A gate over no qubits is a factor: ``Diagonal([exp(iφ)], ())`` is a global phase.

Operations are immutable: their arrays must not be written to (lowering makes them read-only, and in
C order). They compare by identity; :meth:`Program.__eq__` compares by value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from simquay.program.expressions import Expression, Target

__all__ = [
    "Body",
    "Break",
    "Continue",
    "Diagonal",
    "ForLoop",
    "GateOperation",
    "IfElse",
    "Matrix",
    "Measure",
    "Operation",
    "Permutation",
    "Prepare",
    "Relabel",
    "Reset",
    "Save",
    "Store",
    "Switch",
    "SwitchCase",
    "WhileLoop",
]

ComplexArray: TypeAlias = NDArray[np.complexfloating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """A unitary matrix of shape ``(2**k, 2**k)`` on ``k`` qubits, complex128."""

    matrix: ComplexArray
    qubits: tuple[int, ...]
    controls: tuple[int, ...] = ()
    control_state: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Diagonal:
    """A diagonal unitary: ``diagonal`` has shape ``(2**k,)``, complex128."""

    diagonal: ComplexArray
    qubits: tuple[int, ...]
    controls: tuple[int, ...] = ()
    control_state: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Permutation:
    """A permutation of basis states: the amplitude of ``|i>`` moves to ``|table[i]>``.

    ``table`` has shape ``(2**k,)``, intp. X is ``table=[1, 0]``; CX the same with one control.
    """

    table: NDArray[np.intp]
    qubits: tuple[int, ...]
    controls: tuple[int, ...] = ()
    control_state: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Relabel:
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


@dataclass(frozen=True, slots=True, eq=False)
class Prepare:
    """Put ``qubits``, all of which are |0> and not entangled, into the state ``amplitudes``.

    ``amplitudes`` has shape ``(2**k,)``, complex128 and norm 1. Lowering emits it only where the
    qubits are known to be |0> (never touched, or just reset).
    """

    amplitudes: ComplexArray
    qubits: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """Measure ``qubit`` in the computational basis into classical bit ``clbit``."""

    qubit: int
    clbit: int


@dataclass(frozen=True, slots=True, eq=False)
class Reset:
    """Put ``qubit`` into |0>: a measurement whose outcome is forgotten, then X if it was 1."""

    qubit: int


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """Evaluate ``value`` and store it in a classical bit, register or variable."""

    target: Target
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class IfElse:
    """Run ``then`` where ``condition`` holds, else ``otherwise`` (which may be empty)."""

    condition: Expression
    then: Body
    otherwise: Body = ()


@dataclass(frozen=True, slots=True, eq=False)
class SwitchCase:
    """One arm of a :class:`Switch`; ``values`` is None for the default arm."""

    values: tuple[int, ...] | None
    body: Body


@dataclass(frozen=True, slots=True, eq=False)
class Switch:
    """Run the first case whose values hold that of ``target``; a default holds every value."""

    target: Expression
    cases: tuple[SwitchCase, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ForLoop:
    """Run ``bodies`` in order, one an iteration.

    Iterations that do not use the loop variable share one body object, so a plan of it is made
    once. ``variable`` (an index into the program's variables) is set to ``values[i]`` before
    iteration ``i`` where the loop's variable is a classical one.
    """

    bodies: tuple[Body, ...]
    variable: int | None = None
    values: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class WhileLoop:
    """Run ``body`` again and again while ``condition`` holds."""

    condition: Expression
    body: Body


@dataclass(frozen=True, slots=True, eq=False)
class Break:
    """Leave the innermost loop."""


@dataclass(frozen=True, slots=True, eq=False)
class Continue:
    """Go to the next iteration of the innermost loop."""


@dataclass(frozen=True, slots=True, eq=False)
class Save:
    """Keep a copy of the whole state vector under ``key`` in the run's data."""

    key: str


GateOperation: TypeAlias = Union[Matrix, Diagonal, Permutation, Relabel, Prepare]
"""The operations that an engine applies through a plan; ``execution`` runs the others."""

Operation: TypeAlias = Union[
    Matrix,
    Diagonal,
    Permutation,
    Relabel,
    Prepare,
    Measure,
    Reset,
    Store,
    IfElse,
    Switch,
    ForLoop,
    WhileLoop,
    Break,
    Continue,
    Save,
]

Body: TypeAlias = Sequence[Operation]
"""Operations in order; a tuple in every program that lowering or loading makes."""
