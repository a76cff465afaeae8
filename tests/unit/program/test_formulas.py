"""The arrays of standard gates, against Qiskit's matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit.circuit import library

from simquay.program import formulas
from simquay.program.formulas import FORMULAS, Gathered, NotFiniteError, constant, freeze

ANGLES = (0.3, -1.1, 2.7, 5.9)

MATRICES = [
    (formulas.rx, library.RXGate, 1),
    (formulas.ry, library.RYGate, 1),
    (formulas.r, library.RGate, 2),
    (formulas.u, library.UGate, 3),
    (formulas.u2, library.U2Gate, 2),
    (formulas.rxx, library.RXXGate, 1),
    (formulas.ryy, library.RYYGate, 1),
    (formulas.rzx, library.RZXGate, 1),
    (formulas.xx_minus_yy, library.XXMinusYYGate, 2),
    (formulas.xx_plus_yy, library.XXPlusYYGate, 2),
]
DIAGONALS = [
    (formulas.phase, library.GlobalPhaseGate),
    (formulas.p, library.PhaseGate),
    (formulas.rz, library.RZGate),
    (formulas.rzz, library.RZZGate),
]


@pytest.mark.parametrize(
    ("build", "gate", "count"), MATRICES, ids=[row[1].__name__ for row in MATRICES]
)
def test_matrix(build, gate, count):
    angles = ANGLES[:count]
    np.testing.assert_allclose(build(*angles), gate(*angles).to_matrix(), atol=1e-15)


@pytest.mark.parametrize(("build", "gate"), DIAGONALS, ids=[row[1].__name__ for row in DIAGONALS])
def test_diagonal(build, gate):
    np.testing.assert_allclose(np.diag(build(0.3)), gate(0.3).to_matrix(), atol=1e-15)


def test_cu_is_the_block_where_the_control_is_1():
    # Index bit 0 is the control.
    block = library.CUGate(*ANGLES).to_matrix()[1::2, 1::2]
    np.testing.assert_allclose(formulas.cu(*ANGLES), block, atol=1e-15)


def test_p0_is_a_phase_of_0_in_place_of_1():
    np.testing.assert_array_equal(formulas.p0(0.3), formulas.p(0.3)[::-1])


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("leading", [(), (3,), (2, 0), (2, 3)])
def test_the_arrays_of_many_gates_are_those_of_single_ones(name, leading):
    formula = FORMULAS[name]
    assert formula.name == name
    angles = np.random.default_rng(3).uniform(-7, 7, (*leading, formula.count))
    arrays = formula.at(angles)
    assert arrays.shape == (*leading, *formula.shape)
    assert arrays.flags.c_contiguous
    assert not arrays.flags.writeable
    for index in np.ndindex(leading):
        np.testing.assert_allclose(arrays[index], formula(*angles[index]), atol=1e-15)


def test_equal_angles_give_the_same_array_which_is_read_only():
    first = formulas.rx.cached(0.25)
    assert formulas.rx.cached(0.25) is first
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 7


def test_freeze_marks_the_array_itself():
    array = np.zeros(2)
    assert freeze(array) is array
    assert not array.flags.writeable


def test_constant_copies():
    values = np.ones(2, dtype=complex)
    made = constant(values)
    values[0] = 5
    assert made.tolist() == [1, 1]
    assert made.dtype == np.complex128


@pytest.mark.parametrize("angle", [math.nan, math.inf])
def test_angles_must_be_finite(angle):
    with pytest.raises(ValueError, match="not all finite"):
        formulas.p(angle)


@pytest.mark.parametrize("counts", [[5], [64, 1], [70, 3, 300]])
@pytest.mark.parametrize("formula", FORMULAS.values())
def test_gathered_arrays_are_those_of_single_gates(formula, counts):
    # Some counts fill a block of arrays, and leave the rest of one to the gates after a fill.
    rng = np.random.default_rng(5)
    gathered = Gathered(formula)
    for count in counts:
        angles = rng.uniform(-7, 7, (count, formula.count))
        arrays = []
        for row in angles.tolist():
            gathered.angles.extend(row)
            arrays.append(next(gathered.rows))
        gathered.fill()
        for row, array in zip(angles.tolist(), arrays, strict=True):
            np.testing.assert_allclose(array, formula(*row), atol=1e-15)
            assert not array.flags.writeable


def test_gathered_angles_must_be_finite():
    gathered = Gathered(formulas.rx)
    gathered.angles.extend([0.5, math.nan])
    with pytest.raises(NotFiniteError):
        gathered.fill()
