"""Small gates, programs and memory sources that tests of execution share."""

from __future__ import annotations

from typing import Any

import numpy as np

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.memory import Ledger, Reservation
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.program import Diagonal, Matrix, Operation, Permutation, Program
from simquay.program.expressions import Constant, Kind, Type

H = np.array([[1, 1], [1, -1]], dtype=complex) / np.sqrt(2)
NOT = np.array([1, 0])
CZ = Diagonal(np.array([1, 1, 1, -1]), (0, 1))
BOOL = Type(Kind.BOOL)
TRUE = Constant(True, BOOL)


def h(qubit: int) -> Matrix:
    return Matrix(H, (qubit,))


def x(qubit: int) -> Permutation:
    return Permutation(NOT, (qubit,))


def cx(control: int, target: int) -> Permutation:
    return Permutation(NOT, (target,), (control,), 1)


def ry(probability: float, qubit: int) -> Matrix:
    """A gate that takes |0> to 1 with the given probability."""
    c, s = np.sqrt(1 - probability), np.sqrt(probability)
    return Matrix(np.array([[c, -s], [s, c]], dtype=complex), (qubit,))


class NoMemory:
    """A memory source that never has any."""

    def try_reserve(self, count: int) -> Reservation | None:
        return None


def plenty() -> Ledger:
    return Ledger("a test", lambda: 1 << 40)


def part_of_job(
    *, circuit: int = 0, first_shot: int = 0, statevector: bool = False, **fields: Any
) -> tuple[RunContext, Piece]:
    """The context and the piece of a run of one circuit."""
    if statevector:
        fields["wanted"] = {"statevector": True}
    context = RunContext(**fields)
    return context, Piece((circuit,), first_shot, context.shots)


def run(
    program: Program, engine: Engine | None = None, memory: Any = None, **options: Any
) -> Outcome:
    context, piece = part_of_job(**options)
    source = memory or plenty()
    return run_program(
        program, engine or ReferenceEngine(), context, Control(), piece, memory=source
    )


def counts(outcome: Outcome) -> dict[int, int]:
    values, numbers = np.unique(outcome["samples"][:, 0], return_counts=True)
    return dict(zip(values.tolist(), numbers.tolist(), strict=True))


def run_operations(
    operations: tuple[Operation, ...], num_qubits: int, num_clbits: int, **options: Any
) -> Outcome:
    return run(Program(num_qubits, num_clbits, operations), **options)


def shot_values(outcome: Outcome) -> list[int]:
    """The classical bits of each shot as one integer."""
    return [
        sum(int(word) << 64 * i for i, word in enumerate(row))
        for row in outcome["samples"].tolist()
    ]
