"""The size of a circuit whose definitions and bodies stand in place of its instructions.

A few gates that are defined by one another can stand for more instructions than any memory holds.
Each definition is counted once here, however often it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import AnnotatedOperation, ControlFlowOp, ControlledGate, ForLoopOp, Instruction
from qiskit.exceptions import QiskitError

__all__ = ["CIRCUIT", "MAX_DEPTH", "MAX_EXPANDED", "largest"]

MAX_DEPTH = 100
"""The most definitions and control-flow bodies inside one another."""
MAX_EXPANDED = 10_000_000
"""The largest size of all definitions and bodies: some 2.5 GiB of operations."""
CIRCUIT = 20
"""The size of a definition or body, in instructions, beside that of its own: Qiskit's circuit."""
_MAX_LOOKS = 20_000
"""The most operations that are looked into: the sizes of the others are taken for 0."""


class _Sizes:
    """The sizes of circuits and operations.

    Args:
        handled: whether an operation is lowered without its definition; a control-flow operation
            may be among them.
    """

    def __init__(self, handled: Callable[[Any], bool]) -> None:
        self._handled = handled
        self._looks = 0
        self._known: dict[Hashable, int] = {}
        self._kept: list[object] = []  # so that no id in a key is used again

    def of_circuit(self, circuit: QuantumCircuit, depth: int) -> int:
        items = circuit.data
        return CIRCUIT + len(items) + sum(size for _, size in self.inside(circuit, depth))

    def inside(self, circuit: QuantumCircuit, depth: int) -> Iterator[tuple[int, int]]:
        """Index and size of the instructions that are no standard gates."""
        for index, item in enumerate(circuit.data):
            if not item.is_standard_gate():
                yield index, self.of_operation(item.operation, depth + 1)

    def of_operation(self, operation: Any, depth: int) -> int:
        key = _key(operation)
        size = self._known.get(key)
        if size is None:
            self._looks += 1
            if self._looks > _MAX_LOOKS or depth > MAX_DEPTH:
                return 0
            self._kept.append(operation)
            size = self._known[key] = self._size(operation, depth)
        return size

    def _size(self, operation: Any, depth: int) -> int:
        if isinstance(operation, ControlFlowOp):
            bodies = sum(self.of_circuit(body, depth) for body in operation.blocks)
            return bodies * (_bodies(operation) if isinstance(operation, ForLoopOp) else 1)
        if self._handled(operation):
            return 0
        if isinstance(operation, AnnotatedOperation):
            return self.of_operation(operation.base_op, depth + 1)
        if isinstance(operation, ControlledGate):
            return self.of_operation(operation.base_gate, depth + 1)
        try:
            definition = getattr(operation, "definition", None)
        except QiskitError:
            return 0
        return 0 if definition is None else self.of_circuit(definition, depth)


def _key(operation: Any) -> Hashable:
    """Equal for operations with the same definition: those of one type whose attributes, such as
    name and parameters, are the same. A circuit among these is known by its id."""
    made_on_demand = getattr(type(operation), "_define", None) is not Instruction._define
    try:
        values = [
            (name, id(value) if isinstance(value, QuantumCircuit) else value)
            for name, value in vars(operation).items()
            if not (name == "_definition" and made_on_demand)
        ]
        key = (
            type(operation),
            *[(name, tuple(value) if isinstance(value, list) else value) for name, value in values],
        )
        hash(key)
    except (TypeError, OverflowError):  # an attribute that has no hash
        return id(operation)
    return key


def _bodies(loop: ForLoopOp) -> int:
    """How many times the body is lowered."""
    indices, parameter, body = loop.params
    if parameter not in body.parameters:
        return 1
    return len(indices if isinstance(indices, range) else set(indices))


def largest(circuit: QuantumCircuit, handled: Callable[[Any], bool]) -> tuple[int, int, int]:
    """The size of all definitions and bodies of a circuit, in instructions, and the index and the
    size of the instruction with the largest one.

    Never more than lowering comes to; less where the definitions are many and all different.
    """
    sizes = list(_Sizes(handled).inside(circuit, 0))
    index, size = max(sizes, key=lambda one: one[1])
    return sum(size for _, size in sizes), index, size
