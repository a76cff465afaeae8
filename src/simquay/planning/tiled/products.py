"""The products of fused clusters, for many clusters of the same build at once.

Circuits repeat themselves: most clusters have the same build, and differ in numbers. So the time
that Python takes grows with the kinds of clusters, not with how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import TypeAlias

import numpy as np

from simquay.planning.numbers.patterns import diagonal_pattern, matrix_pattern
from simquay.planning.numbers.pool import Indices, Pool
from simquay.planning.numbers.products import ProductRecipe, product_recipe
from simquay.planning.numbers.tables import TableRecipe, table_recipe
from simquay.planning.tiled.block_types import BlockType
from simquay.program.bits import deposit, extract, mask_of

__all__ = ["Build", "Factor", "Product", "Products", "source_of"]

Factor: TypeAlias = tuple[BlockType, tuple[int, ...]]
"""A block's type, and the bits of a cluster's index that its wires and its controls are."""


@dataclass(frozen=True, slots=True)
class Build:
    """The recipe of a product, apart from its numbers.

    Attributes:
        factors: the members, in order.
        count: the bits of a cluster's index.
        diagonal: whether the products are diagonals; only their diagonal entries are kept.
        entries: the rows and columns of a dense product that are kept; empty for all.
    """

    factors: tuple[Factor, ...]
    count: int
    diagonal: bool
    entries: tuple[int, ...]

    @property
    def length(self) -> int:
        """The count of numbers of a product."""
        if self.diagonal:
            return 1 << self.count
        return len(self.entries) ** 2 if self.entries else 1 << 2 * self.count


@lru_cache(maxsize=4096)
def source_of(type_: BlockType, bits: tuple[int, ...], count: int) -> tuple[int, ...]:
    """A permutation's source table on ``count`` bits: the new entry ``i`` is the old ``[i]``."""
    own, controls = bits[: type_.size], bits[type_.size :]
    return tuple(
        _replace(index, own, type_.table[extract(index, own)])
        if extract(index, controls) == type_.state
        else index
        for index in range(1 << count)
    )


def _replace(index: int, bits: Sequence[int], part: int) -> int:
    """``index`` with ``part`` in place of its ``bits``."""
    return index & ~mask_of(bits) | deposit(part, bits)


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """The clusters of one build.

    Attributes:
        build: how they are built.
        starts: for each cluster, where its members start in the pool.
        blocks: for each cluster, the index of the block that it becomes.
    """

    build: Build
    starts: list[list[int]] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)


def _make_patterns(build: Build) -> tuple[list[int], list[Indices]]:
    """The members that are multiplied, and their patterns.

    A permutation is no factor: it moves the entries of the patterns before it.
    """
    count = build.count
    members: list[int] = []
    patterns: list[Indices] = []
    for member, (type_, bits) in enumerate(build.factors):
        if type_.kind == "permute" and (build.diagonal or patterns):
            source = np.array(source_of(type_, bits, count))
            first = 0 if build.diagonal else len(patterns) - 1
            patterns[first:] = [
                pattern.reshape(len(source), -1)[source].ravel() for pattern in patterns[first:]
            ]
            continue
        own, held = bits[: type_.size], bits[type_.size :]
        members.append(member)
        if build.diagonal:
            patterns.append(diagonal_pattern(count, own, held, type_.state, type_.extra))
        else:
            patterns.append(matrix_pattern(count, type_.kind, own, held, type_.state, type_.extra))
    return members, patterns


_FEW = 64
"""Longer builds are rarely met again."""

_kept_patterns = lru_cache(maxsize=4096)(_make_patterns)


def _patterns(build: Build) -> tuple[list[int], list[Indices]]:
    return (_kept_patterns if len(build.factors) <= _FEW else _make_patterns)(build)


class Products:
    """All products of a plan, in the order in which they are computed.

    Attributes:
        products: their numbers follow each other in this order; ``Build.length`` is the length of
            each.
    """

    __slots__ = ("_alike", "products")

    def __init__(self, products: list[Product]) -> None:
        alike: dict[tuple[bool, int], list[Product]] = {}
        for product in products:
            alike.setdefault((product.build.diagonal, product.build.count), []).append(product)
        for group in alike.values():
            # As the recipe computes them: those with the most factors first.
            group.sort(key=lambda product: -len(_patterns(product.build)[0]))
        self._alike = [(group, _recipe(group, *key)) for key, group in alike.items()]
        self.products = [product for group in alike.values() for product in group]

    def fill(self, pool: Pool) -> list[Pool]:
        """The numbers of each product's clusters, shape ``(..., numbers)``; ``pool``, one or
        several, holds those of the members."""
        found: list[Pool] = []
        for products, recipe in self._alike:
            whole = recipe.fill(pool)
            start = 0
            for product in products:
                end = start + len(product.blocks)
                part = whole[start:end] if pool.ndim == 1 else whole[:, start:end]
                start = end
                entries = product.build.entries
                if entries:
                    part = part[..., entries, :][..., entries]
                found.append(part.reshape(*pool.shape[:-1], -1))
        return found


def _recipe(products: list[Product], diagonal: bool, count: int) -> TableRecipe | ProductRecipe:
    if diagonal:
        tables = []
        for product in products:
            members, patterns = _patterns(product.build)
            tables += [
                [(pattern, starts[m]) for m, pattern in zip(members, patterns, strict=True)]
                for starts in product.starts
            ]
        return table_recipe(tables)
    table: list[Indices] = []
    chosen: list[int] = []
    starts: list[int] = []
    counts: list[int] = []
    for product in products:
        members, patterns = _patterns(product.build)
        rows = range(len(table), len(table) + len(patterns))
        table += patterns
        chosen += [*rows] * len(product.starts)
        starts += chain.from_iterable([own[m] for m in members] for own in product.starts)
        counts += [len(members)] * len(product.starts)
    return product_recipe(table, chosen, starts, counts)
