"""The pool: where the numbers of gates lie."""

from __future__ import annotations

import numpy as np

from simquay.planning.numbers.pool import PoolLayout
from simquay.planning.numbers.sweep import GateSweep
from simquay.program import Diagonal, GateOperation, Matrix, Prepare
from tests.support.small_gates import cx


def test_numbers_lie_by_kind_and_qubits_between_a_one_and_a_zero() -> None:
    matrix = np.array([[1, 2], [3, 4j]])
    gates: list[GateOperation] = [
        Diagonal(np.array([1, 5j]), (2,)),
        cx(0, 1),
        Matrix(matrix, (0,)),
        Prepare(np.array([0.6, 0.8j]), (3,)),
        Diagonal(np.array([1.0, 7.0]) + 0j, (1,)),
    ]
    layout = PoolLayout(gates)
    pool = layout.fill(gates)
    assert layout.starts == [1, 0, 5, 9, 3]
    assert pool.tolist() == [1, 1, 5j, 1, 7, 1, 2, 3, 4j, 0.6, 0.8j, 0]
    assert layout.size == len(pool)
    assert [(group.kind, group.size, group.gates) for group in layout.groups] == [
        (Diagonal, 1, [0, 4]),
        (Matrix, 1, [2]),
        (Prepare, 1, [3]),
    ]
    np.testing.assert_array_equal(layout.fill_sweep(GateSweep.of([gates, gates])), [pool, pool])


def test_numbers_of_other_types_and_orders_are_taken_as_complex() -> None:
    gates: list[GateOperation] = [
        Matrix(np.array([[0.0, 1.0], [2.0, 3.0]]), (0,)),
        Matrix(np.asfortranarray([[0, 1], [2, 3j]]), (0,)),
        Diagonal(np.array([1, 1j], dtype=np.complex64), (0,)),
        Diagonal(np.arange(4, dtype=complex)[::2], (0,)),
    ]
    pool = PoolLayout(gates).fill(gates)
    assert pool.tolist() == [1, 0, 1, 2, 3, 0, 1, 2, 3j, 1, 1j, 0, 2, 0]
