"""Runs of equal values in a sorted array."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["equal_runs"]


def equal_runs(ranked: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """``(low, high)`` of each run ``ranked[low:high]`` of equal values; ``ranked`` is sorted and
    not empty."""
    bounds = (np.flatnonzero(np.diff(ranked)) + 1).tolist()
    return itertools.pairwise([0, *bounds, len(ranked)])
