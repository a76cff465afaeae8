"""Generators against matrix logarithms, differences and known ones."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp

from simquay.execution.adjoint.generators import generators_of, pauli_coefficients, slopes_of
from simquay.program.formulas import FORMULAS

DIGITS = "IZXY"


def pauli_of(number, size):
    """The matrix of a Pauli number."""
    return Pauli("".join(DIGITS[number >> 2 * j & 3] for j in reversed(range(size)))).to_matrix()


@pytest.mark.parametrize("adjoint", [False, True])
@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_generators_give_the_derivative_of_each_formula(name, adjoint):
    formula = FORMULAS[name]
    angles = np.random.default_rng(3).uniform(-2, 2, (5, formula.count))
    found = slopes_of(name, adjoint, angles)
    size = formula.shape[0].bit_length() - 1
    assert found.shape == (5, formula.count, 4**size)
    for row, own in zip(angles, found, strict=True):
        for number in range(formula.count):
            moved = np.array([row, row])
            moved[:, number] += [1e-5, -1e-5]
            arrays = formula.at(np.array([row, *moved]), adjoint)
            if arrays.ndim == 2:
                arrays = np.array([np.diag(one) for one in arrays])
            slope = (arrays[1] - arrays[2]) / 2e-5
            generator = sum(c * pauli_of(p, size) for p, c in enumerate(own[number]))
            np.testing.assert_allclose(-1j * arrays[0] @ generator, slope, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "letters"),
    [("rx", "X"), ("ry", "Y"), ("rz", "Z"), ("rzz", "ZZ"), ("rxx", "XX"), ("ryy", "YY")],
)
def test_rotations_have_half_a_pauli_matrix(name, letters):
    for adjoint, sign in ((False, 1), (True, -1)):
        found = generators_of(name, adjoint)
        number = sum(DIGITS.index(one) << 2 * j for j, one in enumerate(reversed(letters)))
        assert found.paulis == (number,)
        assert found.constant is not None
        assert found.constant.tolist() == [[sign / 2]]


def test_a_formula_whose_generators_depend_on_its_angles():
    assert generators_of("u", False).constant is None
    assert generators_of("u", False).paulis == (0, 1, 2, 3)


def test_coefficients_are_those_of_qiskit():
    rng = np.random.default_rng(0)
    matrix, slope = rng.normal(size=(2, 4, 4)) + 1j * rng.normal(size=(2, 4, 4))
    unitary = np.linalg.qr(matrix)[0]
    generator = slope + slope.conj().T
    found = pauli_coefficients(unitary, -1j * unitary @ generator, False)
    wanted = SparsePauliOp.from_operator(Operator(generator))
    for label, coefficient in zip(wanted.paulis.to_labels(), wanted.coeffs, strict=True):
        number = sum(DIGITS.index(one) << 2 * j for j, one in enumerate(reversed(label)))
        assert found[number] == pytest.approx(coefficient.real)
