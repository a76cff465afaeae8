"""The gates of a density matrix's way, forth and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simquay.execution.adjoint.ways import Back, is_noisy, way_of
from simquay.program import (
    Channel,
    Diagonal,
    Matrix,
    Parametric,
    Permutation,
    Precision,
    Prepare,
    Program,
    Relabel,
)
from simquay.program.channels import Mixture
from simquay.program.formulas import FORMULAS

NOT = np.array([1, 0], dtype=np.intp)
X = np.array([[0, 1], [1, 0]], dtype=np.complex128)


def flips(probability):
    parts = np.eye(2, dtype=np.complex128), X
    return Mixture(np.array([1 - probability, probability]), parts)


def damping(strength):
    kraus = np.array(
        [[[1, 0], [0, (1 - strength) ** 0.5]], [[0, strength**0.5], [0, 0]]], dtype=np.complex128
    )
    return Mixture(np.ones(1), (kraus,))


def program(*operations, qubits=2, angles=1):
    return Program(qubits, 0, operations, num_angles=angles)


def backs(way):
    return [one for one in way.back if isinstance(one, Back)]


def test_a_program_without_channels_goes_as_it_is():
    gates = Parametric("ry", (0,), (0,)), Relabel((0, 1), (1, 0))
    way = way_of(program(*gates), Precision.DOUBLE)
    assert tuple(way.begin) == tuple(way.back) == gates
    assert (way.forth, way.pair, way.stored, way.negated, way.norm) == ((), 2, 1, False, 1.0)
    assert not is_noisy(program(*gates))


def test_gates_stand_on_rows_and_columns():
    gate = Parametric("ry", (0,), (1,), (0,), 1)
    noisy = program(Matrix(X, (0,)), gate, Channel(flips(0.1), (1,)))
    assert is_noisy(noisy)
    way = way_of(noisy, Precision.DOUBLE)
    row, column = way.back[way.places[1]], way.back[way.places[1] + 1]
    assert isinstance(row, Parametric)
    assert isinstance(column, Parametric)
    assert (row.qubits, row.controls, row.angles) == ((1,), (0,), (0,))
    assert (column.qubits, column.controls, column.angles) == ((3,), (2,), (0,))
    assert (way.pair, way.stored, way.norm) == (4, 4, 2.0)


@pytest.mark.parametrize("formula", sorted(FORMULAS))
def test_columns_have_the_complex_conjugate_of_each_formula(formula):
    count = FORMULAS[formula].count
    qubits = tuple(range(FORMULAS[formula].shape[0].bit_length() - 1))
    gate = Parametric(formula, tuple(range(count)), qubits)
    noisy = program(gate, Channel(flips(0.1), (0,)), angles=count)
    way = way_of(noisy, Precision.DOUBLE)
    column: Any = way.back[1]
    angles = np.random.default_rng(2).uniform(-3, 3, count)
    both = np.concatenate([angles, -angles])
    of_row = FORMULAS[formula].at(angles)
    np.testing.assert_allclose(
        FORMULAS[formula].at(both[list(column.angles)]), of_row.conj(), atol=1e-14
    )


def test_a_channel_is_undone_by_its_adjoint_and_its_inverse():
    way = way_of(program(Matrix(X, (0,)), Channel(damping(0.3), (0,))), Precision.DOUBLE)
    [back] = backs(way)
    adjoint, inverse = back.gates
    assert isinstance(adjoint, Matrix)
    assert isinstance(inverse, Matrix)
    assert (adjoint.controls, adjoint.control_state) == ((4,), 1)
    assert (inverse.controls, inverse.control_state) == ((4,), 0)
    assert adjoint.qubits == inverse.qubits == (0, 2)
    np.testing.assert_allclose(adjoint.matrix.conj().T @ inverse.matrix, np.eye(4), atol=1e-14)
    rho = np.array([[0.3, 0.1 - 0.2j], [0.1 + 0.2j, 0.7]])
    kraus = damping(0.3).parts[0]
    after = sum(one @ rho @ one.conj().T for one in kraus)
    np.testing.assert_allclose(
        adjoint.matrix.conj().T @ rho.T.ravel(), np.asarray(after).T.ravel(), atol=1e-14
    )


def test_what_has_no_inverse_or_a_large_one_is_made_again():
    first = Matrix(X, (0,))
    way = way_of(program(first, Channel(damping(1.0), (0,))), Precision.DOUBLE)
    [back] = backs(way)
    assert len(back.gates) == 4  # the adjoint, all to |0>, and the gate on row and column
    assert back.qubits == (0, 2)
    # Each flip of probability 0.4 makes errors 5 times as large at most.
    many = program(first, *[Channel(flips(0.4), (0,)) for _ in range(20)])
    lengths = [len(one.gates) for one in backs(way_of(many, Precision.DOUBLE))]
    again = [place for place, length in enumerate(lengths) if length > 2]
    assert again == [2, 8, 14]  # six apart: 5**6 is above 2**13
    single = [len(one.gates) for one in backs(way_of(many, Precision.SINGLE))]
    assert sum(length > 2 for length in single) == 10


def test_diagonal_channels_stay_diagonal_and_store_nothing():
    kraus = np.array([np.diag([1, 0.8]), np.diag([0, 0.6])], dtype=np.complex128)
    phases = Mixture(np.ones(1), (kraus,), is_diagonal=True)
    way = way_of(
        program(Matrix(X, (0,)), Channel(phases, (0,)), Channel(phases, (1,))), Precision.DOUBLE
    )
    assert all(isinstance(gate, Diagonal) for back in backs(way) for gate in back.gates)
    assert all(back.is_diagonal for back in backs(way))
    assert way.stored == 2


def test_names_are_changed_in_place_of_relabels():
    noisy = program(
        Matrix(X, (0,)),
        Relabel((0, 1), (1, 0)),
        Parametric("rx", (0,), (1,)),
        Channel(flips(0.1), (1,)),
    )
    way = way_of(noisy, Precision.DOUBLE)
    [back] = backs(way)
    assert back.qubits == (0, 2)
    assert way.stored == 2
    assert isinstance(way.forth[0], Relabel)
    assert (way.forth[0].qubits, way.forth[0].sources) == ((0, 2), (1, 3))


@pytest.mark.parametrize("noise", [(), (Channel(flips(0.1), (0,)),)], ids=["pure", "noisy"])
def test_gates_whose_control_is_0_are_left_out(noise):
    """On the way back, the control is stored, and may be 1."""
    first = Permutation(NOT, (1,), (0,), 1)
    way = way_of(program(first, Matrix(X, (0,)), *noise), Precision.DOUBLE)
    assert way.stored == (2 if noise else 1)
    assert not any(isinstance(one, Permutation) for one in way.back)


@pytest.mark.parametrize("amplitudes", [[0.6, 0.8j], [1, 0], [0, 1], [-0.8j, 0.6]])
def test_a_prepared_state_is_the_first_column_of_a_unitary(amplitudes):
    wanted = np.array(amplitudes, dtype=np.complex128)
    noisy = program(Prepare(wanted, (0,)), Channel(flips(0.1), (0,)))
    made = way_of(noisy, Precision.DOUBLE).back[0]
    assert isinstance(made, Matrix)
    np.testing.assert_allclose(made.matrix[:, 0], wanted, atol=1e-15)
    np.testing.assert_allclose(made.matrix @ made.matrix.conj().T, np.eye(2), atol=1e-15)
