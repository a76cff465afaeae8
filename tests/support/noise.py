"""Random channels and programs with noise, and their density matrices by Qiskit's operators."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import DensityMatrix, Kraus

from simquay.program import (
    Channel,
    Diagonal,
    Matrix,
    Mixture,
    Operation,
    Permutation,
    Prepare,
    Relabel,
    Reset,
)
from simquay.program.bits import extract
from tests.support.random_programs import random_gates, random_unitary

__all__ = ["CHANNELS", "density_of", "random_channel", "random_noisy_operations"]

_PAULIS = np.array([[[1, 0], [0, 1]], [[1, 0], [0, -1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]]])

CHANNELS = (
    "depolarizing",
    "pauli",
    "two_pauli",
    "amplitude_damping",
    "phase_damping",
    "dephasing_pair",
    "relaxation",
    "coherent",
    "reset",
    "kraus",
    "two_kraus",
    "three_kraus",
)


def _products(num_qubits: int) -> list[NDArray[np.complex128]]:
    some = [np.eye(1, dtype=np.complex128)]
    for _ in range(num_qubits):
        some = [np.kron(one, old) for one in _PAULIS for old in some]
    return some


def _random_kraus(
    num_qubits: int, count: int, generator: np.random.Generator
) -> NDArray[np.complex128]:
    size = 1 << num_qubits
    columns = random_unitary(size * count, generator)[:, :size]
    return columns.reshape(count, size, size)


def random_mixture(kind: str, generator: np.random.Generator) -> Mixture:
    """A channel of a kind of :data:`CHANNELS`."""
    p, q = generator.uniform(0.05, 0.4, 2)
    match kind:
        case "depolarizing":
            parts = _products(1 + int(generator.integers(2)))
            weights = np.full(len(parts), p / len(parts))
            weights[0] += 1 - p
            return Mixture(weights, tuple(parts))
        case "pauli" | "two_pauli":
            parts = _products(1 if kind == "pauli" else 2)
            return Mixture(generator.dirichlet(np.ones(len(parts))), tuple(parts))
        case "amplitude_damping":
            kraus = np.array([[[1, 0], [0, np.sqrt(1 - p)]], [[0, np.sqrt(p)], [0, 0]]], complex)
            return Mixture(np.ones(1), (kraus,))
        case "phase_damping":
            return Mixture(np.array([1 - p, p]), tuple(_PAULIS[:2]), is_diagonal=True)
        case "dephasing_pair":
            parts = [np.diag(np.exp(1j * generator.uniform(0, 6, 4))) for _ in range(3)]
            return Mixture(generator.dirichlet(np.ones(3)), tuple(parts), is_diagonal=True)
        case "relaxation":  # identity, Z and reset
            reset = np.array([[[1, 0], [0, 0]], [[0, 1], [0, 0]]], dtype=complex)
            return Mixture(np.array([1 - p - q, p, q]), (_PAULIS[0], _PAULIS[1], reset))
        case "coherent":
            return Mixture(np.ones(1), (random_unitary(2, generator),))
        case "reset":
            return Mixture(np.array([1 - p, p]), (_PAULIS[0], _random_kraus(1, 3, generator)))
        case "kraus":
            return Mixture(np.ones(1), (_random_kraus(1, 4, generator),))
        case "two_kraus":
            return Mixture(np.ones(1), (_random_kraus(2, 3, generator),))
        case _:
            return Mixture(np.ones(1), (_random_kraus(3, 2, generator),))


def random_channel(kind: str, num_qubits: int, generator: np.random.Generator) -> Channel | None:
    """A channel of a kind on any qubits; None where there are too few."""
    mixture = random_mixture(kind, generator)
    if mixture.num_qubits > num_qubits:
        return None
    qubits = generator.permutation(num_qubits)[: mixture.num_qubits]
    return Channel(mixture, tuple(qubits.tolist()))


def random_noisy_operations(num_qubits: int, count: int, seed: int) -> list[Operation]:
    """Gates of every kind, with channels of every kind among them, and resets."""
    generator = np.random.default_rng(seed)
    operations: list[Operation] = []
    for gate in random_gates(num_qubits, count, seed):
        if isinstance(gate, Prepare):  # channels may have touched its qubits
            operations += [Reset(qubit) for qubit in gate.qubits]
        operations.append(gate)
        draw = generator.integers(20)
        if draw < len(CHANNELS):
            channel = random_channel(CHANNELS[draw], num_qubits, generator)
            operations += [] if channel is None else [channel]
        elif draw == 19:
            operations.append(Reset(int(generator.integers(num_qubits))))
    return operations


def density_of(operations: list[Operation], num_qubits: int) -> NDArray[np.complex128]:
    """The density matrix after ``operations``, by Qiskit."""
    state = DensityMatrix.from_int(0, 2**num_qubits)
    for operation in operations:
        operators, qubits = _kraus(operation)
        if qubits:
            state = state.evolve(Kraus([*operators]), list(qubits))
    data: NDArray[np.complex128] = state.data
    return data


def _kraus(operation: Any) -> tuple[list[NDArray[np.complex128]], tuple[int, ...]]:
    """Kraus operators, and their qubits."""
    if isinstance(operation, Channel):
        operators = [
            np.sqrt(weight) * one
            for weight, part in zip(
                operation.mixture.probabilities, operation.mixture.parts, strict=True
            )
            for one in part.reshape(-1, *part.shape[-2:])
        ]
        return operators, operation.qubits
    if isinstance(operation, Reset):
        return [_unit(2, 0), _unit(2, 1)], (operation.qubit,)
    size = 1 << len(operation.qubits)
    matrix: NDArray[Any]
    if isinstance(operation, Relabel):
        index = np.arange(size)
        matrix = np.zeros((size, size), dtype=complex)
        order = [operation.qubits.index(source) for source in operation.sources]
        matrix[extract(index, order), index] = 1
        return [matrix], operation.qubits
    if isinstance(operation, Prepare):
        matrix = np.zeros((size, size), dtype=complex)
        matrix[:, 0] = operation.amplitudes
        return [matrix, *[_unit(size, row) for row in range(1, size)]], operation.qubits
    if isinstance(operation, Matrix):
        matrix = operation.matrix
    elif isinstance(operation, Diagonal):
        matrix = np.diag(operation.diagonal)
    else:
        assert isinstance(operation, Permutation)
        matrix = np.eye(size, dtype=complex)[:, operation.table]
    wires = operation.qubits + operation.controls
    full = np.eye(1 << len(wires), dtype=complex)
    start = size * operation.control_state
    full[start : start + size, start : start + size] = matrix
    return [full], wires


def _unit(size: int, column: int) -> NDArray[np.complex128]:
    matrix = np.zeros((size, size), dtype=complex)
    matrix[0, column] = 1
    return matrix
