"""The arrays of Qiskit's standard gates, as functions of their parameters.

The formulas are the matrices in the Qiskit API reference of each gate. Index bit ``j`` is the
gate's qubit ``j``; a controlled gate is written without its controls. Every array is read-only, and
the functions of angles cache the last few thousand results, so that equal gates share one.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["ComplexArray", "constant", "cu", "freeze", "p", "phase"]

ComplexArray: TypeAlias = NDArray[np.complexfloating[Any]]

# 4096 arrays of at most 4 x 4 amplitudes are about 2 MB.
_cached = lru_cache(maxsize=4096)


def freeze(array: NDArray[Any]) -> NDArray[Any]:
    """``array`` itself, marked read-only."""
    array.flags.writeable = False
    return array


def constant(values: Any, dtype: Any = np.complex128) -> NDArray[Any]:
    """A read-only array of ``values``."""
    return freeze(np.array(values, dtype=dtype))


def _finite(*angles: float) -> tuple[float, ...]:
    """The angles as floats.

    Raises:
        ValueError: if one of them is infinite or not a number.
    """
    numbers = tuple(map(float, angles))
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"its parameters {list(numbers)} are not all finite numbers")
    return numbers


def phase(angle: float) -> complex:
    """``exp(i * angle)``.

    Raises:
        ValueError: if the angle is infinite or not a number.
    """
    (angle,) = _finite(angle)
    return cmath.exp(1j * angle)


@_cached
def p(angle: float) -> ComplexArray:
    """The diagonal of P(angle), shape (2,)."""
    return constant((1.0, phase(angle)))


@_cached
def rz(angle: float) -> ComplexArray:
    """The diagonal of RZ(angle), shape (2,)."""
    factor = phase(angle / 2)
    return constant((factor.conjugate(), factor))


@_cached
def rzz(angle: float) -> ComplexArray:
    """The diagonal of RZZ(angle), shape (4,)."""
    factor = phase(angle / 2)
    inverse = factor.conjugate()
    return constant((inverse, factor, factor, inverse))


@_cached
def rx(angle: float) -> ComplexArray:
    """RX(angle), shape (2, 2)."""
    (angle,) = _finite(angle)
    cosine, sine = math.cos(angle / 2), -1j * math.sin(angle / 2)
    return constant(((cosine, sine), (sine, cosine)))


@_cached
def ry(angle: float) -> ComplexArray:
    """RY(angle), shape (2, 2)."""
    (angle,) = _finite(angle)
    cosine, sine = math.cos(angle / 2), math.sin(angle / 2)
    return constant(((cosine, -sine), (sine, cosine)))


@_cached
def r(theta: float, phi: float) -> ComplexArray:
    """R(theta, phi): a rotation about the axis at angle phi in the xy-plane, shape (2, 2)."""
    theta, phi = _finite(theta, phi)
    cosine, sine, turn = math.cos(theta / 2), -1j * math.sin(theta / 2), cmath.exp(1j * phi)
    return constant(((cosine, sine * turn.conjugate()), (sine * turn, cosine)))


@_cached
def u(theta: float, phi: float, lam: float) -> ComplexArray:
    """U(theta, phi, lam), shape (2, 2)."""
    theta, phi, lam = _finite(theta, phi, lam)
    cosine, sine = math.cos(theta / 2), math.sin(theta / 2)
    left, right = cmath.exp(1j * phi), cmath.exp(1j * lam)
    return constant(((cosine, -right * sine), (left * sine, left * right * cosine)))


def u2(phi: float, lam: float) -> ComplexArray:
    """U2(phi, lam) = U(pi/2, phi, lam), shape (2, 2)."""
    return u(math.pi / 2, phi, lam)


@_cached
def cu(theta: float, phi: float, lam: float, gamma: float) -> ComplexArray:
    """CU(theta, phi, lam, gamma) without its control, shape (2, 2)."""
    return freeze(phase(gamma) * u(theta, phi, lam))


@_cached
def rxx(angle: float) -> ComplexArray:
    """RXX(angle), shape (4, 4)."""
    (angle,) = _finite(angle)
    c, s = math.cos(angle / 2), -1j * math.sin(angle / 2)
    return constant(((c, 0, 0, s), (0, c, s, 0), (0, s, c, 0), (s, 0, 0, c)))


@_cached
def ryy(angle: float) -> ComplexArray:
    """RYY(angle), shape (4, 4)."""
    (angle,) = _finite(angle)
    c, s = math.cos(angle / 2), -1j * math.sin(angle / 2)
    return constant(((c, 0, 0, -s), (0, c, s, 0), (0, s, c, 0), (-s, 0, 0, c)))


@_cached
def rzx(angle: float) -> ComplexArray:
    """RZX(angle), Z on the first qubit and X on the second, shape (4, 4)."""
    (angle,) = _finite(angle)
    c, s = math.cos(angle / 2), -1j * math.sin(angle / 2)
    return constant(((c, 0, s, 0), (0, c, 0, -s), (s, 0, c, 0), (0, -s, 0, c)))


@_cached
def xx_minus_yy(theta: float, beta: float) -> ComplexArray:
    """XXMinusYY(theta, beta), shape (4, 4)."""
    theta, beta = _finite(theta, beta)
    c, s, turn = math.cos(theta / 2), -1j * math.sin(theta / 2), cmath.exp(1j * beta)
    return constant(
        ((c, 0, 0, s * turn.conjugate()), (0, 1, 0, 0), (0, 0, 1, 0), (s * turn, 0, 0, c))
    )


@_cached
def xx_plus_yy(theta: float, beta: float) -> ComplexArray:
    """XXPlusYY(theta, beta), shape (4, 4)."""
    theta, beta = _finite(theta, beta)
    c, s, turn = math.cos(theta / 2), -1j * math.sin(theta / 2), cmath.exp(1j * beta)
    return constant(
        ((1, 0, 0, 0), (0, c, s * turn.conjugate(), 0), (0, s * turn, c, 0), (0, 0, 0, 1))
    )


Builder: TypeAlias = Callable[..., ComplexArray]
