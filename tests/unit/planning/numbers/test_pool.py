"""The pool: where the numbers of gates lie."""

from __future__ import annotations

import numpy as np

from simquay.planning.numbers.pool import PoolLayout
from simquay.program import Diagonal, GateOperation, Matrix, Permutation, Prepare
from tests.support.gate_lists import random_unitary
from tests.support.small_gates import NOT

GATES: list[GateOperation] = [
    Diagonal(np.array([1, 5j]), (2,)),
    Permutation(NOT, (0,)),
    Matrix(np.array([[1, 2], [3, 4j]]), (1,)),
    Prepare(np.array([0.6, 0.8j]), (3,)),
    Diagonal(np.array([1.0, 7.0]) + 0j, (1,)),
]


def test_each_gate_has_a_one_a_zero_and_its_numbers() -> None:
    layout = PoolLayout(GATES)
    pool = layout.fill(GATES)
    numbers: dict[int, list[complex]] = {0: [1, 5j], 2: [1, 2, 3, 4j], 3: [0.6, 0.8j], 4: [1, 7]}
    for gate, own in numbers.items():
        assert pool[layout.starts[gate] :][: 2 + len(own)].tolist() == [1, 0, *own]
    # A permutation has no numbers, and finds a 1 and a 0.
    assert pool[layout.starts[1] :][:2].tolist() == [1, 0]


def test_gates_of_one_kind_and_width_follow_each_other() -> None:
    layout = PoolLayout(GATES)
    assert [(group.kind, group.gates) for group in layout.groups] == [
        (Diagonal, [0, 4]),
        (Matrix, [2]),
        (Prepare, [3]),
    ]
    assert layout.starts[4] == layout.starts[0] + layout.groups[0].length
    assert layout.of_gates([7, 8, 9, 10]) == [7, 0, 9, 10, 8]


def test_gates_without_numbers_share_a_one_and_a_zero() -> None:
    gates: list[GateOperation] = [Permutation(NOT, (0,))] * 3
    layout = PoolLayout(gates)
    assert layout.fill(gates).tolist() == [1, 0]
    assert layout.starts == [0, 0, 0]


def test_the_pools_of_a_sweep_are_rows() -> None:
    layout = PoolLayout(GATES)
    others = [*GATES[:2], Matrix(np.full((2, 2), 9.0 + 0j), (1,)), *GATES[3:]]
    found = layout.fill_sweep([GATES, others])
    np.testing.assert_array_equal(found, [layout.fill(GATES), layout.fill(others)])


def test_numbers_of_other_types_and_orders_in_memory() -> None:
    u = random_unitary(4, np.random.default_rng(3))
    gates: list[GateOperation] = [
        Matrix(np.array([[0.0, 1.0], [1.0, 0.0]]), (0,)),
        Diagonal(np.array([1, 1j], dtype=np.complex64), (0,)),
        Matrix(np.asfortranarray(u), (2, 1)),
        Diagonal(np.exp(1j * np.arange(8))[::2], (3, 0)),
    ]
    layout = PoolLayout(gates)
    pool = layout.fill(gates)
    wanted = [[0, 1, 1, 0], [1, 1j], u.ravel(), np.exp(1j * np.arange(8))[::2]]
    for start, own in zip(layout.starts, wanted, strict=True):
        np.testing.assert_array_equal(pool[start + 2 :][: len(own)], own)
