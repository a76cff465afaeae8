"""Strings as the kernel ``string_sums`` of cuda/whole_state.cuh takes them.

With ``p[i] = conj(a[i ^ x]) * a[i]``, a string's mean is ``1j**popcount(x & z)`` times the sum of
``(-1)**popcount(i & z) * p[i]`` over the ``i`` that have its fixed bits. The terms of ``i`` and of
``i ^ x`` are conjugate. So one index of each pair is enough, that without the highest bit of
``x``; and of ``p`` one part, the imaginary part where ``popcount(x & z)`` is odd. Strings that need
the same part of the same products are a group.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import Strings, bit_counts

__all__ = ["LARGE_GROUP", "StringGroups", "encode_strings"]

SMALL_GROUP = 8
"""The most strings of a group of which some have fixed bits, as QS_SMALL_GROUP."""

LARGE_GROUP = 256
"""The most strings of any group: one for each thread."""


class StringGroups(NamedTuple):
    """Strings in the kernel's form, sorted by their groups.

    Attributes:
        order: the numbers of the strings.
        scales: float64: factors of their sums.
        masks: uint64, shape ``(strings, 3)``: ``z``, ``fixed`` and ``values`` over the index of a
            product, which lacks the highest bit of ``x``.
        groups: uint64, shape ``(groups, 6)``: ``x``, the bits below its highest bit, whether the
            products are imaginary parts, how many there are, the first string, the strings.
    """

    order: NDArray[np.intp]
    scales: NDArray[np.float64]
    masks: NDArray[np.uint64]
    groups: NDArray[np.uint64]


def encode_strings(strings: Strings, width: int) -> StringGroups:
    """The groups of ``strings``, of states of ``width`` storage bits."""
    counts = bit_counts(strings.x & strings.z)
    keys = strings.x << 2 | (counts & 1) << 1 | (strings.fixed != 0)
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    starts = np.flatnonzero(np.diff(keys, prepend=-1)).tolist()
    groups: list[tuple[int, ...]] = []
    lows = np.empty(len(order), dtype=np.int64)
    for start, stop in pairwise([*starts, len(order)]):
        key = int(keys[start])
        x = key >> 2
        low = (1 << x.bit_length() - 1) - 1 if x else -1
        lows[start:stop] = low
        step = SMALL_GROUP if key & 1 else LARGE_GROUP
        size = 1 << width - (x != 0)
        groups += [
            (x, low, key >> 1 & 1, size, first, min(step, stop - first))
            for first in range(start, stop, step)
        ]
    masks = np.array([mask[order] for mask in strings[1:]]).T
    masks = masks & lows[:, None] | masks >> 1 & ~lows[:, None]
    # The sign of 1j**counts, or of its product with the 1j of an imaginary part.
    scales = np.where(counts + 1 & 2, -1.0, 1.0)
    scales[strings.x[order] != 0] *= 2
    table = np.array(groups, dtype=np.int64).reshape(-1, 6)
    return StringGroups(order, scales, masks.astype(np.uint64), table.astype(np.uint64))
