"""Expectation values of observables on an engine's state.

The state is read for all terms (:mod:`simquay.execution.observables.terms`) that need the same
rotations of its qubits: it is rotated in place, read, and rotated back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.execution.observables.terms import Floats, Rotation, reading_bytes, terms_of
from simquay.planning import make_plan
from simquay.program import Matrix, Observable

__all__ = ["Estimates", "chosen_values", "expectation_values"]

_CLOSE = 1.05
"""Of the standard error of a mean to that which is asked for; a larger one is worth another run."""

MOST_TRAJECTORIES = 10**5

_VALUES_AT_ONCE = 1 << 17
"""Means that are read at once, of all vectors together: a MiB, or those of one vector."""


@dataclass(frozen=True, eq=False)
class Estimates:
    """The expectation values that a job asks for.

    Attributes:
        observables: of the programs' qubits.
        chosen: by the number of a circuit in its job, the places in ``observables`` of those that
            it asks for.
        error: where the mean over all branches of a circuit cannot be had, it is taken over so many
            trajectories that its standard error is at most this, in units of the largest absolute
            value that the observable can have; see :attr:`trajectories`.
        exact: whether the mean of a circuit with noise is exact where that can be had, and not
            where it takes less than so many trajectories. If not, they are more where the standard
            error of a value turns out to be larger than ``error``.
    """

    observables: tuple[Observable, ...]
    chosen: tuple[tuple[int, ...], ...]
    error: float = 1e-2
    exact: bool = True

    @property
    def trajectories(self) -> int:
        """The number of trajectories, at most :data:`MOST_TRAJECTORIES`."""
        # A value between -v and v has a standard deviation of at most v.
        return min(math.ceil(self.error**-2), MOST_TRAJECTORIES)

    @property
    def most(self) -> int:
        """The most trajectories that :meth:`needed` gives."""
        return self.trajectories if self.exact else MOST_TRAJECTORIES

    def needed(self, errors: Floats, drawn: int) -> int:
        """How many trajectories give the error that is asked for, in units of the values, where
        means over ``drawn`` of them have the standard errors ``errors``; ``drawn`` if these do."""
        ratio = float(errors.max(initial=0.0)) / self.error
        if ratio <= _CLOSE:
            return drawn
        return max(min(math.ceil(drawn * ratio**2), self.most), drawn)

    @cached_property
    def result_bytes(self) -> int:
        """Bytes that the values of one circuit and their errors take at most."""
        return 16 * max(map(len, self.chosen), default=0)

    @cached_property
    def reading_bytes(self) -> int:
        """Bytes that reading the observables takes beside the state and their values."""
        return reading_bytes(self.observables)


def expectation_values(
    engine: Engine,
    state: Any,
    observables: Sequence[Observable],
    control: Control,
    measured: Sequence[int] = (),
    resets: Sequence[int] = (),
) -> Floats:
    """The expectation value of each of ``observables`` in each vector of ``state``.

    The state is the same afterwards, up to rounding where a term has many projectors onto
    eigenvectors of X or Y; its layout may be another then.

    Args:
        engine: the state's.
        state: of the qubits of the observables.
        observables: those to be read.
        control: checked meanwhile.
        measured: qubits that are measured afterwards: the mean is over the outcomes.
        resets: qubits that are reset afterwards; they may have been measured before.

    Returns:
        Shape ``(batch, len(observables))``.

    Raises:
        Cancelled: if ``control`` says so; the state may then be rotated.
    """
    if not observables:
        return np.zeros((state.batch, 0))
    [values] = _read(engine, state, [(0, state.batch, observables)], control, measured, resets)
    return values


def chosen_values(
    engine: Engine,
    state: Any,
    estimates: Estimates,
    circuits: Sequence[int],
    control: Control,
    measured: Sequence[int] = (),
    resets: Sequence[int] = (),
) -> list[Floats]:
    """The values that ``estimates`` wants of each vector, whose circuits have the numbers
    ``circuits``; otherwise as :func:`expectation_values`.

    Returns:
        For each group of consecutive vectors that want the same observables, values of shape
        ``(vectors, observables chosen)``.
    """
    wanted = [estimates.chosen[number] for number in circuits]
    bounds = [n for n, one in enumerate(wanted) if n == 0 or one != wanted[n - 1]]
    groups = [
        (start, stop, [estimates.observables[place] for place in wanted[start]])
        for start, stop in zip(bounds, [*bounds[1:], len(wanted)], strict=True)
    ]
    return _read(engine, state, groups, control, measured, resets)


def _read(
    engine: Engine,
    state: Any,
    groups: Sequence[tuple[int, int, Sequence[Observable]]],
    control: Control,
    measured: Sequence[int],
    resets: Sequence[int],
) -> list[Floats]:
    """The values of some observables in the vectors ``start`` to ``stop - 1``, for each group
    ``(start, stop, observables)``."""
    results = [np.zeros((stop - start, len(some))) for start, stop, some in groups]
    rotations: list[Rotation] = [((), ())]
    for rotation in rotations:  # the first finds the others
        _rotate(engine, state, rotation, _TO_Z, control)
        for (start, stop, some), values in zip(groups, results, strict=True):
            if not some:
                continue
            terms = terms_of(some, state.layout.order, measured, resets, rotation, engine.rotates)
            rotations += [one for one in terms.rotations if one not in rotations]
            # Few vectors at a time, where there are many terms.
            step = max(_VALUES_AT_ONCE // max(len(terms.weights), 1), 1)
            for first in range(start, stop, step):
                last = min(first + step, stop)
                rows = state
                if (first, last) != (0, state.batch):
                    rows = engine.rows(state, first, last)
                values[first - start : last - start] += terms.sums(engine, rows, control)
        _rotate(engine, state, rotation, _FROM_Z, control)
    return results


_TO_Z: tuple[NDArray[np.complex128], ...] = (
    np.array([[1, 1], [1, -1]], dtype=np.complex128) / math.sqrt(2),
    np.array([[1, -1j], [1, 1j]], dtype=np.complex128) / math.sqrt(2),
)
"""Matrices ``V`` with ``V P V† = Z``, for the Pauli matrices X and Y."""

_FROM_Z = tuple(matrix.conj().T.copy() for matrix in _TO_Z)


def _rotate(
    engine: Engine,
    state: Any,
    rotation: Rotation,
    matrices: Sequence[NDArray[np.complex128]],
    control: Control,
) -> None:
    gates = [
        Matrix(matrix, (qubit,))
        for matrix, qubits in zip(matrices, rotation, strict=True)
        for qubit in qubits
    ]
    if gates:
        layout = state.layout
        profile = engine.profile(state.precision, len(layout.order))
        engine.apply(state, make_plan(gates, layout, profile), control.section(0, 0))
