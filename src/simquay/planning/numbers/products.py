"""Products of gates as small matrices, all of one width computed together.

Each factor is a gate as a matrix on a few bits, whose entries are numbers of the gate, ones and
zeros: so the factors of a whole plan are one indexed read of the pool. They are read level by
level: the first factors of all products, the second ones of those that have two, and so on, with
the longest products first. So each level is one batched product of matrices that lie together.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from simquay.planning.numbers.patterns import Indices
from simquay.planning.numbers.pool import Pool

__all__ = ["ProductRecipe", "Products"]

_BATCH = 1 << 16
"""The most entries of a sweep's factors that are computed at once: memory that is given back to the
system and taken again would cost more than the arithmetic."""

_LONG = 16
"""Longer products are products of pieces of so many factors: each level is a call of NumPy."""


class Products:
    """Collects products on ``width`` bits.

    Attributes:
        ids: the number of each pattern that is in use, by any key.
        chosen: of the factors of all products, one product after the other and each in the order of
            application, the number of the pattern.
        starts: of the same, where the gate's numbers start in the pool.
        lengths: how many factors each product has.
    """

    __slots__ = ("_patterns", "chosen", "ids", "lengths", "starts", "width")

    def __init__(self, width: int) -> None:
        self.width = width
        self.ids: dict[Hashable, int] = {}
        self._patterns: list[Indices] = []
        self.chosen: list[int] = []
        self.starts: list[int] = []
        self.lengths: list[int] = []

    def register(self, key: Hashable, pattern: Indices) -> int:
        """The number of a new pattern (:func:`~simquay.planning.numbers.patterns.matrix_pattern`),
        which ``ids`` has under ``key`` from here on."""
        self._patterns.append(pattern)
        return self.ids.setdefault(key, len(self._patterns) - 1)

    def add(self, chosen: Sequence[int], starts: Sequence[int]) -> int:
        """Take in a product with these factors; returns its index."""
        self.chosen += chosen
        self.starts += starts
        self.lengths.append(len(chosen))
        return len(self.lengths) - 1

    def recipe(self) -> ProductRecipe:
        """The recipe of all products that were taken in, in order."""
        places = np.array(self._patterns).take(self.chosen, 0)
        places += np.array(self.starts, dtype=np.intp)[:, None]
        return _recipe(self.width, places, self.lengths)


class ProductRecipe(NamedTuple):
    """Products on ``width`` bits without their numbers.

    Attributes:
        width: in bits.
        inner: if given, the pieces of which these are products; they replace the pool.
        places: the indices of all factors' entries in the pool, level by level.
        levels: how many factors each level has.
        order: the position of each product among all, the longest first; None if it is its own.
    """

    width: int
    inner: ProductRecipe | None
    places: Indices
    levels: list[int]
    order: Indices | None

    def fill(self, pool: Pool) -> Pool:
        """The products, shape ``(..., count, 2**width, 2**width)``, for a pool of shape
        ``(..., numbers)``: that of one gate list, or those of a sweep."""
        if self.inner is not None:
            pool = self.inner.fill(pool).reshape(*pool.shape[:-1], -1)
        if pool.ndim == 1:
            return self._multiplied(pool)
        lists = max(1, _BATCH // self.places.size)
        return np.concatenate(
            [self._multiplied(pool[first : first + lists]) for first in range(0, len(pool), lists)]
        )

    def _multiplied(self, pool: Pool) -> Pool:
        size = 1 << self.width
        factors: Pool = pool.take(self.places, -1, mode="clip")
        factors = factors.reshape(*pool.shape[:-1], -1, size, size)
        start = self.levels[0]
        products = factors[..., :start, :, :]
        for count in self.levels[1:]:
            level = factors[..., start : start + count, :, :]
            products[..., :count, :, :] = level @ products[..., :count, :, :]
            start += count
        if self.order is not None:
            return products.take(self.order, -3)
        # Without the other levels, whose memory can be used again.
        return products.copy() if start > self.levels[0] else products


def _recipe(width: int, places: Indices, lengths: Sequence[int]) -> ProductRecipe:
    """The recipe for factors whose ``places`` are given by rows, product by product."""
    inner = order = None
    longest = max(lengths)
    if longest > _LONG:
        pieces = [
            min(_LONG, length - done) for length in lengths for done in range(0, length, _LONG)
        ]
        inner = _recipe(width, places, pieces)
        places = np.arange(len(pieces) << 2 * width).reshape(len(pieces), -1)
        lengths = [-(-length // _LONG) for length in lengths]
        longest = max(lengths)
    if longest == 1:
        return ProductRecipe(width, inner, places, [len(lengths)], None)
    sequence = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    if sequence != sorted(sequence):
        order = np.argsort(sequence)
    firsts = [0, *accumulate(lengths)]
    firsts = [firsts[product] for product in sequence]
    left = len(sequence)
    levels = []
    rows: list[int] = []
    for level in range(longest):
        while lengths[sequence[left - 1]] <= level:
            left -= 1
        levels.append(left)
        rows += [first + level for first in firsts[:left]]
    return ProductRecipe(width, inner, places.take(rows, 0), levels, order)
