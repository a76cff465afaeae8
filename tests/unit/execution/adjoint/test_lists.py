"""Lists of gates for small circuits: which strings they have, where, and with which numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simquay.engines.base import BaseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.adjoint.lists import lists_of
from simquay.execution.adjoint.ways import way_of
from simquay.program import Matrix, Parametric, Permutation, Precision, Program, Relabel

NOT = np.array([1, 0], dtype=np.intp)
ANGLES = np.array([0.3, 0.7])


class Listing(ReferenceEngine):
    """Its lists are what it was given."""

    list_qubits = 4

    def gate_list(self, *given: Any) -> Any:
        return given


def lists(gates, wanted, pair, engine: BaseEngine[Any] | None = None):
    program = Program(3, 0, tuple(gates), num_angles=2)
    return lists_of(engine or Listing(), way_of(program, Precision.DOUBLE), wanted, pair)


def test_strings_are_read_before_their_gate_is_undone_and_nothing_behind_the_last_is():
    gates = [
        Parametric("ry", (0,), (2,)),
        Permutation(NOT, (0,), (2,), 1),
        Parametric("ry", (1,), (0,), (2,), 1),
    ]
    found = lists(gates, {0: (3,), 2: (3, 0)}, 3)
    back, order, starts, changed, strings, places = found.back
    assert (found.order, order) == ((0, 2), (0, 2, 3))
    assert [type(gate) for gate in back] == [Matrix, Permutation]
    assert places == [0, 0, 0, 2]
    assert found.numbers == {2: [1, 2], 0: [3]}
    # X on the pair; Y on it and Y on qubit 0 where qubit 2 is 1; that alone; and Y on qubit 2.
    assert strings.x.tolist() == [4, 5, 4, 6]
    assert strings.z.tolist() == [0, 5, 4, 6]
    assert strings.fixed.tolist() == strings.values.tolist() == [0, 2, 2, 0]
    assert (starts, changed) == ({0: 0}, 4)
    half = np.array([[np.cos(0.35), -np.sin(0.35)], [np.sin(0.35), np.cos(0.35)]])
    np.testing.assert_allclose(found.back_numbers(ANGLES), half.T.ravel(), atol=1e-15)
    np.testing.assert_allclose(found.forth_numbers(ANGLES)[4:], half.ravel(), atol=1e-15)


def test_strings_of_a_gate_that_does_not_commute_with_them_are_read_once_it_is_undone():
    gates = [
        Parametric("ry", (0,), (0,)),
        Parametric("u2", (0, 1), (0,)),
        Matrix(np.eye(2, dtype=complex), (0,)),
    ]
    found = lists(gates, {0: (3,), 1: (1, 2), 2: (1,)}, 3)
    assert found.back[5] == [0, 1, 2, 2, 2]
    assert found.numbers == {2: [1], 1: [2, 3], 0: [4]}


def test_without_a_pair_strings_are_imaginary():
    found = lists([Parametric("ry", (0,), (2,))], {0: (3, 2)}, None)
    assert found.numbers == {0: [0, -1]}
    assert (found.back[0], found.back[4].x.tolist(), found.back[5]) == ([], [1], [0])


@pytest.mark.parametrize(
    "gates",
    [
        [Parametric("ry", (0,), (2,)), Relabel((0, 2), (2, 0))],
        [Parametric("ry", (0,), (2,)), Parametric("rz", (1,), (0,))],  # qubit 0 stays |0>
        [Parametric("ry", (0,), (0,))] * 6000,
    ],
    ids=["relabel", "zero", "long"],
)
def test_other_circuits_have_no_lists(gates):
    assert lists(gates, {0: (3,)}, 3) is None


def test_nor_have_large_ones_and_those_of_other_engines():
    gates = [Parametric("ry", (0,), (qubit,)) for qubit in range(3)]
    assert lists(gates, {0: (3,)}, 3) is not None
    assert lists(gates, {0: (3,)}, 3, ReferenceEngine()) is None
