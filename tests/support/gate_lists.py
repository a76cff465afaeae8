"""Random gate lists of all kinds, and what they do to a vector, told by index arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simquay.program.operations import (
    Diagonal,
    GateOperation,
    Matrix,
    Permutation,
    Prepare,
    Relabel,
)

__all__ = ["apply_naively", "other_numbers", "random_gates", "random_unitary", "run_naively"]


def random_unitary(size: int, rng: np.random.Generator) -> np.ndarray:
    """A random unitary matrix (QR of a Gaussian matrix)."""
    gaussian = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return np.linalg.qr(gaussian)[0]


def random_gates(
    num_qubits: int,
    count: int,
    rng: np.random.Generator,
    *,
    widest: int = 3,
    prepare: bool = True,
) -> list[GateOperation]:
    """``count`` gates of all kinds, many of them with controls, the common ones most often."""
    gates: list[GateOperation] = []
    fresh = set(range(num_qubits))
    for _ in range(count):
        kind = rng.choice(["matrix", "u", "diagonal", "permutation", "cx", "relabel", "prepare"])
        width = int(rng.integers(1, min(widest, num_qubits) + 1))
        if kind in ("u", "cx"):
            width = 1
        order = [int(q) for q in rng.permutation(num_qubits)]
        qubits, rest = tuple(order[:width]), order[width:]
        number = min(int(rng.choice([0, 0, 0, 1, 1, 2, 3])), len(rest))
        if kind == "cx":
            number = min(1, len(rest))
        controls = tuple(rest[:number])
        state = int(rng.integers(0, 1 << number))
        size = 1 << width
        if kind in ("matrix", "u"):
            matrix = random_unitary(size, rng)
            gates.append(Matrix(matrix, qubits, controls, state))
        elif kind == "diagonal":
            if rng.random() < 0.1:
                qubits, controls, state, size = (), (), 0, 1
            gates.append(Diagonal(np.exp(2j * rng.random(size)), qubits, controls, state))
        elif kind in ("permutation", "cx"):
            table = rng.permutation(size) if kind == "permutation" else np.array([1, 0])
            gates.append(Permutation(table.astype(np.intp), qubits, controls, state))
        elif kind == "relabel":
            sources = tuple(int(q) for q in rng.permutation(qubits))
            gates.append(Relabel(qubits, sources))
            # What was fresh in a source is fresh in the qubit that it goes to.
            moved = dict(zip(sources, qubits, strict=True))
            fresh = {moved.get(q, q) for q in fresh}
            continue
        elif prepare and fresh:
            chosen = tuple(int(q) for q in rng.permutation(sorted(fresh))[:width])
            amplitudes = random_unitary(1 << len(chosen), rng)[:, 0]
            gates.append(Prepare(amplitudes, chosen))
        fresh -= set(getattr(gates[-1], "qubits", ())) if gates else set()
    return gates


def apply_naively(vector: np.ndarray, gate: GateOperation) -> np.ndarray:
    """The result of one gate on a whole vector in qubit order, entry by entry."""
    size = len(vector)
    index = np.arange(size)
    if isinstance(gate, Relabel):
        target = index.copy()
        for qubit in gate.qubits:
            target &= ~(1 << qubit)
        for source, qubit in zip(gate.sources, gate.qubits, strict=True):
            target |= (index >> source & 1) << qubit
        result = np.empty_like(vector)
        result[target] = vector
        return result
    local = np.zeros(size, dtype=np.intp)
    for bit, qubit in enumerate(gate.qubits):
        local |= (index >> qubit & 1) << bit
    outside = index.copy()
    for qubit in gate.qubits:
        outside &= ~(1 << qubit)
    active = np.ones(size, dtype=bool)
    if not isinstance(gate, Prepare):
        for bit, control in enumerate(gate.controls):
            active &= (index >> control & 1) == (gate.control_state >> bit & 1)
    width = 1 << len(gate.qubits)
    if isinstance(gate, Diagonal):
        matrix = np.diag(gate.diagonal)
    elif isinstance(gate, Permutation):
        matrix = np.zeros((width, width), dtype=complex)
        matrix[gate.table, np.arange(width)] = 1
    elif isinstance(gate, Prepare):
        matrix = np.zeros((width, width), dtype=complex)
        matrix[:, 0] = gate.amplitudes
    else:
        matrix = gate.matrix
    result = np.where(active, 0, vector).astype(complex)
    for column in range(width):
        place = outside.copy()
        for bit, qubit in enumerate(gate.qubits):
            place |= (column >> bit & 1) << qubit
        result += np.where(active, matrix[local, column] * vector[place], 0)
    return result


def run_naively(gates: Sequence[GateOperation], num_qubits: int) -> np.ndarray:
    """The state that ``gates`` make of |0...0>, complex128, in qubit order."""
    vector = np.zeros(1 << num_qubits, dtype=complex)
    vector[0] = 1
    for gate in gates:
        vector = apply_naively(vector, gate)
    return vector


def other_numbers(gates: list[GateOperation], rng: np.random.Generator) -> list[GateOperation]:
    """Gates of the same structure with other numbers."""
    changed: list[GateOperation] = []
    for gate in gates:
        if isinstance(gate, Matrix):
            matrix = random_unitary(len(gate.matrix), rng)
            changed.append(Matrix(matrix, gate.qubits, gate.controls, gate.control_state))
        elif isinstance(gate, Diagonal):
            entries = np.exp(2j * rng.random(len(gate.diagonal)))
            changed.append(Diagonal(entries, gate.qubits, gate.controls, gate.control_state))
        elif isinstance(gate, Prepare):
            changed.append(Prepare(random_unitary(len(gate.amplitudes), rng)[:, 0], gate.qubits))
        else:
            changed.append(gate)
    return changed
