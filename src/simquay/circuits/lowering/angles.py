"""The angles of a circuit's parametric gates, as functions of the circuit's parameters.

An expression that is affine in the parameters is a constant and coefficients, so that the angles of
all points are computed together, by arrays; so are products of such. Any other expression is
evaluated by Qiskit, once a point.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterExpression, ParameterVectorElement

from simquay.errors import ProgramError

__all__ = ["DIFFERENCES", "SYMBOLS", "Angles", "NeedsValuesError", "is_parametric"]

SYMBOLS = frozenset({Parameter, ParameterVectorElement})
_REAL = frozenset({int, float})
_MANY = 8
"""From so many points on, arrays evaluate an expression that is not affine in less time."""
_FEW = 4
"""The most parameters of such an expression: it may have two terms for each set of them."""

_STEP = 1 / 128
DIFFERENCES = tuple(
    (sign * count * _STEP, sign * weight / _STEP)
    for count, weight in ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))
    for sign in (1, -1)
)
"""Shifts and weights: the derivative of a smooth function as a sum of its values, of order 8. Its
error is that of rounding, some 1e-13, where the function has frequencies up to 10."""


class NeedsValuesError(Exception):
    """An instruction can only be lowered where its parameters have values."""


class Angles:
    """The angles of one program: those of its parametric gates.

    The first are the circuit's parameters, in the order of ``circuit.parameters``. Lowering adds
    the others by :meth:`column`: expressions, and numbers beside them.

    Args:
        circuit: its ``parameters`` have different names, as Qiskit sees to.
        values: of the parameters, shape ``(parameters,)``, for the instructions that need them;
            None if there are none yet.
        moved: an angle, by its index, and what is added to its value for these instructions.

    Attributes:
        index_of: the indices of the parameters, by name.
        repeatable: whether every circuit with equal data is lowered to the same program.
        needed: the indices of the angles that depend on a parameter and whose values were needed.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        values: NDArray[np.float64] | None = None,
        moved: tuple[int, float] = (-1, 0.0),
    ) -> None:
        self._name = circuit.name
        self._values, self._moved = values, moved
        self.needed: set[int] = set()
        self._listed = circuit.parameters
        self.index_of = {parameter.name: index for index, parameter in enumerate(self._listed)}
        self.repeatable = True
        self._first = len(self.index_of)
        self._added: list[float | ParameterExpression] = []  # the other angles
        self._constants: list[float] = []  # their values at 0
        self._known: dict[float | ParameterExpression, int] = {}  # the indices of some
        # List k has the k-th term of each affine angle: index, parameter and coefficient.
        self._terms: dict[int, list[tuple[int, int, float]]] = defaultdict(list)
        self._others: list[tuple[int, ParameterExpression]] = []

    def __len__(self) -> int:
        return self._first + len(self._added)

    @cached_property
    def parameters(self) -> frozenset[Parameter]:
        """The circuit's parameters."""
        return frozenset(self._listed)

    def column(self, angle: Any) -> int:
        """The index of ``angle``, a number or an expression of the circuit's parameters.

        Raises:
            ValueError: if it is a number that is complex, infinite or not a number.
        """
        if type(angle) in SYMBOLS:
            return self.index_of[angle.name]
        if not is_parametric(angle):
            angle = _real(angle)
            if not math.isfinite(angle):
                raise ValueError(f"its parameter {angle} is not a finite number")
        elif len(angle.parameters) > 1:
            return self._add(angle)  # to compare such takes longer than to compute them
        try:
            index = self._known.get(angle)
        except OverflowError:  # Qiskit has no hash of an expression that came to a negative number
            return self._add(angle)
        if index is None:
            index = self._known[angle] = self._add(angle)
        return index

    def number(self, index: int) -> float:
        """The value of the angle ``index``, for an instruction that needs it.

        Raises:
            NeedsValuesError: if the parameters have no values.
            ProgramError: if it is no real number.
        """
        if self._values is None:
            raise NeedsValuesError(f"angle {index} of circuit {self._name!r}")
        if index < self._first:
            value = self._values[index]
        elif is_parametric(angle := self._added[index - self._first]):
            value = self._one_by_one(angle, self._values[None], [0])[0]
        else:
            return angle
        self.needed.add(index)
        return float(value) + (self._moved[1] if index == self._moved[0] else 0.0)

    def _add(self, angle: float | ParameterExpression) -> int:
        index = len(self)
        self._added.append(angle)
        if not isinstance(angle, ParameterExpression):
            self._constants.append(angle)
            return index
        parameters = angle.parameters
        try:
            slopes = [angle.gradient(parameter) for parameter in parameters]
            constant = angle.bind(dict.fromkeys(parameters, 0.0)).numeric()
        except (ArithmeticError, RuntimeError):  # no derivative is known, or no value at 0
            slopes, constant = [], 0.0
        if slopes and _REAL.issuperset(map(type, (constant, *slopes))):  # it is affine
            self._constants.append(constant)
            for number, (parameter, slope) in enumerate(zip(parameters, slopes, strict=True)):
                self._terms[number].append((index, self.index_of[parameter.name], slope))
        else:
            self._constants.append(0.0)
            self._others.append((index, angle))
        return index

    def at(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The angles, shape ``(points, len(self))``, where the parameters have the given values,
        shape ``(points, parameters)``.

        Raises:
            ProgramError: if an angle is complex, infinite or not a number; it names the expression
                and the point.
        """
        if not self._added:
            return values
        angles = np.empty((len(values), len(self)))
        angles[:, : self._first] = values
        angles[:, self._first :] = self._constants
        with np.errstate(over="ignore", invalid="ignore"):
            for terms in self._terms.values():
                indices, parameters, coefficients = map(list, zip(*terms, strict=True))
                angles[:, indices] += values[:, parameters] * np.array(coefficients)
        for index, expression in self._others:
            angles[:, index] = self._evaluated(expression, values)
        if not np.isfinite(angles).all():
            point, index = np.argwhere(~np.isfinite(angles))[0]
            raise self._error(self._added[index - self._first], values[point], point, "")
        return angles

    def pulled_back(
        self, values: NDArray[np.float64], slopes: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Derivatives by the parameters, from those by the angles: the chain rule.

        Args:
            values: of the parameters, shape ``(points, parameters)``.
            slopes: of some functions, shape ``(points, functions, len(self))``.

        Returns:
            Shape ``(points, functions, parameters)``.

        Raises:
            ProgramError: if a derivative of an angle is complex, infinite or not a number.
        """
        result: NDArray[np.float64] = slopes[..., : self._first].copy()
        for terms in self._terms.values():
            indices, parameters, coefficients = map(list, zip(*terms, strict=True))
            found = slopes[..., indices] * np.array(coefficients)
            np.add.at(result.T, parameters, found.T)
        for index, expression in self._others:
            for parameter in expression.parameters:
                place = self.index_of[parameter.name]
                slope = self._slope(expression, parameter, values)
                result[..., place] += slopes[..., index] * slope[:, None]
        return result

    def _slope(
        self, expression: ParameterExpression, parameter: Parameter, values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The derivative of ``expression`` by one of its parameters, at each point."""
        every = range(len(values))
        try:
            slope = expression.gradient(parameter)
        except (ArithmeticError, RuntimeError):  # no derivative is known
            result = np.zeros(len(values))
            for shift, weight in DIFFERENCES:
                moved = values.copy()
                moved[:, self.index_of[parameter.name]] += shift
                result += weight * self._one_by_one(expression, moved, every)
        else:
            if is_parametric(slope):
                result = self._one_by_one(slope, values, every)
            else:
                result = np.full(len(values), _real(slope))
        if not np.isfinite(result).all():
            point = int(np.flatnonzero(~np.isfinite(result))[0])
            why = f": nor is its derivative by {parameter.name}"
            raise self._error(expression, values[point], point, why)
        return result

    def _evaluated(
        self, expression: ParameterExpression, values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The values of ``expression``, one a point."""
        every = range(len(values))
        if len(values) >= _MANY and len(expression.parameters) <= _FEW:
            found: NDArray[np.float64] | None = self._by_arrays(expression, values)
            ends = [every[0], every[-1]]
            # The check finds terms that cancel out: their sum has errors that the whole has not.
            if found is not None and np.allclose(
                found[ends], self._one_by_one(expression, values, ends), rtol=1e-13, atol=1e-13
            ):
                return found
        return self._one_by_one(expression, values, every)

    def _by_arrays(self, expression: ParameterExpression, values: NDArray[np.float64]) -> Any:
        """The values of an expression that is affine in each parameter while the others are
        fixed, as products of two are, or has no parameters; None for any other."""
        if not expression.parameters:
            return _real(expression)
        try:
            for parameter in expression.parameters:
                slope = expression.gradient(parameter)
                if isinstance(slope, ParameterExpression) and slope.gradient(parameter) != 0:
                    continue
                zero, one = [
                    self._by_arrays(expression.assign(parameter, at), values) for at in (0.0, 1.0)
                ]
                if zero is not None and one is not None:
                    return zero + values[:, self.index_of[parameter.name]] * (one - zero)
        except (ArithmeticError, RuntimeError, ValueError):  # no derivative, or complex parts
            pass
        return None

    def _one_by_one(
        self, expression: ParameterExpression, values: NDArray[np.float64], points: Sequence[int]
    ) -> NDArray[np.float64]:
        """The values of ``expression`` at some of the points, as Qiskit evaluates it."""
        parameters = list(expression.parameters)
        columns = [self.index_of[parameter.name] for parameter in parameters]
        found = np.empty(len(points))
        point = 0
        try:
            for place, point in enumerate(points):
                row = values[point, columns].tolist()
                found[place] = _real(expression.bind(dict(zip(parameters, row, strict=True))))
        except (ValueError, ArithmeticError, TypeError, RuntimeError) as error:
            raise self._error(expression, values[point], point, f": {error}") from error
        return found

    def _error(
        self, expression: Any, row: NDArray[np.float64], point: int, why: str
    ) -> ProgramError:
        names = sorted(parameter.name for parameter in expression.parameters)
        shown = ", ".join(f"{name}={float(row[self.index_of[name]])!r}" for name in names)
        return ProgramError(
            f"the expression {expression} of circuit {self._name!r} is no finite real "
            f"number at point {point} ({shown}){why}"
        )


def is_parametric(value: Any) -> bool:
    """Whether ``value`` is an expression of parameters that have no value."""
    kind = type(value)
    if kind is float:
        return False
    if kind in SYMBOLS:
        return True
    return isinstance(value, ParameterExpression) and bool(value.parameters)


def _real(value: Any) -> float:
    """A number, or an expression that is one, as a float.

    Raises:
        ValueError: if it is complex.
    """
    number = value.numeric() if isinstance(value, ParameterExpression) else value
    if isinstance(number, complex) and number.imag:
        raise ValueError(f"{number} is not real")
    return float(number.real)
