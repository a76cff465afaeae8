"""Products of gates: as small matrices, or as tables of diagonals, all of one width at once.

Each factor is a gate as a matrix (or a table) on a few bits, whose entries are numbers of the gate,
ones and zeros: so the factors of a whole plan are one indexed read of the pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from simquay.planning.numbers.patterns import Indices
from simquay.planning.numbers.pool import Pool

__all__ = ["ProductRecipe", "Products", "TableRecipe"]

_BATCH = 1 << 16
"""The most entries of a sweep's factors that are computed at once: memory that is given back to the
system and taken again would cost more than the arithmetic."""

_LONG = 16
"""Longer products are products of pieces of so many factors: each level is a call of NumPy."""


class Products:
    """Collects products of matrices, or of tables, on equally many bits.

    Attributes:
        patterns: of the factors of all products, one product after the other and each in the order
            of application (:mod:`simquay.planning.numbers.patterns`).
        starts: of the same, where the gate's numbers start in the pool.
        lengths: how many factors each product has.
    """

    __slots__ = ("lengths", "patterns", "starts")

    def __init__(self) -> None:
        self.patterns: list[Indices] = []
        self.starts: list[int] = []
        self.lengths: list[int] = []

    def add(self, patterns: Sequence[Indices], starts: Sequence[int]) -> int:
        """Take in the product of these factors (one or more); returns its index."""
        self.patterns += patterns
        self.starts += starts
        self.lengths.append(len(starts))
        return len(self.lengths) - 1

    def matrices(self, width: int) -> ProductRecipe:
        """The recipe of all products, as matrices on ``width`` bits, in order."""
        return _recipe(width, self._places(), self.lengths)

    def tables(self) -> TableRecipe:
        """The recipe of all products, as tables, in order."""
        firsts = [0, *accumulate(self.lengths)][:-1]
        return TableRecipe(self._places(), firsts if len(firsts) < len(self.starts) else None)

    def _places(self) -> Indices:
        """The indices of all factors' entries in the pool, a row for each."""
        # The fastest way for many short arrays, whose types do not say that they are buffers.
        patterns: list[Any] = self.patterns
        joined = np.frombuffer(b"".join(patterns), dtype=np.intp)
        starts = np.array(self.starts, dtype=np.intp)[:, None]
        return joined.reshape(len(self.starts), -1) + starts


class TableRecipe(NamedTuple):
    """Tables of one length without their numbers: the indices of all factors, and each table's
    first one (None if each has one)."""

    places: Indices
    firsts: list[int] | None

    def fill(self, pool: Pool) -> Pool:
        """The tables, shape ``(..., count, length)``, for a pool of shape ``(..., numbers)``."""
        found: Pool = pool.take(self.places, -1, mode="clip")
        return found if self.firsts is None else np.multiply.reduceat(found, self.firsts, -2)


class ProductRecipe(NamedTuple):
    """Matrices on ``width`` bits without their numbers.

    Factors are read level by level: the first ones of all products, the second ones of those that
    have two, and so on, with the longest products first. So each level is one batched product of
    matrices that lie together.

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
