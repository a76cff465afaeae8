"""Products of diagonals as tables, all of one length computed together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simquay.planning.numbers.patterns import Indices
from simquay.planning.numbers.pool import Pool

__all__ = ["TableRecipe", "Tables"]


class Tables:
    """Collects tables of one length, each the product of one factor or more.

    Attributes:
        patterns: of all factors, one table after the other
            (:func:`~simquay.planning.numbers.patterns.diagonal_pattern`).
        starts: of the same, where the gate's numbers start in the pool.
        firsts: the first factor of each table.
    """

    __slots__ = ("firsts", "patterns", "starts")

    def __init__(self) -> None:
        self.patterns: list[Indices] = []
        self.starts: list[int] = []
        self.firsts: list[int] = []

    def add(self, patterns: Sequence[Indices], starts: Sequence[int]) -> int:
        """Take in the product of these factors (one or more); returns its index."""
        self.firsts.append(len(self.starts))
        self.patterns += patterns
        self.starts += starts
        return len(self.firsts) - 1

    def recipe(self) -> TableRecipe:
        """The recipe of all tables that were taken in, in order."""
        index = np.concatenate(self.patterns).reshape(len(self.patterns), -1)
        index += np.array(self.starts, dtype=np.intp)[:, None]
        return TableRecipe(index, self.firsts if len(self.firsts) < len(self.starts) else None)


class TableRecipe(NamedTuple):
    """Tables of one length without their numbers: the indices of all factors, and each table's
    first one (None if each has one)."""

    places: Indices
    firsts: list[int] | None

    def fill(self, pool: Pool) -> Pool:
        """The tables, shape ``(..., count, length)``, for a pool of shape ``(..., numbers)``."""
        found: Pool = pool.take(self.places, -1, mode="clip")
        return found if self.firsts is None else np.multiply.reduceat(found, self.firsts, -2)
