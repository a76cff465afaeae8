"""Mixtures and noisy programs, by Qiskit's operators."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from qiskit.quantum_info import DensityMatrix, Kraus, Operator, SuperOp

from simquay.program import Channel, Gate, Mixture, Program, Reset
from simquay.program.gates import standard_gates
from tests.support.dense import gate_matrix
from tests.support.operations import cast_to

__all__ = ["density_matrix", "placed_superop", "superop"]


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


def density_matrix(program: Program) -> DensityMatrix:
    """Of a program of gates, channels and resets."""
    state = DensityMatrix.from_label("0" * program.num_qubits)
    for operation in program.operations:
        if isinstance(operation, Gate):
            for gate in standard_gates((operation,)):
                state = state.evolve(Operator(gate_matrix(gate, program.num_qubits)))
        elif isinstance(operation, Channel):
            state = state.evolve(superop(operation.mixture), list(operation.qubits))
        else:
            state = state.reset([cast_to(Reset, operation).qubit])
    return state
