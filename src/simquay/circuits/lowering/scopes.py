"""Where instructions are read from, and where their operations go: scopes and blocks."""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from qiskit import QuantumCircuit
from qiskit.circuit import Clbit, Qubit

from simquay.program import (
    Diagonal,
    ForLoop,
    IfElse,
    Operation,
    Reset,
    Switch,
    WhileLoop,
)
from simquay.program.formulas import constant
from simquay.program.gates import QubitOperation
from simquay.program.program import walk

__all__ = ["BlockBuilder", "Scope"]


@dataclass(slots=True)
class Scope:
    """A circuit that is being read: the main one, a control-flow body or a definition.

    Attributes:
        name: the circuit's name.
        qubits: the program's index of each of its qubits.
        clbits: the program's index of each of its classical bits.
        outer: the scope of the instruction that this circuit belongs to.
        role: what this circuit is to that instruction, for messages.
        depth: the number of scopes around it.
        in_loop: whether it is inside a loop.
        unitary: whether only gates may occur, since it is controlled, inverted or to a power.
        ideal: whether a noise model's errors are those of the whole, and none of its instructions'.
        index: the index of the instruction that is being read.
    """

    name: str
    qubits: dict[Qubit, int]
    clbits: dict[Clbit, int]
    outer: Scope | None = None
    role: str = ""
    depth: int = 0
    in_loop: bool = False
    unitary: bool = False
    ideal: bool = False
    index: int = 0

    def inner(
        self,
        circuit: QuantumCircuit,
        qubits: Iterable[int],
        clbits: Iterable[int],
        role: str,
        *,
        loop: bool = False,
        unitary: bool = False,
    ) -> Scope:
        """The scope of ``circuit``, whose bits are the given ones of the program, in order."""
        return Scope(
            circuit.name,
            dict(zip(circuit.qubits, qubits, strict=True)),
            dict(zip(circuit.clbits, clbits, strict=True)),
            self,
            role,
            self.depth + 1,
            self.in_loop or loop,
            self.unitary or unitary,
            self.ideal,
        )

    def path(self) -> tuple[int, ...]:
        """The indices of the current instruction and of those around it, innermost first."""
        indices = []
        scope: Scope | None = self
        while scope is not None:
            indices.append(scope.index)
            scope = scope.outer
        return tuple(indices)

    def place(self) -> str:
        """The place of the current instruction, in words, innermost circuit first."""
        words = f"index {self.index} of circuit {self.name!r}"
        scope = self
        while scope.outer is not None:
            outer = scope.outer
            words += f", the {scope.role} at index {outer.index}"
            if outer.outer is None:
                words += f" of circuit {outer.name!r}"
            scope = outer
        return words


class BlockBuilder:
    """A list of operations that grows, with the global phase summed apart from them.

    Args:
        entry: the state of the qubits at the start of the block: all |0> (``zero``), that at the
            present end of the block ``outer`` (``outer``: a branch, which is entered once), or any
            state (``unknown``: a loop's body, or a gate).
        outer: the block that this one belongs to; needed for the entry ``outer``.

    Attributes:
        operations: those so far.
        phase: the global phase since the last operation that wrote it, in radians.
        has_phase: whether it is written even if it is 0: it may not be so for other values of the
            circuit's parameters.
    """

    __slots__ = ("entry", "has_phase", "operations", "outer", "phase")

    def __init__(
        self,
        entry: Literal["zero", "outer", "unknown"],
        outer: BlockBuilder | None = None,
    ) -> None:
        self.entry = entry
        self.outer = outer
        self.operations: list[Operation] = []
        self.phase = 0.0
        self.has_phase = False

    def add_phase(self, angle: float) -> None:
        """Multiply by ``exp(i * angle)``.

        Raises:
            ValueError: if the angle is infinite or not a number.
        """
        number = float(angle)
        if not math.isfinite(number):
            raise ValueError(f"its phase {number} is not a finite number")
        self.phase += number

    def flush_phase(self) -> None:
        """Write the phase so far as an operation; needed before a branch, a loop or a save."""
        if self.phase or self.has_phase:
            self.operations.append(Diagonal(constant((cmath.exp(1j * self.phase),)), ()))
            self.phase = 0.0

    def finish(self) -> tuple[Operation, ...]:
        """The operations, the phase included."""
        self.flush_phase()
        return tuple(self.operations)

    def not_zero(self, qubits: Iterable[int]) -> set[int]:
        """The ``qubits`` that are not known to be |0> at the present end of the block."""
        open_ = set(qubits)
        dirty: set[int] = set()
        for operation in reversed(self.operations):
            if not open_:
                break
            if isinstance(operation, Reset):
                open_.discard(operation.qubit)
                continue
            inside: Iterable[Operation] = (operation,)
            if isinstance(operation, (IfElse, Switch, ForLoop, WhileLoop)):
                inside = walk((operation,))
            for gate in inside:
                # A control does not count: it leaves its qubit |0>.
                if not isinstance(gate, QubitOperation):
                    continue
                hit = open_.intersection(gate.qubits)
                dirty |= hit
                open_ -= hit
        if self.entry == "outer" and self.outer is not None:
            return dirty | self.outer.not_zero(open_)
        return dirty | open_ if self.entry == "unknown" else dirty
