"""Mixtures and noisy programs, by Qiskit's operators."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from qiskit.quantum_info import Choi, DensityMatrix, Kraus, Operator, SuperOp

from simquay.program import (
    Body,
    Channel,
    ForLoop,
    Gate,
    IfElse,
    Measure,
    Misread,
    Mixture,
    Operation,
    Program,
    Reset,
)
from simquay.program.expressions import ClassicalMemory, evaluate
from simquay.program.formulas import ComplexArray
from simquay.program.gates import standard_gates
from tests.support.dense import gate_matrix
from tests.support.operations import cast_to

__all__ = [
    "check_mixture",
    "density_matrix",
    "distribution",
    "kraus_of",
    "placed_superop",
    "superop",
]

_RESET = [np.array([[1, 0], [0, 0]]), np.array([[0, 1], [0, 0]])]


def superop(mixture: Mixture) -> SuperOp:
    """The map of a mixture, by Qiskit."""
    maps = (
        probability * SuperOp(Kraus(list(part.reshape(-1, *part.shape[-2:]))))
        for probability, part in zip(mixture.probabilities, mixture.parts, strict=True)
    )
    return sum(maps, SuperOp(np.zeros([4**mixture.num_qubits] * 2)))


def placed_superop(placed: Iterable[tuple[Mixture, tuple[int, ...]]], num_qubits: int) -> SuperOp:
    """The map of several mixtures, one after the other, on ``num_qubits`` qubits."""
    whole = SuperOp(np.eye(4**num_qubits))
    for mixture, places in placed:
        whole = whole.compose(superop(mixture), qargs=list(places))
    return whole


def check_mixture(mixture: Mixture) -> None:
    """What :class:`Mixture` promises of its arrays."""
    probabilities, parts = mixture.probabilities, mixture.parts
    size = 2**mixture.num_qubits
    assert probabilities.dtype == np.float64
    assert probabilities.shape == (len(parts),)
    assert probabilities.min() > 0
    assert abs(probabilities.sum() - 1) < 1e-14
    for part in parts:
        assert part.dtype == np.complex128
        assert part.flags.c_contiguous
        assert not part.flags.writeable
        assert part.shape[-2:] == (size, size)
        operators = part.reshape(-1, size, size)
        total = (operators.conj().swapaxes(1, 2) @ operators).sum(axis=0)
        assert abs(total - np.eye(size)).max() < 1e-12
    weights = [probabilities[part] if parts[part].ndim == 2 else -1 for part in range(len(parts))]
    assert max(weights) == weights[0]
    off_diagonal = ~np.eye(size, dtype=bool)
    assert mixture.is_diagonal == (not any(part[..., off_diagonal].any() for part in parts))


def density_matrix(program: Program) -> DensityMatrix:
    """The mean state at the end."""
    return sum(_final(program).values(), 0 * DensityMatrix.from_label("0" * program.num_qubits))


def distribution(program: Program) -> dict[int, float]:
    """The probability of each value of the classical bits that can be found at the end."""
    return {bits: state.trace().real for bits, state in _final(program).items()}


_States: TypeAlias = dict[int, DensityMatrix]
"""For each value of the classical bits, the state then, times the probability of that value."""


def _final(program: Program) -> _States:
    start = {0: DensityMatrix.from_label("0" * program.num_qubits)}
    return _run(program.operations, start, program.num_qubits)


def _run(body: Body, states: _States, num_qubits: int) -> _States:
    for operation in body:
        after: _States = {}
        for bits, state in states.items():
            for value, found in _branches(operation, bits, state, num_qubits):
                after[value] = after[value] + found if value in after else found
        states = {bits: state for bits, state in after.items() if abs(state.trace()) > 1e-14}
    return states


def _branches(
    operation: Operation, bits: int, state: DensityMatrix, num_qubits: int
) -> Iterable[tuple[int, DensityMatrix]]:
    match operation:
        case Measure(qubit, clbit):
            for value in (0, 1):
                projector = np.diag([1 - value, value])
                found = state.evolve(SuperOp(Kraus([projector])), [qubit])
                yield bits & ~(1 << clbit) | value << clbit, found
        case Misread(clbits, probabilities):
            places = 1 << np.array(clbits)
            row = sum(bool(bits & place) << j for j, place in enumerate(places.tolist()))
            for column, probability in enumerate(probabilities[row]):
                written = sum(int(place) * (column >> j & 1) for j, place in enumerate(places))
                yield bits & ~int(places.sum()) | written, probability * state
        case IfElse(condition, then, otherwise):
            taken = then if evaluate(condition, ClassicalMemory(bits, [])) else otherwise
            yield from _run(taken, {bits: state}, num_qubits).items()
        case ForLoop(bodies):
            states = {bits: state}
            for one in bodies:
                states = _run(one, states, num_qubits)
            yield from states.items()
        case Channel(mixture, qubits):
            yield bits, state.evolve(superop(mixture), list(qubits))
        case Reset(qubit):
            yield bits, state.evolve(SuperOp(Kraus(_RESET)), [qubit])
        case _:
            for gate in standard_gates([cast_to(Gate, operation)]):
                state = state.evolve(Operator(gate_matrix(gate, num_qubits)))
            yield bits, state


def kraus_of(channel: object) -> ComplexArray:
    """Kraus operators; those of Qiskit lack what is below its tolerance of 1e-8."""
    choi = Choi(SuperOp(channel))
    values, vectors = np.linalg.eigh(choi.data)
    kept = values > 1e-15
    size = int(choi.dim[0])
    columns = (vectors[:, kept] * np.sqrt(values[kept])).T
    operators: ComplexArray = columns.reshape(-1, size, size).swapaxes(1, 2)
    return operators
