"""Patterns, filled with numbers, against the gates applied to every basis state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from simquay.planning.numbers.patterns import diagonal_pattern, matrix_pattern
from simquay.program import Diagonal, GateOperation, Matrix, Permutation, Prepare
from tests.support.dense import gate_matrix
from tests.support.gate_lists import random_unitary

RNG = np.random.default_rng(4)
TABLE = np.array([2, 0, 3, 1])
GATES: list[GateOperation] = [
    Matrix(random_unitary(4, RNG), (2, 0), (1,), 0),
    Matrix(random_unitary(2, RNG), (1,), (2, 0), 2),
    Matrix(np.array([[1j]]), (), (1,), 1),
    Diagonal(np.exp(1j * RNG.uniform(0, 6, 4)), (0, 2), (1,), 1),
    Diagonal(np.exp(1j * RNG.uniform(0, 6, 8)), (2, 0, 1)),
    Permutation(TABLE, (2, 1)),
    Permutation(TABLE, (0, 2), (1,), 0),
]


def numbers(array: Sequence[complex] | np.ndarray) -> np.ndarray:
    return np.array([1, 0, *np.ravel(array)], dtype=complex)


@pytest.mark.parametrize("gate", GATES)
def test_the_pattern_of_a_gate_is_its_matrix(gate) -> None:
    kind, own, extra = {
        Matrix: lambda: ("dense", gate.matrix, b""),
        Diagonal: lambda: ("diagonal", gate.diagonal, b""),
        Permutation: lambda: ("permute", (), gate.table.tobytes()),
    }[type(gate)]()
    pattern = matrix_pattern(3, kind, gate.qubits, gate.controls, gate.control_state, extra)
    np.testing.assert_allclose(numbers(own)[pattern].reshape(8, 8), gate_matrix(gate, 3))


@pytest.mark.parametrize("gate", [gate for gate in GATES if isinstance(gate, Diagonal)])
def test_the_table_of_a_diagonal(gate) -> None:
    pattern = diagonal_pattern(3, gate.qubits, gate.controls, gate.control_state, b"")
    found = numbers(gate.diagonal)[pattern]
    np.testing.assert_allclose(np.diag(found), gate_matrix(gate, 3))


def test_a_preparation_fills_the_column_of_zero() -> None:
    state = Prepare(np.array([0.6, 0.8j]), (1,))
    pattern = matrix_pattern(2, "prepare", state.qubits, (), 0, b"")
    found = numbers(state.amplitudes)[pattern].reshape(4, 4)
    np.testing.assert_array_equal(found[:, :2], [[0.6, 0], [0, 0.6], [0.8j, 0], [0, 0.8j]])
    assert not found[:, 2:].any()


def test_a_diagonal_with_some_of_its_entries() -> None:
    chosen = np.array([0, 3], dtype=np.intp).tobytes()
    assert diagonal_pattern(2, (1,), (), 0, chosen).tolist() == [2, 2, 5, 5]
    matrix = matrix_pattern(1, "diagonal", (0,), (), 0, chosen)
    assert matrix.tolist() == [2, 1, 1, 5]
