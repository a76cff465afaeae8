"""Products of gates as small matrices, all of one width computed together.

Each factor is a gate as a matrix on a few bits, whose entries are numbers of the gate, ones and
zeros: so the factors of a whole plan are one indexed read of the pool, and the products are a few
batched products of matrices.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from simquay.planning.numbers.patterns import Indices
from simquay.planning.numbers.pool import Pool

__all__ = ["ProductRecipe", "Products"]

_BATCH = 1 << 14
"""The most entries of factors that are computed at once: memory that is given back to the system
and taken again for each plan would cost more than the arithmetic."""


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
        chosen = np.array(self.chosen)
        starts = np.array(self.starts)
        lengths = np.array(self.lengths)
        most = _BATCH >> 2 * self.width
        batches = []
        first = done = 0
        if len(chosen) > most:
            ends = lengths.cumsum()
            while int(ends[-1]) - done > most:
                last = max(int(ends.searchsorted(done + most, "right")), first + 1)
                end = int(ends[last - 1])
                batches.append(_batch(chosen[done:end], starts[done:end], lengths[first:last]))
                first, done = last, end
        if done < len(chosen):
            batches.append(_batch(chosen[done:], starts[done:], lengths[first:]))
        return ProductRecipe(self.width, np.array(self._patterns), tuple(batches))


class _Batch(NamedTuple):
    """Some of the products.

    Attributes:
        chosen, starts: as :class:`Products` has them.
        rounds: pairs ``(factors, stride)``: each of these factors is replaced by its product with
            the one ``stride`` later, the later one leftmost. Products are made by halving.
        firsts: the first factor of each product, which is the product of all in the end; None if
            all have one factor.
    """

    chosen: Indices
    starts: Indices
    rounds: tuple[tuple[Indices, int], ...]
    firsts: Indices | None


def _batch(chosen: Indices, starts: Indices, lengths: Indices) -> _Batch:
    if len(lengths) == len(chosen):
        return _Batch(chosen, starts, (), None)
    longest = int(lengths.max())
    ends = lengths.cumsum()
    firsts = ends - lengths
    factors = np.arange(ends[-1])
    rank = factors - firsts.repeat(lengths)
    left = ends.repeat(lengths) - factors
    rounds = []
    stride = 1
    while stride < longest:
        first = (rank & (2 * stride - 1) == 0) & (left > stride)
        rounds.append((first.nonzero()[0], stride))
        stride *= 2
    return _Batch(chosen, starts, tuple(rounds), firsts)


class ProductRecipe(NamedTuple):
    """Products on ``width`` bits without their numbers; ``table`` has the patterns, by rows."""

    width: int
    table: Indices
    batches: tuple[_Batch, ...]

    def fill(self, pool: Pool) -> Pool:
        """The products, shape ``(..., count, 2**width, 2**width)``, for a pool of shape
        ``(..., numbers)``: that of one gate list, or those of a sweep."""
        size = 1 << self.width
        parts = []
        for chosen, starts, rounds, firsts in self.batches:
            index = self.table.take(chosen, 0)
            index += starts[:, None]
            if pool.ndim == 1:
                part = _multiplied(pool, index, rounds, firsts, size)
            else:
                lists = max(1, _BATCH // index.size)
                part = np.concatenate(
                    [
                        _multiplied(pool[first : first + lists], index, rounds, firsts, size)
                        for first in range(0, len(pool), lists)
                    ]
                )
            parts.append(part)
        return parts[0] if len(parts) == 1 else np.concatenate(parts, -3)


def _multiplied(
    pool: Pool,
    index: Indices,
    rounds: tuple[tuple[Indices, int], ...],
    firsts: Indices | None,
    size: int,
) -> Pool:
    factors: Pool = pool.take(index, -1, mode="clip").reshape(*pool.shape[:-1], -1, size, size)
    for first, stride in rounds:
        factors[..., first, :, :] = factors.take(first + stride, -3) @ factors.take(first, -3)
    return factors if firsts is None else factors.take(firsts, -3)
