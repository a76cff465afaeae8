"""Qiskit's observables as those of programs, against Qiskit's matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import Pauli, PauliList, SparseObservable, SparsePauliOp

from simquay.primitives.observables import narrowed, observables_of
from simquay.program import Observable

LETTERS = {
    1: np.diag([1, -1]),
    2: np.array([[0, 1], [1, 0]]),
    3: np.array([[0, -1j], [1j, 0]]),
    9: np.diag([1, 0]),
    5: np.diag([0, 1]),
    10: np.array([[1, 1], [1, 1]]) / 2,
    6: np.array([[1, -1], [-1, 1]]) / 2,
    11: np.array([[1, -1j], [1j, 1]]) / 2,
    7: np.array([[1, 1j], [-1j, 1]]) / 2,
}


def matrix(observable: Observable) -> Any:
    total: Any = 0
    for number, coefficient in enumerate(observable.coefficients):
        part = slice(*observable.bounds[number : number + 2])
        factors = [np.eye(2)] * observable.num_qubits
        for letter, qubit in zip(observable.letters[part], observable.qubits[part], strict=True):
            factors[qubit] = LETTERS[letter]
        term: Any = np.eye(1)
        for factor in factors:
            term = np.kron(factor, term)
        total = total + coefficient * term
    return total


THREE = QuantumCircuit(3)
SUM = SparsePauliOp(["XYZ", "IZI", "III", "IZI"], [0.5, 1.25, -2.0, 0.25])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("ZXY", Pauli("ZXY").to_matrix()),
        (Pauli("-ZXY"), -Pauli("ZXY").to_matrix()),
        (SUM, SUM.to_matrix()),
        (
            SparsePauliOp(["iXYZ", "ZZZ"], [1j, 1]),
            SparsePauliOp(["XYZ", "ZZZ"], [-1, 1]).to_matrix(),
        ),
        (SparsePauliOp(["XII", "ZII", "XII"], [1j, 1, -1j]), Pauli("ZII").to_matrix()),
        (SparseObservable.from_sparse_pauli_op(SUM), SUM.to_matrix()),
        ({"XYZ": 0.5, Pauli("-IZI"): -1.5, "III": -2.0}, SUM.to_matrix()),
        (ObservablesArray.coerce(SUM), SUM.to_matrix()),
        (SparsePauliOp("XYZ", 0.0), np.zeros((8, 8))),
    ],
    ids=range(9),
)
def test_an_observable_has_the_matrix_that_qiskit_gives(given, expected) -> None:
    (found,), places = observables_of(THREE, given)
    assert places.shape == ()
    np.testing.assert_allclose(matrix(found), expected, atol=1e-14)


def test_projectors() -> None:
    label = {"0": 9, "1": 5, "+": 10, "-": 6, "r": 11, "l": 7}
    for letters in ("01+", "-rl", "I0X"):
        for given in (letters, {letters: 1.0}, SparseObservable.from_label(letters)):
            (found,), _ = observables_of(THREE, given)
            codes = label | {"X": 2}
            expected = [codes[letter] for letter in letters[::-1] if letter != "I"]
            assert found.letters.tolist() == expected


def test_arrays_of_observables_have_their_shape_and_each_object_is_taken_once() -> None:
    found, places = observables_of(THREE, [[SUM, "ZZZ"], [SUM, Pauli("XXX")], ["III", SUM]])
    assert len(found) == 4
    assert places.tolist() == [[0, 1], [0, 2], [3, 0]]
    found, places = observables_of(THREE, PauliList(["XXX", "ZZZ"]))
    assert places.tolist() == [0, 1]
    np.testing.assert_allclose(matrix(found[1]), Pauli("ZZZ").to_matrix())
    array = ObservablesArray([["XXX", SUM, "XYZ"]])
    found, places = observables_of(THREE, array)
    assert places.tolist() == [[0, 1, 2]]
    np.testing.assert_allclose(matrix(found[1]), SUM.to_matrix())
    assert observables_of(THREE, [])[1].shape == (0,)


def test_an_observable_is_a_snapshot() -> None:
    given = SparseObservable.from_list([("XYZ", 1.0)])
    (found,), _ = observables_of(THREE, given)
    given.coeffs[0] = 5
    given.bit_terms[0] = 1
    assert (found.coefficients[0], found.letters[0]) == (1.0, 1)
    assert observables_of(THREE, SparseObservable.from_list([("IIX", 1.0)]))[0][0].letters[0] == 2


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("ZZ", ValueError, r"circuit \(3\) does not match .* the \(\)-th observable \(2\)"),
        (["ZZZ", "Z"], ValueError, r"the \(1,\)-th observable \(1\)"),
        (SparsePauliOp(["XYZ", "ZZZ"], [1, 1j]), ValueError, "Non-Hermitian .* complex, 0\\+1j"),
        ({"XYZ": 1j}, (TypeError, ValueError), "Non-Hermitian"),
        (SparsePauliOp(["XYZ"], [np.nan]), ValueError, "not finite"),
        ({"XYZ": np.inf}, ValueError, "not finite"),
        (Pauli("iZZZ"), ValueError, "Non-Hermitian"),
        ("ZAZ", ValueError, "."),
        (3, TypeError, "Invalid observable type"),
        ([["ZZZ", "XXX"], ["ZZZ"]], ValueError, "ragged"),
    ],
    ids=range(10),
)
def test_wrong_observables_are_errors(given, error, message) -> None:
    with pytest.raises(error, match=message):
        observables_of(THREE, given)


@pytest.mark.parametrize("kept", [[0, 1, 2], [0, 2], [1], []], ids=str)
def test_an_observable_on_some_qubits_where_the_others_are_zero(kept) -> None:
    letters = "IXYZ01+-rl"
    rng = np.random.default_rng(3)
    labels = ["".join(rng.choice([*letters], 3)) for _ in range(40)]
    given = SparseObservable.from_list([(one, rng.normal()) for one in labels])
    (whole,), _ = observables_of(THREE, given)
    found = narrowed(whole, kept)
    assert found.num_qubits == len(kept)
    inside = [
        sum(1 << qubit for place, qubit in enumerate(kept) if index >> place & 1)
        for index in range(1 << len(kept))
    ]
    np.testing.assert_allclose(matrix(found), matrix(whole)[np.ix_(inside, inside)], atol=1e-13)
