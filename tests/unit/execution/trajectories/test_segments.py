"""Segments: where programs are cut, and their gates with errors among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from qiskit.quantum_info import Operator, random_unitary

from simquay.execution.trajectories.segments import (
    FEW_SEGMENTS,
    LARGE,
    LEAST_GATES,
    MOST_GATES,
    MOST_SEGMENTS,
    Segment,
    segments_of,
)
from simquay.program import Channel, Diagonal, Gate, Matrix, Mixture, Operation
from tests.support.noisy_programs import PAULIS, depolarizing, mixtures
from tests.support.small_gates import cx, h, x


def matrix_of(gates: Sequence[Gate], qubits: int) -> Any:
    operator = Operator(np.eye(1 << qubits))
    for gate in gates:
        assert isinstance(gate, (Matrix, Diagonal))
        matrix = gate.matrix if isinstance(gate, Matrix) else np.diag(gate.diagonal)
        operator = operator.compose(Operator(matrix), list(gate.qubits))
    return operator.data


@pytest.mark.parametrize("gates", [0, 1, LEAST_GATES, 100, 1000, MOST_GATES * MOST_SEGMENTS + 1])
def test_a_program_is_cut_in_segments_of_as_many_gates(gates: int) -> None:
    channel = Channel(depolarizing(0.1), (0,))
    operations = [one for _ in range(gates) for one in (x(0), channel)]
    found = [*segments_of([channel, *operations])]
    assert [one for segment in found for one in segment.operations] == [channel, *operations]
    sizes = [len(segment.operations) - len(segment.channels) for segment in found]
    assert max(sizes) <= MOST_GATES
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == max(1, min(MOST_SEGMENTS, gates // LEAST_GATES), -(-gates // MOST_GATES))


def test_errors_stand_where_their_channel_does_and_defaults_elsewhere() -> None:
    rng = np.random.default_rng(3)
    one, two = [random_unitary(2, seed=rng).data for _ in range(2)]
    turned = Mixture(np.array([0.9, 0.1]), (one, two))
    flips = depolarizing(0.1)
    operations: list[Operation] = [h(0), Channel(turned, (0,)), h(1), Channel(flips, (1,)), h(0)]
    segment = Segment(operations)  # type: ignore[arg-type]  # gates and channels alone

    def same(gates: list[Gate], *expected: Gate) -> None:
        np.testing.assert_allclose(
            Operator(matrix_of(gates, 2)).equiv(Operator(matrix_of([*expected], 2))), True
        )

    same(segment.gates(()), h(0), Matrix(one, (0,)), h(1), h(0))
    errors = ((0, 1), (1, 2))
    same(segment.gates(errors), h(0), Matrix(two, (0,)), h(1), Matrix(PAULIS[2], (1,)), h(0))
    same(segment.gates((), 1), h(1), h(0))
    same(segment.gates((), 0, 1), h(0), Matrix(one, (0,)), h(1))
    same(segment.gates(((1, 3),), 1, None), h(1), Matrix(PAULIS[3], (1,)), h(0))


def test_a_part_that_is_a_product_acts_on_each_qubit_by_itself() -> None:
    segment = Segment([Channel(depolarizing(0.1, 3), (4, 0, 2))])
    strings = np.array([np.kron(c, np.kron(b, a)) for c in PAULIS for b in PAULIS for a in PAULIS])
    for part, matrix in enumerate(strings):
        gates = segment.gates_of(0, part)
        assert all(len(gate.qubits) == 1 for gate in gates)
        assert len(gates) == 3 - [part & 3, part >> 2 & 3, part >> 4].count(0)
        places = {4: 0, 0: 1, 2: 2}
        renamed = [replace(gate, qubits=(places[gate.qubits[0]],)) for gate in gates]
        assert Operator(matrix_of(renamed, 3)).equiv(Operator(matrix))


def numbers(gate: Gate) -> Any:
    assert isinstance(gate, (Matrix, Diagonal))
    return gate.matrix if isinstance(gate, Matrix) else gate.diagonal


def test_a_part_that_is_no_product_stays_whole() -> None:
    matrix = random_unitary(4, seed=1).data
    [gate] = Segment([Channel(Mixture(np.ones(1), (matrix,)), (3, 1))]).gates_of(0, 0)
    assert gate.qubits == (3, 1)
    np.testing.assert_array_equal(numbers(gate), matrix)


def test_a_channel_of_one_unitary_part_is_a_gate() -> None:
    channel = Channel(Mixture(np.ones(1), (PAULIS[3],)), (1,))
    [segment] = segments_of([h(0), channel, cx(0, 1)])
    assert not segment.channels
    assert [type(one).__name__ for one in segment.operations] == [
        "Matrix",
        "Diagonal",
        "Permutation",
    ]


def test_parts_that_depend_on_the_state_are_known() -> None:
    known = mixtures(np.random.default_rng(1))
    kinds = ["pauli", "relaxation", "damping", "several kraus"]
    segment = Segment([Channel(known[kind], (0,)) for kind in kinds])
    assert segment.state_dependent == [(), (2,), (0,), (0, 1)]


@pytest.mark.parametrize("qubits", [LARGE - 1, LARGE])
def test_large_states_have_few_segments(qubits: int) -> None:
    channel = Channel(depolarizing(0.1), (0,))
    operations = [one for q in range(1000) for one in (x(q % qubits), channel)]
    most = FEW_SEGMENTS if qubits == LARGE else MOST_SEGMENTS
    assert len([*segments_of(operations)]) == most
