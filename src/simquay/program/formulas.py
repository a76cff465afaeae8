"""The arrays of Qiskit's standard gates, as functions of their angles.

The formulas are the matrices in the Qiskit API reference of each gate. Index bit ``j`` is the
gate's qubit ``j``; a controlled gate is written without its controls. Every array is read-only.

A :class:`Formula` gives the array of one gate, or those of many at once; :class:`Gathered` gives
arrays before their numbers are known. :data:`FORMULAS` has all formulas by name.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from functools import lru_cache
from inspect import signature
from itertools import chain, repeat, starmap
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FORMULAS",
    "ComplexArray",
    "Formula",
    "Gathered",
    "NotFiniteError",
    "constant",
    "cu",
    "freeze",
    "p",
    "p0",
    "phase",
]

ComplexArray: TypeAlias = NDArray[np.complexfloating[Any]]
Entries: TypeAlias = tuple[Any, ...]
"""The entries of an array in C order: numbers, or arrays with a number for each gate."""


def freeze(array: NDArray[Any]) -> NDArray[Any]:
    """``array`` itself, marked read-only."""
    array.flags.writeable = False
    return array


def constant(values: Any, dtype: Any = np.complex128) -> NDArray[Any]:
    """A read-only array of ``values``."""
    return freeze(np.array(values, dtype=dtype))


class _Scalars:
    """The functions that formulas use, for floats; for arrays they use NumPy's."""

    cos = math.cos
    sin = math.sin
    exp = cmath.exp


class Formula:
    """The array of a gate as a function of its angles.

    Args:
        entries: gives the entries from a namespace of functions (``cos``, ``sin`` and ``exp``) and
            the angles: floats, or arrays of them.
        shape: of the array.

    Attributes:
        name: its key in :data:`FORMULAS`.
        count: how many angles it takes.
        cached: as a call of the formula; the last few thousand results are kept, so that equal
            gates share one array.
    """

    def __init__(self, entries: Callable[..., Entries], shape: tuple[int, ...]) -> None:
        self.entries = entries
        self.shape = shape
        self.name = entries.__name__
        self.count = len(signature(entries).parameters) - 1
        # 4096 arrays of at most 4 x 4 amplitudes are about 2 MB.
        self.cached: Callable[..., ComplexArray] = lru_cache(maxsize=4096)(self)

    def __call__(self, *angles: float) -> ComplexArray:
        """The array of one gate.

        Raises:
            ValueError: if an angle is infinite or not a number.
        """
        numbers = tuple(map(float, angles))
        if not all(map(math.isfinite, numbers)):
            raise ValueError(f"its parameters {list(numbers)} are not all finite numbers")
        entries = np.array(self.entries(_Scalars, *numbers), dtype=np.complex128)
        return freeze(entries.reshape(self.shape))

    def at(self, angles: NDArray[np.float64], adjoint: bool = False) -> NDArray[np.complex128]:
        """The arrays of many gates, or of their inverses: shape ``(..., *shape)`` for angles of
        shape ``(..., count)``, in C order. Angles that are not finite give numbers that are not."""
        numbers = np.empty((*angles.shape[:-1], math.prod(self.shape)), dtype=np.complex128)
        columns = [angles[..., number] for number in range(self.count)]
        for number, entry in enumerate(self.entries(np, *columns)):
            numbers[..., number] = entry
        numbers = numbers.reshape(*angles.shape[:-1], *self.shape)
        if adjoint:
            numbers = numbers.swapaxes(-1, -len(self.shape)).conj().copy(order="C")
        return freeze(numbers)


class NotFiniteError(ValueError):
    """Some angle of the gates that are computed together is infinite or not a number."""


class Gathered:
    """The arrays of one formula for many gates, computed together, in a quarter of the time.

    A gate adds its angles to ``angles`` and takes the next of ``rows``: its array, which has no
    numbers before :meth:`fill`.

    Attributes:
        angles: of the gates since the last :meth:`fill`, in order.
        rows: an endless iterator of read-only arrays.
    """

    __slots__ = ("_blocks", "_formula", "_used", "angles", "rows")

    def __init__(self, formula: Formula) -> None:
        self.angles: list[float] = []
        self.rows = chain.from_iterable(starmap(self._block, repeat(())))
        self._formula = formula
        self._blocks: list[ComplexArray] = []  # those that are not filled to their end
        self._used = 0  # rows of the first of them that are filled

    def _block(self) -> ComplexArray:
        """A new block of rows, read-only."""
        rows = min(2 * len(self._blocks[-1]), 4096) if self._blocks else 64
        block = np.empty((rows, *self._formula.shape), dtype=np.complex128)
        self._blocks.append(block)
        return freeze(block.view())

    def fill(self) -> None:
        """Write the numbers of the arrays that were taken since the last time.

        Raises:
            NotFiniteError: if an angle is infinite or not a number.
        """
        if not self.angles:
            return
        try:
            angles = np.array(self.angles, dtype=np.float64)
        except OverflowError:  # an integer beyond all floats
            raise NotFiniteError from None
        if not np.isfinite(angles).all():
            raise NotFiniteError
        columns = angles.reshape(-1, self._formula.count).T
        entries = self._formula.entries(np, *columns)
        done, total, first = 0, columns.shape[1], self._used
        for block in self._blocks:
            part = block.reshape(len(block), -1)[first : first + total - done]
            for number, entry in enumerate(entries):
                one_each = isinstance(entry, np.ndarray)
                part[:, number] = entry[done : done + len(part)] if one_each else entry
            done, first, self._used = done + len(part), 0, first + len(part)
        del self._blocks[:-1]
        self.angles.clear()


