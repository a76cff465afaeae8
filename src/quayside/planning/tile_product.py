"""The product of a cluster's blocks, for many clusters of the same build at once.

Circuits repeat themselves: most clusters are built alike, from other numbers. Their matrices are
multiplied as stacks, so that Python's time goes with the kinds of clusters, not their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quayside.planning.tile_acts import Act
from quayside.planning.tile_numbers import ONE, ZERO, Pool

__all__ = ["Build", "Factor", "Product", "source_of"]

Factor: TypeAlias = tuple[Act, tuple[int, ...]]
"""A block's act, and the bits of a cluster that its wires and its controls are."""


@dataclass(frozen=True, slots=True)
class Build:
    """How clusters are built, but for their numbers.

    Attributes:
        factors: the members, in order.
        count: bits of a cluster.
        diagonal: whether the products are diagonals, and are wanted as such.
        entries: the rows and columns of a dense product that are wanted; empty for all.
    """

    factors: tuple[Factor, ...]
    count: int
    diagonal: bool
    entries: tuple[int, ...]

    @property
    def length(self) -> int:
        """How many numbers a product has."""
        if self.diagonal:
            return 1 << self.count
        return len(self.entries) ** 2 if self.entries else 1 << 2 * self.count


@lru_cache(maxsize=4096)
def source_of(act: Act, bits: tuple[int, ...], count: int) -> tuple[int, ...]:
    """A permutation's source table on ``count`` bits: the new entry ``i`` is the old ``[i]``."""
    own, controls = bits[: act.size], bits[act.size :]
    return tuple(
        _replace(index, own, act.table[_part(index, own)])
        if _part(index, controls) == act.state
        else index
        for index in range(1 << count)
    )


def _part(index: int, bits: Sequence[int]) -> int:
    return sum((index >> bit & 1) << j for j, bit in enumerate(bits))


def _replace(index: int, bits: Sequence[int], part: int) -> int:
    for j, bit in enumerate(bits):
        index = index & ~(1 << bit) | (part >> j & 1) << bit
    return index


@lru_cache(maxsize=4096)
def _entries(act: Act, bits: tuple[int, ...], count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """For each entry of a factor on ``count`` bits, where its number is.

    The result is where that is in the pool, for a block whose numbers start at 0, and 1 where it
    goes with the start, 0 where it is the pool's own 1 or 0.
    """
    own, controls = bits[: act.size], bits[act.size :]
    places = []
    moving = []
    for row in range(1 << count):
        idle = _part(row, controls) != act.state
        entry = _part(row, own)
        if act.kind == "diagonal":
            number = act.entries[entry] if act.entries else entry
            places.append(ONE if idle else number)
            moving.append(not idle)
            continue
        for column in range(1 << count):
            if idle or _replace(column, own, entry) != row:
                places.append(ONE if column == row else ZERO)
                moving.append(False)
            else:
                places.append((entry << act.size) + _part(column, own))
                moving.append(True)
    return np.array(places, dtype=np.intp), np.array(moving, dtype=np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """The clusters of one build.

    Attributes:
        build: how they are built.
        starts: for each cluster, where its members' numbers start in the pool.
        numbers: for each cluster, the number of the block that it becomes.
    """

    build: Build
    starts: list[list[int]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def fill(self, pool: Pool) -> Pool:
        """The numbers of all products, one after the other; ``pool`` holds those of the members."""
        build = self.build
        size = 1 << build.count
        starts = np.array(self.starts, dtype=np.intp)
        product: NDArray[Any] | None = None
        for place, (act, bits) in enumerate(build.factors):
            if act.kind == "permute":
                if product is None:
                    # A diagonal product needs one column: permutations compose to nothing.
                    product = np.ones((1, size, 1)) if build.diagonal else np.eye(size)[None]
                product = product[:, source_of(act, bits, build.count)]
                continue
            places, moving = _entries(act, bits, build.count)
            stack = pool[places + starts[:, place, None] * moving]
            if act.kind == "diagonal":
                stack = stack[:, :, None]
                if product is None and not build.diagonal:
                    product = np.eye(size)[None]
                product = stack if product is None else stack * product
            else:
                stack = stack.reshape(-1, size, size)
                product = stack if product is None else np.matmul(stack, product)
        assert product is not None
        if build.entries:
            product = product[:, build.entries][:, :, build.entries]
        # Where no member has numbers, all clusters have one product.
        whole = np.empty((len(starts), *product.shape[1:]), dtype=np.complex128)
        whole[:] = product
        return whole.ravel()
