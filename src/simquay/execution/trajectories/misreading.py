"""Classical bits that are recorded with errors: of shots, and of a distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simquay.program import Misread

__all__ = ["misread_distribution", "misread_samples", "misread_values"]


def misread_values(samples: NDArray[np.uint64], misread: Misread) -> NDArray[np.intp]:
    """The value of the bits of ``misread`` in each row of classical bits: a row of its table."""
    values = np.zeros(len(samples), dtype=np.intp)
    for place, clbit in enumerate(misread.clbits):
        bits = samples[:, clbit >> 6] >> np.uint64(clbit & 63) & np.uint64(1)
        values |= bits.astype(np.intp) << place
    return values


def misread_samples(
    samples: NDArray[np.uint64], misread: Misread, draws: NDArray[np.float64]
) -> None:
    """Record the bits of each row, in place, by a draw in [0, 1) for each."""
    before = misread_values(samples, misread)
    cumulative = np.cumsum(misread.probabilities, axis=1)
    levels = draws * cumulative[before, -1]
    after = np.zeros(len(samples), dtype=np.intp)
    for bound in cumulative.T[:-1]:
        after += bound[before] <= levels
    _write(samples, misread, before ^ after)


def _write(samples: NDArray[np.uint64], misread: Misread, flips: NDArray[np.intp]) -> None:
    for place, clbit in enumerate(misread.clbits):
        bits = (flips >> place & 1).astype(np.uint64)
        samples[:, clbit >> 6] ^= bits << np.uint64(clbit & 63)


def misread_distribution(
    outcomes: NDArray[np.uint64], weights: NDArray[np.float64], misread: Misread
) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """The outcomes that may be recorded, distinct, and their probabilities.

    ``outcomes`` are distinct rows of classical bits, shape ``(outcomes, words)``.
    """
    before = misread_values(outcomes, misread)
    rows, after = np.nonzero(misread.probabilities[before])
    found = outcomes[rows]
    _write(found, misread, before[rows] ^ after)
    weights = weights[rows] * misread.probabilities[before[rows], after]
    if found.shape[1] == 1:
        distinct, places = np.unique(found[:, 0], return_inverse=True)
        distinct = distinct[:, None]
    else:
        distinct, places = np.unique(found, axis=0, return_inverse=True)
    return distinct, np.bincount(places.reshape(-1), weights).astype(np.float64)
