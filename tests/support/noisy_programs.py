"""Random programs with channels, and their exact distributions by Qiskit's density matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import DensityMatrix, Kraus, Operator, random_unitary
from scipy.stats import chi2

from simquay.program import (
    Channel,
    Diagonal,
    Matrix,
    Measure,
    Mixture,
    Operation,
    Permutation,
    Program,
)

__all__ = [
    "MIXTURES",
    "PAULIS",
    "damping",
    "depolarizing",
    "evolved",
    "likelihood",
    "measured",
    "mixtures",
    "random_kraus",
    "random_noisy",
]

PAULIS: NDArray[np.complex128] = np.array(
    [[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]]
)


def depolarizing(strength: float, qubits: int = 1) -> Mixture:
    """One of all other Pauli strings with the probability ``strength``."""
    strings: list[Any] = [np.eye(1)]
    for _ in range(qubits):
        strings = [np.kron(pauli, one) for pauli in PAULIS for one in strings]
    others = len(strings) - 1
    return Mixture(np.array([1 - strength, *[strength / others] * others]), tuple(strings))


def damping(strength: float) -> Mixture:
    """Amplitude damping, with no unitary part."""
    operators = np.array([[[1, 0], [0, (1 - strength) ** 0.5]], [[0, strength**0.5], [0, 0]]])
    return Mixture(np.ones(1), (operators.astype(complex),))


def random_kraus(rng: np.random.Generator, qubits: int, operators: int) -> NDArray[np.complex128]:
    """The Kraus operators of a channel without structure."""
    size = 1 << qubits
    shape = operators * size, size
    columns, _ = np.linalg.qr(rng.normal(size=shape) + 1j * rng.normal(size=shape))
    return np.ascontiguousarray(columns.reshape(operators, size, size))


MIXTURES = (
    "pauli",
    "two-qubit pauli",
    "damping",
    "relaxation",
    "kraus",
    "mixed",
    "several kraus",
    "phase flip",
)


def mixtures(rng: np.random.Generator) -> dict[str, Mixture]:
    """A mixture of each kind, by its name in :data:`MIXTURES`."""
    p = float(rng.uniform(0.02, 0.3))
    reset = np.array([[[1, 0], [0, 0]], [[0, 1], [0, 0]]], dtype=complex)
    unitaries = [random_unitary(4, seed=rng).data for _ in range(2)]
    found = (
        depolarizing(p),
        depolarizing(p, 2),
        damping(p),
        Mixture(np.array([1 - p, p / 2, p / 2]), (PAULIS[0], PAULIS[3], reset)),
        Mixture(np.ones(1), (random_kraus(rng, 1, 3),)),
        Mixture(np.array([0.6, 0.2, 0.2]), (*unitaries, random_kraus(rng, 2, 2))),
        Mixture(np.array([0.5, 0.5]), (random_kraus(rng, 1, 2), random_kraus(rng, 1, 2))),
        Mixture(np.array([1 - p, p]), (PAULIS[0], PAULIS[3]), is_diagonal=True),
    )
    return dict(zip(MIXTURES, found, strict=True))


def random_noisy(
    rng: np.random.Generator, qubits: int, count: int, kinds: Sequence[str] = MIXTURES
) -> list[Operation]:
    """About ``count`` random gates, and channels of some kinds."""
    known = mixtures(rng)
    operations: list[Operation] = []
    for _ in range(count):
        some = tuple(rng.permutation(qubits).tolist())
        kind = rng.random()
        if kind < 0.3:
            operations.append(Matrix(random_unitary(2, seed=rng).data, some[:1]))
        elif kind < 0.55 and qubits > 1:
            operations.append(Permutation(np.array([1, 0]), some[:1], some[1:2], 1))
        else:
            mixture = known[str(rng.choice(kinds))]
            if mixture.num_qubits <= qubits:
                operations.append(Channel(mixture, some[: mixture.num_qubits]))
    return operations


def measured(operations: Sequence[Operation], qubits: int) -> Program:
    """The program of these operations that measures all qubits at its end."""
    return Program(qubits, qubits, (*operations, *[Measure(q, q) for q in range(qubits)]))


def evolved(operations: Sequence[Operation], qubits: int) -> DensityMatrix:
    """The density matrix after gates and channels, from |0>."""
    state = DensityMatrix.from_int(0, 1 << qubits)
    for one in operations:
        match one:
            case Channel(mixture, places):
                operators = [
                    np.sqrt(probability) * operator
                    for probability, part in zip(mixture.probabilities, mixture.parts, strict=True)
                    for operator in part.reshape(-1, *part.shape[-2:])
                ]
                state = state.evolve(Kraus(operators), list(places))
            case Matrix() | Diagonal() | Permutation():
                matrix = np.eye(1 << len(one.qubits) + len(one.controls), dtype=complex)
                size = 1 << len(one.qubits)
                start = one.control_state * size
                block = matrix[start : start + size, start : start + size]
                if isinstance(one, Matrix):
                    block[...] = one.matrix
                elif isinstance(one, Diagonal):
                    block[...] = np.diag(one.diagonal)
                else:
                    block[...] = 0
                    block[one.table, np.arange(size)] = 1
                state = state.evolve(Operator(matrix), [*one.qubits, *one.controls])
            case _:
                raise TypeError(one)
    return state


def likelihood(values: NDArray[Any], distribution: NDArray[np.float64]) -> float:
    """The probability of outcomes as unlikely as these or more, by a chi-square test in which
    outcomes of few expected shots count as one."""
    seen = np.bincount(values.astype(np.int64), minlength=len(distribution))
    expected = distribution * len(values)
    assert not seen[distribution < 1e-12].any()
    many = expected > 5
    seen = np.append(seen[many], seen[~many].sum())
    expected = np.append(expected[many], expected[~many].sum())
    some = expected > 1e-9
    statistic = ((seen - expected)[some] ** 2 / expected[some]).sum()
    return float(chi2.sf(statistic, max(some.sum() - 1, 1)))
