"""The program: a whole circuit as operations on qubit indices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from simquay.program.equality import same
from simquay.program.expressions import Type
from simquay.program.formulas import FORMULAS
from simquay.program.gates import Diagonal, Parametric, QubitOperation, Relabel
from simquay.program.operations import Body, ForLoop, IfElse, Measure, Operation, Switch, WhileLoop

__all__ = [
    "PARENTS",
    "Program",
    "VariableDeclaration",
    "bodies_of",
    "most_stored_qubits",
    "moved_by",
    "numbers_at",
    "walk",
]


@dataclass(frozen=True, slots=True)
class VariableDeclaration:
    """A classical variable: its name, for messages, and its type."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A circuit lowered to data.

    Attributes:
        num_qubits: qubits are 0 to ``num_qubits - 1``; amplitude index bit ``k`` is qubit ``k``.
        num_clbits: classical bits are 0 to ``num_clbits - 1``, all 0 at the start.
        operations: in order. The circuit's global phase is one of them.
        variables: the classical variables, by index.
        name: the circuit's name, for messages.
        num_angles: how many angles its parametric gates take, together; 0 if it has none.
    """

    num_qubits: int
    num_clbits: int
    operations: Body
    variables: tuple[VariableDeclaration, ...] = ()
    name: str = ""
    num_angles: int = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and same(self, other)

    __hash__ = None  # type: ignore[assignment]  # arrays inside: equal programs have no cheap hash

    def at(self, angles: NDArray[np.float64]) -> Program:
        """The program with standard gates for parametric ones, in bodies too; all else is shared.

        ``angles`` are finite, shape ``(num_angles,)``.
        """
        if not self.num_angles:
            return self
        operations = _body_at(self.operations, angles, {})
        return replace(self, operations=operations, num_angles=0)


def numbers_at(
    body: Body, angles: NDArray[np.float64]
) -> Iterator[tuple[list[int], NDArray[np.complex128]]]:
    """The numbers of all parametric gates of ``body`` (bodies inside it left out) at ``angles``,
    shape ``(..., num_angles)``.

    Yields:
        The places of some of these gates in ``body``, and their numbers: shape ``(..., places,
        2**k)`` for diagonals and ``(..., places, 2**k, 2**k)`` for matrices, in C order.
    """
    alike: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for place, gate in enumerate(body):
        if type(gate) is Parametric:
            alike[gate.formula, gate.adjoint].append(place)
    for (name, adjoint), places in alike.items():
        formula = FORMULAS[name]
        columns = np.array([cast("Parametric", body[place]).angles for place in places])
        yield places, formula.at(angles[..., columns], adjoint)


def _body_at(body: Body, angles: NDArray[np.float64], made: dict[int, Body]) -> Body:
    """``body`` with standard gates; ``made`` has those of earlier bodies, by the body's ``id``."""
    if id(body) in made:
        return made[id(body)]
    operations = list(body)
    for places, numbers in numbers_at(body, angles):
        for place, array in zip(places, numbers, strict=True):
            operations[place] = cast("Parametric", operations[place]).holding(array)
    if not PARENTS.isdisjoint(map(type, body)):
        operations = [
            _with_bodies(one, [_body_at(inner, angles, made) for inner in bodies_of(one)])
            for one in operations
        ]
    made[id(body)] = tuple(operations)
    return made[id(body)]


def _with_bodies(operation: Operation, bodies: list[Body]) -> Operation:
    """A control-flow operation with other bodies; any other operation itself."""
    match operation:
        case IfElse():
            return replace(operation, then=bodies[0], otherwise=bodies[1])
        case Switch():
            arms = zip(operation.cases, bodies, strict=True)
            return replace(operation, cases=tuple([replace(arm, body=body) for arm, body in arms]))
        case ForLoop():
            return replace(operation, bodies=tuple(bodies))
        case WhileLoop():
            return replace(operation, body=bodies[0])
        case _:
            return operation


def bodies_of(operation: Operation) -> tuple[Body, ...]:
    """The bodies of a control-flow operation; empty for every other operation."""
    match operation:
        case IfElse(_, then, otherwise):
            return (then, otherwise)
        case Switch(_, cases):
            return tuple(case.body for case in cases)
        case ForLoop(bodies):
            return bodies
        case WhileLoop(_, body):
            return (body,)
        case _:
            return ()


def walk(body: Body) -> Iterator[Operation]:
    """Every operation of ``body``, those inside control flow included; shared bodies once."""
    seen: set[int] = set()
    stack = [iter(body)]  # not recursive: bodies may be nested deeper than Python's stack
    while stack:
        for operation in stack[-1]:
            yield operation
            if type(operation) in PARENTS:
                inner = []
                for child in bodies_of(operation):
                    if id(child) not in seen:
                        seen.add(id(child))
                        inner.append(iter(child))
                if inner:
                    stack.extend(reversed(inner))
                    break
        else:
            stack.pop()


PARENTS = frozenset({IfElse, Switch, ForLoop, WhileLoop})
"""The operations that have bodies."""


def most_stored_qubits(program: Program) -> int:
    """How many qubits the state vectors of ``program`` hold, at most.

    All other qubits are |0> on every path: nothing acts on them but diagonals, relabels of |0>, and
    gates with a control that is |0>. They take no memory, and a measurement of them gives 0.
    """
    moved: set[int] = set()
    for operation in program.operations:
        kind = type(operation)
        if kind is not Diagonal and kind is not Measure:
            moved = moved_by(operation, moved)
            if len(moved) == program.num_qubits:
                break  # soon in most circuits; every run calls this
    return len(moved)


def moved_by(operation: Operation, moved: set[int]) -> set[int]:
    """The qubits that may be other than |0> behind ``operation``, where those before it are
    ``moved``; the set itself may be changed."""
    kind = type(operation)
    if kind is Relabel:
        return set(cast("Relabel", operation).renamed(moved))
    if kind in PARENTS:
        # Nothing leaves the set here, so that it holds for each path and at every point of it.
        before = -1
        inside = list(walk((operation,)))
        while before != len(moved):
            before = len(moved)
            for one in inside:
                _add_moved(one, moved)
    else:
        _add_moved(operation, moved)
    return moved


def _add_moved(operation: Operation, moved: set[int]) -> None:
    """Add the qubits that ``operation`` may take out of |0>, where all but ``moved`` are |0>."""
    if isinstance(operation, Relabel):
        if not moved.isdisjoint(operation.qubits):
            moved.update(operation.qubits)
    elif isinstance(operation, QubitOperation) and not operation.is_diagonal:
        wanted = operation.control_state
        if all(one in moved or not wanted >> j & 1 for j, one in enumerate(operation.controls)):
            moved.update(operation.qubits)
