"""The circuit families of the benchmarks, as programs: no Qiskit is needed to make them.

Each maker takes the number of qubits and a seed, and gives the same program for the same
arguments. No circuit ends in measurements: these measure state evolution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from simquay.program import Diagonal, Matrix, Operation, Permutation, Program, Relabel

__all__ = [
    "FAMILIES",
    "ghz",
    "qaoa",
    "qft",
    "quantum_volume",
    "random_circuit",
    "random_pairs",
    "tfim",
]

HADAMARD = np.array([[1, 1], [1, -1]], dtype=np.complex128) * 0.5**0.5
NOT = np.array([1, 0], dtype=np.intp)


def haar_unitary(rng: np.random.Generator, size: int) -> np.ndarray:
    """A unitary from the Haar measure (Mezzadri, Notices of the AMS 54, 2007)."""
    ginibre = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    q, r = np.linalg.qr(ginibre)
    phases = np.diag(r) / np.abs(np.diag(r))
    return q * phases


def hadamard(qubit: int) -> Matrix:
    return Matrix(HADAMARD, (qubit,))


def rx(angle: float, qubit: int) -> Matrix:
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    return Matrix(np.array([[c, -1j * s], [-1j * s, c]]), (qubit,))


def rzz(angle: float, first: int, second: int) -> Diagonal:
    even, odd = np.exp(-0.5j * angle), np.exp(0.5j * angle)
    return Diagonal(np.array([even, odd, odd, even]), (first, second))


def phase(angle: float, control: int, qubit: int) -> Diagonal:
    return Diagonal(np.array([1, np.exp(1j * angle)]), (qubit,), (control,), 1)


def cx(control: int, target: int) -> Permutation:
    return Permutation(NOT, (target,), (control,), 1)


def qft(n: int, seed: int = 0) -> Program:
    """The Fourier transform of a random product state; the final swaps are one relabelling.

    On |0…0> every phase would be trivial, and a planner may see that: it would be no test.
    """
    rng = np.random.default_rng(seed)
    operations: list[Operation] = [Matrix(haar_unitary(rng, 2), (q,)) for q in range(n)]
    for qubit in reversed(range(n)):
        operations.append(hadamard(qubit))
        operations += [
            phase(np.pi / 2 ** (qubit - other), other, qubit) for other in reversed(range(qubit))
        ]
    operations.append(Relabel(tuple(range(n)), tuple(reversed(range(n)))))
    return Program(n, 0, tuple(operations), name="qft")


def quantum_volume(n: int, seed: int = 0, depth: int = 10) -> Program:
    """``depth`` layers of Haar-random two-qubit unitaries on random pairs of all qubits."""
    rng = np.random.default_rng(seed)
    operations: list[Operation] = []
    for _ in range(depth):
        order = rng.permutation(n).tolist()
        operations += [
            Matrix(haar_unitary(rng, 4), (first, second))
            for first, second in zip(order[::2], order[1::2], strict=False)
        ]
    return Program(n, 0, tuple(operations), name="qv")


def ghz(n: int, seed: int = 0) -> Program:
    """H, then a chain of CX. The seed changes nothing."""
    operations: list[Operation] = [hadamard(0), *(cx(q, q + 1) for q in range(n - 1))]
    return Program(n, 0, tuple(operations), name="ghz")


def tfim(n: int, seed: int = 0, steps: int = 10) -> Program:
    """First-order Trotter steps of the transverse-field Ising chain: RZZ on neighbours, then RX.

    The angles are those of one fixed time step, drawn once.
    """
    coupling, field = np.random.default_rng(seed).uniform(0.1, 0.9, size=2)
    operations: list[Operation] = []
    for _ in range(steps):
        operations += [rzz(coupling, q, q + 1) for q in range(n - 1)]
        operations += [rx(field, q) for q in range(n)]
    return Program(n, 0, tuple(operations), name="tfim")


def random_circuit(n: int, seed: int = 0, depth: int = 20) -> Program:
    """``depth`` layers: a Haar-random gate on every qubit, then a brick layer of neighbour CX."""
    rng = np.random.default_rng(seed)
    operations: list[Operation] = []
    for layer in range(depth):
        operations += [Matrix(haar_unitary(rng, 2), (q,)) for q in range(n)]
        operations += [cx(q, q + 1) for q in range(layer % 2, n - 1, 2)]
    return Program(n, 0, tuple(operations), name="random")


def random_pairs(n: int, seed: int = 0, depth: int = 10) -> Program:
    """``depth`` layers: a Haar-random gate on every qubit, then CX on random pairs."""
    rng = np.random.default_rng(seed)
    operations: list[Operation] = []
    for _ in range(depth):
        operations += [Matrix(haar_unitary(rng, 2), (q,)) for q in range(n)]
        order = rng.permutation(n).tolist()
        operations += [cx(a, b) for a, b in zip(order[::2], order[1::2], strict=False)]
    return Program(n, 0, tuple(operations), name="pairs")


def qaoa(n: int, seed: int = 0, p: int = 4) -> Program:
    """QAOA for MaxCut on a random 3-regular graph (``n`` even, 4 or more): H, then RZZ and RX."""
    rng = np.random.default_rng(seed)
    edges = regular_graph(rng, n, 3)
    operations: list[Operation] = [hadamard(q) for q in range(n)]
    for gamma, beta in rng.uniform(0.1, 3.0, size=(p, 2)):
        operations += [rzz(gamma, a, b) for a, b in edges]
        operations += [rx(2 * beta, q) for q in range(n)]
    return Program(n, 0, tuple(operations), name="qaoa")


def regular_graph(rng: np.random.Generator, n: int, degree: int) -> Sequence[tuple[int, int]]:
    """The edges of a simple random regular graph: random pairings until one is simple."""
    if n * degree % 2 or n <= degree:
        raise ValueError(f"there is no simple {degree}-regular graph on {n} vertices")
    while True:
        stubs = rng.permutation(np.repeat(np.arange(n), degree)).reshape(-1, 2)
        edges = {(int(min(a, b)), int(max(a, b))) for a, b in stubs if a != b}
        if len(edges) == n * degree // 2:
            return sorted(edges)


FAMILIES: dict[str, Callable[..., Program]] = {
    "qft": qft,
    "qv": quantum_volume,
    "ghz": ghz,
    "tfim": tfim,
    "random": random_circuit,
    "qaoa": qaoa,
    "pairs": random_pairs,
}
"""By the names that the benchmarks' arguments use."""