FORMULAS: dict[str, Formula] = {}
"""All formulas, by name."""


def _array(*shape: int) -> Callable[[Callable[..., Entries]], Formula]:
    """Makes a formula of the function that gives its entries, and adds it to the table."""

    def make(entries: Callable[..., Entries]) -> Formula:
        formula = FORMULAS[entries.__name__] = Formula(entries, shape)
        return formula

    return make


@_array(1)
def phase(f: Any, angle: Any) -> Entries:
    """The factor exp(i angle)."""
    return (f.exp(1j * angle),)


@_array(2)
def p0(f: Any, angle: Any) -> Entries:
    """The diagonal of P(angle) on 0 in place of 1: a phase with an open control."""
    return f.exp(1j * angle), 1.0


@_array(2)
def p(f: Any, angle: Any) -> Entries:
    """The diagonal of P(angle)."""
    return 1.0, f.exp(1j * angle)


@_array(2)
def rz(f: Any, angle: Any) -> Entries:
    """The diagonal of RZ(angle)."""
    factor = f.exp(0.5j * angle)
    return factor.conjugate(), factor


@_array(4)
def rzz(f: Any, angle: Any) -> Entries:
    """The diagonal of RZZ(angle)."""
    factor = f.exp(0.5j * angle)
    inverse = factor.conjugate()
    return inverse, factor, factor, inverse


@_array(2, 2)
def rx(f: Any, angle: Any) -> Entries:
    """RX(angle)."""
    cosine, sine = f.cos(angle / 2), -1j * f.sin(angle / 2)
    return cosine, sine, sine, cosine


@_array(2, 2)
def ry(f: Any, angle: Any) -> Entries:
    """RY(angle)."""
    cosine, sine = f.cos(angle / 2), f.sin(angle / 2)
    return cosine, -sine, sine, cosine


@_array(2, 2)
def r(f: Any, theta: Any, phi: Any) -> Entries:
    """R(theta, phi): a rotation about the axis at angle phi in the xy-plane."""
    cosine, sine, turn = f.cos(theta / 2), -1j * f.sin(theta / 2), f.exp(1j * phi)
    return cosine, sine * turn.conjugate(), sine * turn, cosine


@_array(2, 2)
def u(f: Any, theta: Any, phi: Any, lam: Any) -> Entries:
    """U(theta, phi, lam)."""
    cosine, sine = f.cos(theta / 2), f.sin(theta / 2)
    left, right = f.exp(1j * phi), f.exp(1j * lam)
    return cosine, -right * sine, left * sine, left * right * cosine


@_array(2, 2)
def u2(f: Any, phi: Any, lam: Any) -> Entries:
    """U2(phi, lam) = U(pi/2, phi, lam)."""
    half = math.sqrt(0.5)
    left, right = f.exp(1j * phi), f.exp(1j * lam)
    return half, -right * half, left * half, left * right * half


@_array(2, 2)
def cu(f: Any, theta: Any, phi: Any, lam: Any, gamma: Any) -> Entries:
    """CU(theta, phi, lam, gamma) without its control."""
    cosine, sine, factor = f.cos(theta / 2), f.sin(theta / 2), f.exp(1j * gamma)
    left, right = factor * f.exp(1j * phi), f.exp(1j * lam)
    return factor * cosine, -factor * right * sine, left * sine, left * right * cosine


@_array(4, 4)
def rxx(f: Any, angle: Any) -> Entries:
    """RXX(angle)."""
    c, s = f.cos(angle / 2), -1j * f.sin(angle / 2)
    return c, 0, 0, s, 0, c, s, 0, 0, s, c, 0, s, 0, 0, c


@_array(4, 4)
def ryy(f: Any, angle: Any) -> Entries:
    """RYY(angle)."""
    c, s = f.cos(angle / 2), -1j * f.sin(angle / 2)
    return c, 0, 0, -s, 0, c, s, 0, 0, s, c, 0, -s, 0, 0, c


@_array(4, 4)
def rzx(f: Any, angle: Any) -> Entries:
    """RZX(angle), Z on the first qubit and X on the second."""
    c, s = f.cos(angle / 2), -1j * f.sin(angle / 2)
    return c, 0, s, 0, 0, c, 0, -s, s, 0, c, 0, 0, -s, 0, c


@_array(4, 4)
def xx_minus_yy(f: Any, theta: Any, beta: Any) -> Entries:
    """XXMinusYY(theta, beta)."""
    c, s, turn = f.cos(theta / 2), -1j * f.sin(theta / 2), f.exp(1j * beta)
    return c, 0, 0, s * turn.conjugate(), 0, 1, 0, 0, 0, 0, 1, 0, s * turn, 0, 0, c


@_array(4, 4)
def xx_plus_yy(f: Any, theta: Any, beta: Any) -> Entries:
    """XXPlusYY(theta, beta)."""
    c, s, turn = f.cos(theta / 2), -1j * f.sin(theta / 2), f.exp(1j * beta)
    return 1, 0, 0, 0, 0, c, s * turn.conjugate(), 0, 0, s * turn, c, 0, 0, 0, 0, 1
