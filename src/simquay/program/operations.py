"""The operations of a program: gates, channels, and those that concern classical bits or the run.

Operations are immutable: their arrays must not be written to (lowering makes them read-only, and in
C order). They compare by identity; :meth:`Program.__eq__` compares by value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from simquay.program.channels import Misread
from simquay.program.expressions import Expression, Target
from simquay.program.gates import QubitOperation
from simquay.program.observable import Observable

__all__ = [
    "Body",
    "Break",
    "Continue",
    "ForLoop",
    "IfElse",
    "Measure",
    "Operation",
    "Reset",
    "Restart",
    "Save",
    "Store",
    "Switch",
    "SwitchCase",
    "WhileLoop",
]


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
class Restart:
    """Put all qubits into |0>, whatever their state was, with no outcome and no phase left."""


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
    """Keep data of the state where it stands, in the run's results under ``key``.

    Attributes:
        key: unlike that of any other ``Save`` of the program.
        kind: of the data: ``statevector``, ``amplitudes`` (at ``indices``), ``amplitudes_squared``
            (likewise), ``probabilities`` or ``density_matrix`` (of ``qubits``),
            ``expectation_value`` or ``expectation_value_variance`` (of ``observables``);
            ``statevector_dict`` and ``probabilities_dict`` for the forms as a mapping.
        form: of shots that have different states: ``single`` keeps the data of one of them,
            ``average`` their mean, ``accum`` their sum, ``list`` the data of each; Aer's names.
        conditional: whether that is kept apart for each value of the classical bits.
        qubits: bit ``j`` of an index of probabilities, or of a density matrix, is ``qubits[j]``.
        indices: of amplitudes, in qubit order, uint64.
        observables: the observable, and for a variance its square.
    """

    key: str
    kind: str = "statevector"
    form: str = "single"
    conditional: bool = False
    qubits: tuple[int, ...] = ()
    indices: NDArray[np.uint64] | None = None
    observables: tuple[Observable, ...] = ()


Operation: TypeAlias = Union[
    QubitOperation,
    Measure,
    Misread,
    Reset,
    Restart,
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
