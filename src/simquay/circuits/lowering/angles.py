"""The angles of a circuit's parametric gates, as functions of the circuit's parameters.

An expression that is affine in the parameters is a constant and coefficients, so that the angles of
all points are computed together, by arrays. Any other expression is evaluated by Qiskit, once a
point.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterExpression, ParameterVectorElement

from simquay.errors import ProgramError

__all__ = ["SYMBOLS", "Angles", "NeedsValuesError", "is_parametric"]

SYMBOLS = frozenset({Parameter, ParameterVectorElement})
_Affine: TypeAlias = tuple[float, list[tuple[Parameter, float]]]


class NeedsValuesError(Exception):
    """An instruction can only be lowered where its parameters have values."""


class Angles:
    """The angles of one program: those of its parametric gates.

    The first are the circuit's parameters, in the order of ``circuit.parameters``. Lowering adds
    the others by :meth:`column`: expressions, and numbers beside them.

    Args:
        circuit: its ``parameters`` have different names, as Qiskit sees to.

    Attributes:
        index_of: the indices of the parameters, by name.
    """

    def __init__(self, circuit: QuantumCircuit) -> None:
        self._circuit = circuit
        self.index_of = {
            parameter.name: index for index, parameter in enumerate(circuit.parameters)
        }
        self._first = len(self.index_of)
        self._constants: list[float] = []  # of the other angles
        self._fixed: dict[float, int] = {}  # the indices of those that are numbers
        # The k-th list has the k-th term of each affine angle: index, parameter and coefficient.
        self._terms: list[list[tuple[int, int, float]]] = []
        self._others: list[tuple[int, ParameterExpression]] = []

    def __len__(self) -> int:
        return self._first + len(self._constants)

    @cached_property
    def parameters(self) -> frozenset[Parameter]:
        """The circuit's parameters."""
        return frozenset(self._circuit.parameters)

    def column(self, angle: Any) -> int:
        """The index of ``angle``, a number or an expression of the circuit's parameters.

        Raises:
            ValueError: if it is a number that is complex, infinite or not a number.
        """
        if type(angle) in SYMBOLS:
            return self.index_of[angle.name]
        if not is_parametric(angle):
            return self._fixed_column(_real(angle))
        index = len(self)
        affine = _affine(angle)
        if affine is None:
            self._others.append((index, angle))
            self._constants.append(0.0)
            return index
        constant, terms = affine
        for number, (parameter, coefficient) in enumerate(terms):
            if number == len(self._terms):
                self._terms.append([])
            self._terms[number].append((index, self.index_of[parameter.name], coefficient))
        self._constants.append(constant)
        return index

    def _fixed_column(self, number: float) -> int:
        if not math.isfinite(number):
            raise ValueError(f"its parameter {number} is not a finite number")
        if number not in self._fixed:
            self._fixed[number] = len(self)
            self._constants.append(number)
        return self._fixed[number]

    def at(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The angles, shape ``(points, len(self))``, where the parameters have the given values,
        shape ``(points, parameters)``.

        Raises:
            ProgramError: if an angle is complex, infinite or not a number; it names the expression
                and the point.
        """
        if not self._constants:
            return values
        angles = np.empty((len(values), len(self)))
        angles[:, : self._first] = values
        angles[:, self._first :] = self._constants
        for terms in self._terms:
            indices, parameters, coefficients = map(list, zip(*terms, strict=True))
            angles[:, indices] += values[:, parameters] * np.array(coefficients)
        for index, expression in self._others:
            angles[:, index] = self._evaluated(expression, values)
        return angles

    def _evaluated(
        self, expression: ParameterExpression, values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The values of ``expression``, one a point."""
        parameters = list(expression.parameters)
        columns = [self.index_of[parameter.name] for parameter in parameters]
        found = np.empty(len(values))
        for point, row in enumerate(values[:, columns].tolist()):
            given = dict(zip(parameters, row, strict=True))
            try:
                found[point] = _real(expression.bind(given))
            except (ValueError, ArithmeticError, TypeError, RuntimeError) as error:
                shown = ", ".join(f"{one.name}={value!r}" for one, value in given.items())
                raise ProgramError(
                    f"the expression {expression} of circuit {self._circuit.name!r} is no finite "
                    f"real number at point {point} ({shown}): {error}"
                ) from error
        return found


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


def _affine(expression: ParameterExpression) -> _Affine | None:
    """The constant and the coefficients of an expression that is affine in its parameters with
    real coefficients; None for any other."""
    parameters = list(expression.parameters)
    try:
        slopes = [expression.gradient(parameter) for parameter in parameters]
        if not all(isinstance(slope, (int, float)) for slope in slopes):
            return None
        constant = expression.bind(dict.fromkeys(parameters, 0.0)).numeric()
    except (ArithmeticError, RuntimeError):  # no derivative known, or no value at 0
        return None
    if isinstance(constant, complex):
        return None
    return float(constant), list(zip(parameters, map(float, slopes), strict=True))
