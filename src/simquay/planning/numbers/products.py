"""Products of gates: matrices on few bits, all that are equally wide computed together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from simquay.planning.numbers.pool import Indices, Pool

__all__ = ["ProductRecipe", "product_recipe"]

_BATCH = 1 << 14
"""The most entries of a sweep that are computed at once: memory that is given back to the system
and taken again would cost more than the arithmetic."""

_LONG = 16
"""Longer products are made of products of so many gates: each level is a call of NumPy."""


class ProductRecipe(NamedTuple):
    """Matrices of ``size`` rows, as products of gates.

    The products with the most gates come first. A level is the first gates of all products, the
    second gates of those that have two, and so on.

    Attributes:
        size: the rows of a matrix.
        inner: if given, the products of which these are products; they replace the pool.
        entries: where in the pool the entries of each gate are, by rows, level by level.
        levels: how many gates each level has.
        order: for each product, its place among those that were made; None for the same order.
    """

    size: int
    inner: ProductRecipe | None
    entries: Indices
    levels: list[int]
    order: Indices | None

    def fill(self, pool: Pool) -> Pool:
        """The products, shape ``(..., count, size, size)``, for a pool or several."""
        if self.inner is not None:
            pool = self.inner.fill(pool).reshape(*pool.shape[:-1], -1)
        if pool.ndim == 1:
            return self._fill(pool)
        lists = max(1, _BATCH // self.entries.size)
        parts = [self._fill(pool[first : first + lists]) for first in range(0, len(pool), lists)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _fill(self, pool: Pool) -> Pool:
        gates = pool.take(self.entries, -1).reshape(*pool.shape[:-1], -1, self.size, self.size)
        start = self.levels[0]
        made = gates[..., :start, :, :]
        for count in self.levels[1:]:
            level = gates[..., start : start + count, :, :]
            made[..., :count, :, :] = level @ made[..., :count, :, :]
            start += count
        return made if self.order is None else made.take(self.order, -3)


def product_recipe(
    patterns: Sequence[Indices], which: Sequence[int], starts: Sequence[int], counts: Sequence[int]
) -> ProductRecipe:
    """The recipe of products of ``counts[i]`` gates each.

    Args:
        patterns: of gates (:func:`~simquay.planning.numbers.patterns.matrix_pattern`), all of one
            width.
        which: for each gate, its pattern; the gates of one product follow each other.
        starts: for each gate, where its numbers start in the pool.
        counts: for each product, how many gates it has, at least one.
    """
    entries = np.array(patterns).take(which, 0)
    entries += np.array(starts, dtype=np.intp)[:, None]
    return _recipe(entries, counts)


def _recipe(entries: Indices, counts: Sequence[int]) -> ProductRecipe:
    """The recipe for gates whose ``entries`` are given by rows, product by product."""
    inner = order = None
    size = 1 << entries.shape[1].bit_length() // 2
    longest = max(counts)
    if longest > _LONG:
        pieces = [min(_LONG, count - done) for count in counts for done in range(0, count, _LONG)]
        inner = _recipe(entries, pieces)
        entries = np.arange(len(pieces) * size * size).reshape(len(pieces), -1)
        counts = [-(-count // _LONG) for count in counts]
        longest = max(counts)
    if longest == 1:
        return ProductRecipe(size, inner, entries, [len(counts)], None)
    made = sorted(range(len(counts)), key=counts.__getitem__, reverse=True)
    if any(later < product for product, later in pairwise(made)):
        order = np.argsort(made)
    firsts = [0, *accumulate(counts)]
    levels = []
    rows: list[int] = []
    for level in range(longest):
        own = [firsts[product] + level for product in made if counts[product] > level]
        levels.append(len(own))
        rows += own
    return ProductRecipe(size, inner, entries.take(rows, 0), levels, order)
