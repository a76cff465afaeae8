"""Many small vectors of a dense state at once: copies of chosen ones, an outcome for each.

A loop in Python over small vectors takes longer than the arithmetic on them; so these functions
work on as many vectors as stay in cache together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simquay.engines.numpy.state import DenseState, storage_indices
from simquay.errors import ProgramError
from simquay.program.bits import deposit, mask_of

__all__ = ["TOGETHER_BITS", "copy_vectors", "project_vectors"]

TOGETHER_BITS = 12
"""Vectors of more qubits are worked on one by one."""

_AT_ONCE = 1 << 15
"""Amplitudes of the vectors that are worked on at once, in temporary arrays."""


def copy_vectors(target: DenseState, parts: Sequence[tuple[DenseState, Sequence[int]]]) -> None:
    """Write the chosen vectors of each part to ``target``, one after the other."""
    vectors = target.vector
    size = vectors.shape[1]
    step = max(_AT_ONCE // size, 1)
    done = 0
    for part, numbers in parts:
        source = part.vector
        chosen = np.asarray(numbers, dtype=np.intp)
        if part.layout != target.layout:
            # The old index of each new one; where a qubit is 1 that was not stored, there is none.
            old, lost = storage_indices(np.arange(size), target.layout.order, part.layout)
        for first in range(0, len(chosen), step):
            some = chosen[first : first + step]
            into = vectors[done : done + len(some)]
            if part.layout != target.layout:
                into[...] = source[some[:, None], old]
                into[:, lost] = 0
            elif len(some) == 1:
                into[0] = source[some[0]]
            else:
                into[...] = source[some]
            done += len(some)


def project_vectors(
    state: DenseState,
    qubits: Sequence[int],
    outcomes: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    resets: Sequence[int],
) -> None:
    """See :meth:`simquay.engines.base.BaseEngine.project`."""
    positions = state.layout.positions()
    missing = [qubit for qubit in qubits if qubit not in positions]
    if missing:
        raise ProgramError(f"qubit {missing[0]} is not stored and cannot be projected")
    vector = state.vector
    values = deposit(outcomes, [positions[qubit] for qubit in qubits])
    index = np.arange(vector.shape[1], dtype=np.intp)
    measured = index & mask_of(positions[qubit] for qubit in qubits)
    scales = (probabilities**-0.5).astype(vector.real.dtype)[:, None]
    zero = scales.dtype.type(0)
    step = _AT_ONCE // vector.shape[1]
    for first in range(0, state.batch, step):
        some = slice(first, first + step)
        vector[some] *= np.where(measured == values[some, None], scales[some], zero)
    # A reset of a qubit found 1 moves amplitudes to where it is 0: all of those are 0 by now.
    moved = values & mask_of(positions[qubit] for qubit in resets)
    ones = np.flatnonzero(moved)
    for first in range(0, len(ones), step):
        rows = ones[first : first + step]
        vector[rows] = vector[rows[:, None], index ^ moved[rows, None]]
