"""The program: a whole circuit as operations on qubit indices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simquay.program.equality import same
from simquay.program.expressions import Type
from simquay.program.operations import (
    Body,
    Diagonal,
    ForLoop,
    IfElse,
    Measure,
    Operation,
    QubitOperation,
    Relabel,
    Switch,
    WhileLoop,
)

__all__ = ["Program", "VariableDeclaration", "bodies_of", "most_stored_qubits", "walk"]


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
    """

    num_qubits: int
    num_clbits: int
    operations: Body
    variables: tuple[VariableDeclaration, ...] = ()
    name: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and same(self, other)

    __hash__ = None  # type: ignore[assignment]  # arrays inside: equal programs have no cheap hash


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
            if type(operation) in _PARENTS:
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


_PARENTS = frozenset({IfElse, Switch, ForLoop, WhileLoop})


def most_stored_qubits(program: Program) -> int:
    """How many qubits the state vectors of ``program`` hold, at most.

    All other qubits are |0> on every path: nothing acts on them but diagonals, relabels of |0>, and
    gates with a control that is |0>. They take no memory, and a measurement of them gives 0.
    """
    moved: set[int] = set()
    operation: Any
    for operation in program.operations:
        kind = type(operation)
        if kind is Relabel:
            moved = set(operation.renamed(moved))
        elif kind in _PARENTS:
            # Nothing leaves the set here, so that it holds for each path and at every point of it.
            before = -1
            inside = list(walk((operation,)))
            while before != len(moved):
                before = len(moved)
                for one in inside:
                    _add_moved(one, moved)
        elif kind is not Diagonal and kind is not Measure:
            _add_moved(operation, moved)
            if len(moved) == program.num_qubits:
                break  # soon in most circuits; every run calls this
    return len(moved)


def _add_moved(operation: Operation, moved: set[int]) -> None:
    """Add the qubits that ``operation`` may take out of |0>, where all but ``moved`` are |0>."""
    if isinstance(operation, Relabel):
        if not moved.isdisjoint(operation.qubits):
            moved.update(operation.qubits)
    elif isinstance(operation, QubitOperation) and not isinstance(operation, Diagonal):
        wanted = operation.control_state
        if all(one in moved or not wanted >> j & 1 for j, one in enumerate(operation.controls)):
            moved.update(operation.qubits)
