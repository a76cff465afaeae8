"""The program: a whole circuit as operations on qubit indices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from simquay.program.equality import same
from simquay.program.expressions import Type
from simquay.program.operations import (
    Body,
    ForLoop,
    IfElse,
    Operation,
    QubitOperation,
    Switch,
    WhileLoop,
)

__all__ = ["Program", "VariableDeclaration", "bodies_of", "touched_qubits", "walk"]


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


def touched_qubits(program: Program) -> tuple[int, ...]:
    """The qubits that a gate may take out of |0>, in increasing order.

    The others stay |0> on every path: a state vector need not store them, and a measurement of them
    gives 0.
    """
    operations: Iterable[Any] = program.operations
    kinds = set(map(type, operations))
    if not _PARENTS.isdisjoint(kinds):
        operations = list(walk(program.operations))
        kinds = set(map(type, operations))
    # A control alone never takes its qubit out of |0>, so controls do not count. Every run calls
    # this, so it is written for speed.
    gates = {kind for kind in kinds if issubclass(kind, QubitOperation)}
    touched = {op.qubits for op in operations if type(op) in gates}
    return tuple(sorted(set().union(*touched)))
