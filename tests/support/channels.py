"""Mixtures and noisy programs, by Qiskit's operators."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from qiskit.quantum_info import DensityMatrix, Kraus, Operator, SuperOp

from simquay.program import Channel, Gate, Mixture, Program, Reset
from simquay.program.gates import standard_gates
from tests.support.dense import gate_matrix
from tests.support.operations import cast_to

__all__ = ["check_mixture", "density_matrix", "placed_superop", "superop"]


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
