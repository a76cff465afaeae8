"""Angles of parametric gates at many points, against Qiskit's own binding."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector

from simquay.circuits.lowering.angles import Angles, NeedsValuesError, is_parametric
from simquay.errors import ProgramError

A, B = Parameter("a"), Parameter("b")
VALUES = np.array([[0.3, -1.2], [2.5, 0.7], [-0.4, 1e-3], [30.0, -5.0]])

EXPRESSIONS = [
    2 * A,
    A + B,
    1 - A / 3 + 0.25 * B - 4,
    A - A,
    A * 0 + B,
    (A + B) * 2 - A,
    A * B,
    2 * (math.pi - A) * (math.pi - B),
    (A + 1) * (B - 2) * 0.5 - A,
    (A + 1e8) * (B - 1e8) + 1e8 * A,
    A * B.sin(),
    A * A + B,
    A**2,
    2**B,
    (A.sin() + B.cos()) / (B + 7),
    abs(A) + B,
    A.sign() * B,
    A.conjugate() + 1,
    (A * 1j) * 1j + B,
    (A * 1j) * (B * 1j),
    A.exp().log(),
    A.arctan() + B.tan(),
]


def angles() -> Angles:
    """Those of a circuit whose parameters are b and a: it lists them by name."""
    circuit = QuantumCircuit(1, name="ansatz")
    circuit.rx(B, 0)
    circuit.rx(A, 0)
    return Angles(circuit)


@pytest.mark.parametrize("values", [VALUES, np.random.default_rng(2).normal(size=(40, 2))])
@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_an_expression_has_the_values_that_qiskit_binds(expression, values):
    made = angles()
    column = made.column(expression)
    assert column == 2
    found = made.at(values)
    assert found.shape == (len(values), len(made)) == (len(values), 3)
    np.testing.assert_array_equal(found[:, :2], values)
    for row, (a, b) in zip(found, values.tolist(), strict=True):
        given = {p: v for p, v in ((A, a), (B, b)) if p in expression.parameters}
        number = complex(expression.bind(given).numeric())
        assert row[column] == pytest.approx(number.real, rel=1e-13, abs=1e-13)


def test_many_angles_are_each_at_their_place():
    made = angles()
    columns = [made.column(one) for one in (A, 3.5, *EXPRESSIONS, B, A, 3.5, -2)]
    assert columns[0] == columns[-3] == 0
    assert columns[-4] == 1
    assert columns[1] == columns[-2]
    found = made.at(VALUES)
    assert found[:, columns[1]].tolist() == [3.5] * 4
    assert found[:, columns[-1]].tolist() == [-2.0] * 4
    for column, expression in zip(columns[2:-4], EXPRESSIONS, strict=True):
        alone = angles()
        place = alone.column(expression)
        np.testing.assert_array_equal(found[:, column], alone.at(VALUES)[:, place])


def test_parameters_come_first_in_the_order_of_the_circuit():
    vector = ParameterVector("t", 12)
    circuit = QuantumCircuit(1)
    for element in reversed(vector):
        circuit.rx(element, 0)
    made = Angles(circuit)
    assert [made.column(one) for one in vector] == list(range(12))
    values = np.random.default_rng(0).normal(size=(3, 12))
    assert made.at(values) is values


@pytest.mark.parametrize("points", [0, 1])
def test_few_points(points):
    made = angles()
    made.column(A * B)
    assert made.at(VALUES[:points]).shape == (points, 3)


def test_products_at_many_points_are_not_evaluated_one_by_one(monkeypatch):
    seen: list[int] = []
    one_by_one = Angles._one_by_one

    def counted(*args):
        seen.append(len(args[-1]))
        return one_by_one(*args)

    monkeypatch.setattr(Angles, "_one_by_one", counted)
    values = np.random.default_rng(2).normal(size=(40, 2))
    for expression in (2 * (math.pi - A) * (math.pi - B), A.sin() * B):
        made = angles()
        made.column(expression)
        made.at(values)
    assert seen == [2, 40]


def test_products_whose_terms_cancel_out_are_evaluated_as_they_are():
    made = angles()
    column = made.column((A - 1e8) * (B - 1e8))
    values = 1e8 + np.random.default_rng(2).normal(size=(40, 2))
    expected = (values[:, 0] - 1e8) * (values[:, 1] - 1e8)
    np.testing.assert_allclose(made.at(values)[:, column], expected, rtol=1e-12)


COMPLEX = [A * 1j, A * 1j + B]  # real where a is 0


@pytest.mark.parametrize(
    ("expression", "bad"),
    [
        (1 / B, (0.5, 0.0)),
        (1e300 * A + B, (1e200, 1.0)),
        (1e308 * A - 1e308 * B, (10.0, 10.0)),
        (A.log(), (0.0, 1.0)),
        (A.log(), (-1.0, 1.0)),
        (A**0.5, (-1.0, 1.0)),
        (A.arcsin(), (2.0, 1.0)),
        (A.exp(), (1e3, 1.0)),
        (COMPLEX[0], (0.5, 1.0)),
        (COMPLEX[1], (0.5, 1.0)),
    ],
    ids=str,
)
def test_an_expression_without_a_real_value_is_an_error_that_names_the_point(expression, bad):
    made = angles()
    made.column(expression)
    values = np.array([(0.0, 1.0) if expression in COMPLEX else (0.5, 1.0), bad])
    with pytest.raises(ProgramError, match=r"of circuit 'ansatz' is no .*real number at point 1 "):
        made.at(values)


@pytest.mark.parametrize("number", [math.nan, math.inf, 1j])
def test_a_number_beside_parameters_must_be_finite_and_real(number):
    with pytest.raises(ValueError, match="not"):
        angles().column(number)


def test_expressions_without_parameters_are_numbers():
    bound = (2 * A).bind({A: 0.25})
    assert not is_parametric(bound)
    assert not is_parametric(0.5)
    assert is_parametric(A)
    made = angles()
    column = made.column(bound)
    assert made.at(VALUES)[0, column] == 0.5


def test_expressions_that_came_to_a_negative_number():
    a = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.rx(a, 0)
    angles = Angles(circuit)
    columns = [angles.column(one) for one in (a - a - 0.7, a * 0 - 1)]
    np.testing.assert_array_equal(angles.at(np.array([[0.3]]))[0, columns], [-0.7, -1])


def test_numbers_at_a_point_and_one_that_is_moved():
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(1)
    circuit.u(a, b, a * b, 0)
    angles = Angles(circuit, np.array([0.5, 3.0]), moved=(2, 0.25))
    columns = [angles.column(one) for one in (a, a * b, 0.1)]
    assert [angles.number(one) for one in columns] == [0.5, 1.75, 0.1]
    assert angles.needed == {0, 2}
    with pytest.raises(NeedsValuesError):
        Angles(circuit).number(0)


def test_derivatives_by_parameters_follow_from_those_by_angles():
    a, b, c = (Parameter(name) for name in "abc")
    circuit = QuantumCircuit(1)
    expressions = [a, 2 * a - b, b * c, a.sin() * c**2, 0.7, (a / b).abs(), c, 1 - a - b - c, 3 * a]
    for expression in expressions:
        circuit.rx(expression, 0)
    angles = Angles(circuit)
    columns = [angles.column(one) for one in expressions]
    rng = np.random.default_rng(0)
    values = rng.uniform(0.2, 1, (3, 3))
    slopes = rng.uniform(-1, 1, (3, 2, len(angles)))
    found = angles.pulled_back(values, slopes)
    assert found.shape == (3, 2, 3)
    for parameter in range(3):
        moved = np.array([values, values])
        moved[0, :, parameter] += 1e-5
        moved[1, :, parameter] -= 1e-5
        slope = (angles.at(moved[0]) - angles.at(moved[1])) / 2e-5
        wanted = (slopes * slope[:, None])[..., sorted({*columns, *range(3)})].sum(-1)
        np.testing.assert_allclose(found[..., parameter], wanted, atol=1e-9)


def test_a_derivative_that_is_not_finite_is_an_error():
    a = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.rx(a**0.5, 0)
    angles = Angles(circuit)
    angles.column(a**0.5)
    with pytest.raises(ProgramError, match="no finite real number at point 0"):
        angles.pulled_back(np.zeros((1, 1)), np.ones((1, 1, 2)))
