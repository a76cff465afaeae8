"""Tables: the products of diagonals, all that have equally many bits computed together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import NamedTuple, TypeAlias

import numpy as np

from simquay.planning.numbers.pool import Indices, Pool

__all__ = ["Factor", "TableRecipe", "table_recipe"]

Factor: TypeAlias = tuple[Indices, int]
"""A factor of a table: its pattern (:func:`~simquay.planning.numbers.patterns.diagonal_pattern`),
and where its numbers start in the pool."""


class TableRecipe(NamedTuple):
    """Tables of one length.

    Attributes:
        entries: where in the pool the entries of each factor are, by rows; the factors of one table
            follow each other.
        firsts: the first factor of each table; None if every table has one.
    """

    entries: Indices
    firsts: list[int] | None

    def fill(self, pool: Pool) -> Pool:
        """The tables, shape ``(..., count, length)``, for a pool or several."""
        found: Pool = pool.take(self.entries, -1)
        return found if self.firsts is None else np.multiply.reduceat(found, self.firsts, -2)


def table_recipe(tables: Sequence[Sequence[Factor]]) -> TableRecipe:
    """The recipe of ``tables``, each of them given by its factors: one or more."""
    factors = list(chain.from_iterable(tables))
    index = np.concatenate([pattern for pattern, _ in factors]).reshape(len(factors), -1)
    index += np.array([start for _, start in factors], dtype=np.intp)[:, None]
    if len(factors) == len(tables):
        return TableRecipe(index, None)
    return TableRecipe(index, [0, *accumulate(map(len, tables[:-1]))])
