"""Observables as weights and strings of storage bits.

An engine knows :class:`~simquay.program.observable.Strings` of storage bits alone. Here a term of
an :class:`~simquay.program.observable.Observable` becomes a weight and such a string:

- a qubit that is not stored, or that is reset at the end, is |0>: a letter on it is a factor 1, 0
  or 1/2;
- on a qubit that is measured at the end, X and Y have mean 0, and a projector onto one of their
  eigenvectors 1/2;
- a few projectors onto eigenvectors of X or Y on other qubits are sums of Pauli matrices. Of many
  in one term, each is a projector onto |0> or |1> after a rotation of its qubit.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.program import Observable, Strings

__all__ = ["Floats", "Rotation", "Terms", "reading_bytes", "terms_of"]

Floats: TypeAlias = NDArray[np.float64]
_Masks: TypeAlias = NDArray[np.int64]
Rotation: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
"""The qubits whose X becomes Z, and those whose Y does."""

_TERM_BYTES = 120  # four masks, a weight and a mean, and again as many while they are found

_LETTER_BYTES = 40
"""For each letter while the terms are found: its bit, and what it does."""


class Terms(NamedTuple):
    """The terms of some observables that need one rotation, and do not vanish.

    Attributes:
        strings: of the terms that are not a multiple of the identity, by observable.
        weights: of these terms, float64.
        present: the observables that have such terms, increasing.
        first: the first term of each of these.
        constants: for each observable, the sum of the weights of identities.
        rotations: those that other terms need, if this one is none.
    """

    strings: Strings
    weights: Floats
    present: NDArray[np.intp]
    first: NDArray[np.intp]
    constants: Floats
    rotations: tuple[Rotation, ...]

    def sums(self, engine: Engine, state: Any, control: Control) -> Floats:
        """The sum of each observable's terms in each vector, to be broadcast to the shape
        ``(batch, observables)``."""
        result = self.constants
        if len(self.weights):
            means = engine.means(state, self.strings, control)
            means *= self.weights
            sums = np.add.reduceat(means, self.first, axis=1)
            if len(self.present) == len(result):
                return result + sums
            result = np.repeat(result[None, :], state.batch, axis=0)
            result[:, self.present] += sums
        return result


_FEW_PROJECTORS, _SMALL = 6, 10
"""Up to so many projectors onto eigenvectors of X or Y are written out in a term, for up to so many
stored qubits: 64 strings are read faster than the state is rotated twice. Else one projector is."""

_MOST_EXPANDED = 1 << 16
"""The most terms that are made so; where there would be more, states are rotated instead."""

_CACHE: dict[Hashable, Terms] = {}
"""The terms of observables that were asked for lately, as an optimiser asks for an energy."""

_MOST_CACHED, _FEW_TERMS = 32, 4096  # reading more takes far longer than finding them again


def reading_bytes(observables: Sequence[Observable]) -> int:
    """Bytes that reading observables takes beside the state and their values."""
    terms = sum(len(one.coefficients) for one in observables)
    if any(np.isin(one.letters, _PROJECTORS).any() for one in observables):
        terms += min(terms << _FEW_PROJECTORS, _MOST_EXPANDED)
    letters = sum(len(one.letters) for one in observables)
    return _TERM_BYTES * terms + _LETTER_BYTES * letters


def terms_of(
    observables: Sequence[Observable],
    order: tuple[int, ...],
    measured: Sequence[int] = (),
    resets: Sequence[int] = (),
    rotation: Rotation = ((), ()),
    rotates: bool = False,
) -> Terms:
    """The terms of ``observables`` for states of the layout ``order``, which are rotated or not."""
    if sum([len(one.coefficients) for one in observables]) > _FEW_TERMS:
        return _find_terms(observables, order, measured, resets, rotation, rotates)
    arrays = [
        array.tobytes()
        for one in observables
        for array in (one.coefficients, one.letters, one.qubits, one.bounds)
    ]
    size = observables[0].num_qubits
    key = (size, *arrays, order, tuple(measured), tuple(resets), rotation, rotates)
    terms = _CACHE.get(key)
    if terms is None:
        terms = _find_terms(observables, order, measured, resets, rotation, rotates)
        if len(_CACHE) >= _MOST_CACHED:
            _CACHE.clear()
        _CACHE[key] = terms
    return terms


# What a letter does on a stored qubit, on one that is measured, and on one that is |0>, as bits.
_X, _Z, _FIXED, _VALUE, _FROM_X, _FROM_Y, _HALF, _GONE = (1 << bit for bit in range(8))
_STORED, _MEASURED, _ZERO = range(3)


def _action(kind: int, letter: int) -> int:
    """The bits of ``letter`` on a qubit of a kind."""
    x, z, projector = letter >> 1 & 1, letter & 1, letter > 3
    if not x:
        minus = projector and not letter & 8
        if kind == _ZERO:
            return _GONE if minus else 0
        return (_FIXED | (_VALUE if minus else 0)) if projector else _Z * z
    if kind != _STORED:
        return _HALF if projector else _GONE
    if not projector:
        return _X | _Z * z
    return (_FROM_Y if z else _FROM_X) | _FIXED | (0 if letter & 8 else _VALUE)


_PROJECTORS = [6, 7, 10, 11]
"""The letters of projectors onto eigenvectors of X and Y."""

_ACTIONS = np.array(
    [[_action(kind, letter) for letter in range(12)] for kind in range(3)], dtype=np.uint8
)


def _find_terms(
    observables: Sequence[Observable],
    order: tuple[int, ...],
    measured: Sequence[int],
    resets: Sequence[int],
    rotation: Rotation,
    rotates: bool,
) -> Terms:
    kinds = np.full(observables[0].num_qubits, _ZERO)
    bits = np.zeros(len(kinds), dtype=np.int64)
    # A layout may have more bits than the qubits do; see simquay.execution.density.
    places = {qubit: place for place, qubit in enumerate(order) if qubit < len(kinds)}
    stored = [*places]
    kinds[stored] = _STORED
    bits[stored] = np.int64(1) << np.array([*places.values()], dtype=np.int64)
    kinds[[qubit for qubit in measured if qubit in places]] = _MEASURED
    kinds[list(resets)] = _ZERO

    coefficients = np.concatenate([one.coefficients for one in observables])
    counts = np.concatenate([np.diff(one.bounds) for one in observables])
    letters = np.concatenate([one.letters for one in observables])
    qubits = np.concatenate([one.qubits for one in observables])
    owners = np.repeat(np.arange(len(observables)), [len(one.coefficients) for one in observables])
    starts = np.cumsum(counts) - counts
    actions, bits = _ACTIONS[kinds[qubits], letters], bits[qubits]

    def total(union: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
        """For each term the union of the values of its letters; 0 where it has none."""
        result = union.reduceat(np.append(values, values.dtype.type(0)), starts)
        result[counts == 0] = 0
        return result

    used = int(np.bitwise_or.reduce(actions, initial=0))  # most actions are on no letter

    def mask(action: int) -> _Masks:
        if not used & action:
            return np.zeros(len(counts), dtype=np.int64)
        return total(np.bitwise_or, np.where(actions & action, bits, 0))

    weights = coefficients
    if used & (_HALF | _GONE):
        halves = total(np.add, (actions & _HALF != 0).astype(np.intp))
        weights = np.ldexp(coefficients, -halves)
        weights[total(np.bitwise_or, actions & _GONE) != 0] = 0
    chosen = weights != 0
    masks = np.array([mask(1 << bit) for bit in range(6)])
    found: list[Rotation] = []
    if used & (_FROM_X | _FROM_Y) or any(rotation):
        counts = total(np.add, (actions & (_FROM_X | _FROM_Y) != 0).astype(np.intp))
        few = chosen & (counts <= (_FEW_PROJECTORS if len(order) <= _SMALL else 1))
        if not rotates:
            few = chosen
        if not rotates or (1 << counts[few]).sum() <= _MOST_EXPANDED:
            masks, weights, owners = _expanded(masks, weights, owners, few)
            chosen = weights != 0
        from_x, from_y = masks[4:]
        here = [sum(1 << places[qubit] for qubit in some) for some in rotation]
        if here == [0, 0]:
            pairs = {*zip(from_x[chosen].tolist(), from_y[chosen].tolist(), strict=True)}
            pairs -= {(0, 0)}
            found = [(_named(one, order), _named(other, order)) for one, other in sorted(pairs)]
        chosen &= (from_x == here[0]) & (from_y == here[1])
    plain = chosen & ((masks[0] | masks[1] | masks[2]) == 0)
    constants: Floats = np.bincount(owners[plain], weights[plain], len(observables)).astype(float)
    chosen &= ~plain
    owners = owners[chosen]
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    strings = Strings(*[one[chosen] for one in masks[:4]])
    return Terms(strings, weights[chosen], owners[first], first, constants, tuple(found))


def _expanded(
    masks: _Masks, weights: Floats, owners: NDArray[np.intp], few: NDArray[np.bool_]
) -> tuple[_Masks, Floats, NDArray[np.intp]]:
    """Terms, of which those in ``few`` become sums of Pauli strings: ``(1 + P) / 2`` in the place
    of a projector onto an eigenvector of ``P``, or ``(1 - P) / 2``."""
    while len(rows := np.flatnonzero(few & ((masks[4] | masks[5]) != 0))):
        turned = masks[4, rows] | masks[5, rows]
        bits = turned & -turned
        signs = np.where(masks[3, rows] & bits, -0.5, 0.5)
        paulis = masks[:, rows] & ~bits
        paulis[0] |= bits
        paulis[1] |= bits & masks[5, rows]
        masks[:, rows] &= ~bits
        masks = np.concatenate([masks, paulis], axis=1)
        weights = np.concatenate([weights, weights[rows] * signs])
        weights[rows] /= 2
        owners = np.concatenate([owners, owners[rows]])
        few = np.concatenate([few, few[rows]])
    order = np.argsort(owners, kind="stable")
    return masks[:, order], weights[order], owners[order]


def _named(mask: int, order: Sequence[int]) -> tuple[int, ...]:
    """The qubits of the storage bits of ``mask``."""
    return tuple(qubit for place, qubit in enumerate(order) if mask >> place & 1)
