"""An oracle of its own: full matrices written out entry by entry, and every path of a program.

It shares nothing with ``simquay.planning``, ``engines`` and ``execution``: it follows the words
of :mod:`simquay.program.gates` in the plainest way, for a few qubits.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simquay.program import (
    Body,
    Break,
    Continue,
    Diagonal,
    ForLoop,
    Gate,
    GateOperation,
    IfElse,
    Matrix,
    Measure,
    Permutation,
    Prepare,
    Program,
    Relabel,
    Reset,
    Save,
    Store,
    Switch,
    WhileLoop,
)
from simquay.program.expressions import ClassicalMemory, assign, evaluate
from simquay.program.gates import standard_gates

__all__ = [
    "TooManyPaths",
    "apply_gate",
    "every_path",
    "final_distribution",
    "final_state",
    "gate_matrix",
]

Vector = NDArray[np.complex128]


class TooManyPaths(Exception):
    """A program with more paths than the caller wants to see."""


def gate_matrix(gate: GateOperation, num_qubits: int) -> NDArray[np.complex128]:
    """The matrix of ``gate`` on all qubits, shape ``(2**n, 2**n)``.

    A :class:`Prepare` becomes the operator that is right on the states it may be applied to.
    """
    size = 1 << num_qubits
    matrix = np.zeros((size, size), dtype=np.complex128)
    for column in range(size):
        bits = [column >> qubit & 1 for qubit in range(num_qubits)]
        if isinstance(gate, Relabel):
            moved = list(bits)
            for target, source in zip(gate.qubits, gate.sources, strict=True):
                moved[target] = bits[source]
            matrix[_index(moved), column] = 1
            continue
        inner = sum(bits[qubit] << j for j, qubit in enumerate(gate.qubits))
        if isinstance(gate, Prepare):
            if inner:
                continue
        elif sum(bits[qubit] << j for j, qubit in enumerate(gate.controls)) != gate.control_state:
            matrix[column, column] = 1
            continue
        for result in range(1 << len(gate.qubits)):
            for j, qubit in enumerate(gate.qubits):
                bits[qubit] = result >> j & 1
            matrix[_index(bits), column] += _entry(gate, result, inner)
    return matrix


def _index(bits: Sequence[int]) -> int:
    return sum(bit << qubit for qubit, bit in enumerate(bits))


def _entry(gate: GateOperation, row: int, column: int) -> complex:
    if isinstance(gate, Matrix):
        return complex(gate.matrix[row, column])
    if isinstance(gate, Diagonal):
        return complex(gate.diagonal[row]) if row == column else 0
    if isinstance(gate, Permutation):
        return 1 if gate.table[column] == row else 0
    assert isinstance(gate, Prepare)
    return complex(gate.amplitudes[row])


def apply_gate(gate: GateOperation, vector: Vector, num_qubits: int) -> Vector:
    """``vector`` after ``gate``."""
    return gate_matrix(gate, num_qubits) @ vector


def final_state(gates: Sequence[GateOperation], num_qubits: int) -> Vector:
    """The state after ``gates``, from |0…0>."""
    vector = np.zeros(1 << num_qubits, dtype=np.complex128)
    vector[0] = 1
    for gate in gates:
        vector = apply_gate(gate, vector, num_qubits)
    return vector


class _Left(Exception):
    """A break or continue on its way to its loop."""

    def __init__(self, again: bool) -> None:
        super().__init__()
        self.again = again


@dataclass
class _Path:
    """One path through a program; ``choose(p1)`` says whether a qubit is found 1."""

    num_qubits: int
    vector: Vector
    memory: ClassicalMemory
    choose: Callable[[float], int]

    def run(self, block: Body) -> None:
        for operation in block:
            match operation:
                case Measure(qubit, clbit):
                    self.memory.set_bit(clbit, self.observe(qubit))
                case Reset(qubit):
                    if self.observe(qubit):
                        flip = Permutation(np.array([1, 0]), (qubit,))
                        self.vector = apply_gate(flip, self.vector, self.num_qubits)
                case Store(target, value):
                    assign(target, evaluate(value, self.memory), self.memory)
                case IfElse(condition, then, otherwise):
                    self.run(then if evaluate(condition, self.memory) else otherwise)
                case Switch(target, cases):
                    found = evaluate(target, self.memory)
                    for case in cases:
                        if case.values is None or found in case.values:
                            self.run(case.body)
                            break
                case ForLoop(bodies, variable, values):
                    for i, body in enumerate(bodies):
                        if variable is not None:
                            self.memory.variables[variable] = values[i]
                        if self.leaves(body):
                            break
                case WhileLoop(condition, body):
                    while evaluate(condition, self.memory):
                        if self.leaves(body):
                            break
                case Break():
                    raise _Left(again=False)
                case Continue():
                    raise _Left(again=True)
                case Save():
                    raise AssertionError("a save is no part of a distribution")
                case _:
                    assert isinstance(operation, Gate)
                    for gate in standard_gates([operation]):
                        self.vector = apply_gate(gate, self.vector, self.num_qubits)

    def leaves(self, body: Body) -> bool:
        """Run one iteration; whether it left the loop."""
        try:
            self.run(body)
        except _Left as left:
            return not left.again
        return False

    def observe(self, qubit: int) -> int:
        ones = np.arange(len(self.vector)) >> qubit & 1
        weights = np.abs(self.vector) ** 2
        probability = float(weights[ones == 1].sum() / weights.sum())
        value = self.choose(probability)
        self.vector = np.where(ones == value, self.vector, 0)
        self.vector = self.vector / np.linalg.norm(self.vector)
        return value


def final_distribution(program: Program, max_paths: int = 2000) -> dict[int, float]:
    """The exact probability of each value of all classical bits at the end, by every path.

    Raises:
        TooManyPaths: if there are more than ``max_paths``.
    """
    result: dict[int, float] = defaultdict(float)
    for weight, _, bits in every_path(program, max_paths):
        result[bits] += weight
    return dict(result)


def every_path(program: Program, max_paths: int = 2000) -> Iterator[tuple[float, Vector, int]]:
    """The probability of each path through ``program``, its final state, and its classical bits.

    Raises:
        TooManyPaths: if there are more than ``max_paths``.
    """
    open_paths: list[list[int]] = [[]]
    for count in itertools.count(1):
        if not open_paths:
            return
        if count > max_paths:
            raise TooManyPaths
        known = open_paths.pop()
        taken: list[int] = []
        weight = 1.0

        def choose(probability: float, known: list[int] = known, taken: list[int] = taken) -> int:
            nonlocal weight
            if len(taken) < len(known):
                value = known[len(taken)]
            else:
                value = int(probability > 0.5)
                other = probability if value == 0 else 1 - probability
                if other > 1e-12:
                    open_paths.append([*taken, 1 - value])
            taken.append(value)
            weight *= probability if value else 1 - probability
            return value

        vector = np.zeros(1 << program.num_qubits, dtype=np.complex128)
        vector[0] = 1
        memory = ClassicalMemory(0, [None] * len(program.variables))
        path = _Path(program.num_qubits, vector, memory, choose)
        path.run(program.operations)
        yield weight, path.vector, memory.bits
