"""The products of clusters, for many clusters of the same build at once.

Circuits repeat themselves: most clusters have the same build, and differ in numbers. Their matrices
are gathered and multiplied as stacks, so that the time that Python takes grows with the kinds of
clusters, not with how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.planning.tiled.block_types import BlockType
from simquay.planning.tiled.numbers.pool import ONE, ZERO, Pool
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


@lru_cache(maxsize=4096)
def _entries(
    type_: BlockType, bits: tuple[int, ...], count: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """For each entry of a factor on ``count`` bits, where its number is in the pool.

    Returns ``(offsets, moving)``: the number is at ``offsets + start * moving``, where ``start`` is
    the start of the block's numbers. ``moving`` is 0 for entries that are the pool's 1 or 0.
    """
    own, controls = bits[: type_.size], bits[type_.size :]
    offsets = []
    moving = []
    for row in range(1 << count):
        idle = extract(row, controls) != type_.state
        entry = extract(row, own)
        if type_.kind == "diagonal":
            number = type_.entries[entry] if type_.entries else entry
            offsets.append(ONE if idle else number)
            moving.append(not idle)
            continue
        for column in range(1 << count):
            if idle or _replace(column, own, entry) != row:
                offsets.append(ONE if column == row else ZERO)
                moving.append(False)
            else:
                offsets.append((entry << type_.size) + extract(column, own))
                moving.append(True)
    return np.array(offsets, dtype=np.intp), np.array(moving, dtype=np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """The clusters of one build.

    Attributes:
        build: how they are built.
        starts: for each cluster, where its members' numbers start in the pool.
        blocks: for each cluster, the index of the block that it becomes.
    """

    build: Build
    starts: list[list[int]] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)


_Gathered: TypeAlias = tuple[int, NDArray[Any], NDArray[Any]]
"""A member, and where each of its entries is, as :func:`_entries` gives it."""

_Operand: TypeAlias = list[_Gathered]
"""A matrix: one that is gathered, or the entrywise product of two that are."""


def _operands(build: Build) -> list[_Operand]:
    """The matrices whose product, the last one leftmost, is a dense build.

    Two matrices on one bit each are one operand, and so is a matrix with its rows permuted, or
    multiplied by a diagonal.
    """
    count, size = build.count, 1 << build.count
    operands: list[_Operand] = []
    apart: dict[int, int] = {}  # members on one bit each, that wait for others on other bits

    def settle() -> None:
        if len(apart) == 2:
            operands.append([(member, *_on_bit(bit, size)) for bit, member in apart.items()])
        else:
            for bit, member in apart.items():
                offsets, moving = _entries(build.factors[member][0], (bit,), count)
                operands.append([(member, offsets.reshape(size, size), moving.reshape(size, size))])
        apart.clear()

    for member, (type_, bits) in enumerate(build.factors):
        if type_.kind == "dense" and len(bits) == 1:
            if bits[0] in apart:
                settle()
            apart[bits[0]] = member
            continue
        settle()
        if type_.kind == "permute":
            if not operands:
                offsets = np.where(np.eye(size, dtype=bool), ONE, ZERO)
                operands.append([(0, offsets, np.zeros((size, size), dtype=np.intp))])
            source = list(source_of(type_, bits, count))
            operands[-1] = [
                (m, offsets[source], moving[source]) for m, offsets, moving in operands[-1]
            ]
            continue
        offsets, moving = _entries(type_, bits, count)
        if type_.kind == "dense":
            operands.append([(member, offsets.reshape(size, size), moving.reshape(size, size))])
        elif operands and len(operands[-1]) == 1:
            shape = (size, size)
            rows = (offsets[:, None], moving[:, None])
            row_places, row_moving = (np.broadcast_to(part, shape) for part in rows)
            operands[-1].append((member, row_places, row_moving))
        else:
            eye = np.eye(size, dtype=bool)
            operands.append(
                [(member, np.where(eye, offsets[:, None], ZERO), eye * moving[:, None])]
            )
    settle()
    return operands


def _on_bit(bit: int, size: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """For each entry of a matrix, the entry of a matrix on ``bit`` alone that is a factor of it."""
    own = np.arange(size) >> bit & 1
    return (own << 1)[:, None] + own, np.ones((size, size), dtype=np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class _Stacks:
    """The dense products of one size.

    Attributes:
        products: those with the most operands first.
        left: where in the pool the entries of all operands are, by rows: the first operands of all
            clusters, then the second operands of those that have them, and so on.
        right: the same for the numbers by which the entries are multiplied.
        lengths: how many clusters have a first operand, a second one, and so on.
    """

    products: list[Product]
    left: NDArray[Any]
    right: NDArray[Any]
    lengths: list[int]


def _sides(build: Build) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """:func:`_make_sides`, kept for builds that are not long: those are rarely met again."""
    return (_small_sides if len(build.factors) <= _FEW else _make_sides)(build)


_FEW = 64


def _make_sides(build: Build) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The operands as arrays: their left sides, then the numbers by which these are multiplied.

    Returns the members, shape ``(2 * operands,)``, and where each of their entries is, as
    :func:`_entries` gives it, shape ``(2 * operands, 4**count)``.
    """
    shape = (1 << build.count, 1 << build.count)
    one = (0, np.full(shape, ONE), np.zeros(shape, dtype=np.intp))
    operands = [[*operand, one] for operand in _operands(build)]
    sides = [operand[0] for operand in operands] + [operand[1] for operand in operands]
    return (
        np.array([member for member, _, _ in sides]),
        np.array([offsets.ravel() for _, offsets, _ in sides]),
        np.array([moving.ravel() for _, _, moving in sides]),
    )


_small_sides = lru_cache(maxsize=4096)(_make_sides)


def _stacks(products: list[Product]) -> _Stacks:
    sides = {product: _sides(product.build) for product in products}
    products = sorted(products, key=lambda product: -len(sides[product][0]))
    depth = len(sides[products[0]][0]) >> 1
    left: list[list[NDArray[Any]]] = [[] for _ in range(depth)]
    right: list[list[NDArray[Any]]] = [[] for _ in range(depth)]
    lengths = [0] * depth
    for product in products:
        members, offsets, moving = sides[product]
        index = np.array(product.starts, dtype=np.intp)[:, members, None] * moving
        index += offsets
        own = len(members) >> 1
        for level in range(own):
            left[level].append(index[:, level])
            right[level].append(index[:, own + level])
            lengths[level] += len(index)
    whole = [
        np.concatenate([rows for operand in side for rows in operand]) for side in (left, right)
    ]
    return _Stacks(products, whole[0], whole[1], lengths)


class Products:
    """All products of a plan.

    Their numbers follow each other in the order of ``products``; ``Build.length`` is the length of
    each.
    """

    __slots__ = ("_products", "_stacks")

    def __init__(self, products: list[Product]) -> None:
        self._products = products
        dense: dict[int, list[Product]] = {}
        for product in products:
            if not product.build.diagonal:
                dense.setdefault(product.build.count, []).append(product)
        self._stacks = [_stacks(alike) for alike in dense.values()]

    def fill(self, pool: Pool) -> list[Pool]:
        """The numbers of each product's clusters; ``pool`` holds those of the members."""
        found: dict[Product, Pool] = {}
        for stacks in self._stacks:
            matrices = pool.take(stacks.left)
            matrices *= pool.take(stacks.right)
            size = 1 << stacks.products[0].build.count
            matrices = matrices.reshape(-1, size, size)
            whole = matrices[: stacks.lengths[0]]
            start = len(whole)
            for length in stacks.lengths[1:]:
                whole[:length] = np.matmul(matrices[start : start + length], whole[:length])
                start += length
            start = 0
            for product in stacks.products:
                part = whole[start : start + len(product.blocks)]
                start += len(product.blocks)
                entries = product.build.entries
                if entries:
                    part = part[:, entries][:, :, entries]
                found[product] = part.ravel()
        for product in self._products:
            if product.build.diagonal:
                found[product] = _diagonals(product, pool)
        return [found[product] for product in self._products]


def _diagonals(product: Product, pool: Pool) -> Pool:
    """The diagonals of a diagonal build, whose permutations compose to the identity."""
    count = product.build.count
    starts = np.array(product.starts, dtype=np.intp)
    result: Pool = np.ones((len(starts), 1 << count), dtype=np.complex128)
    for member, (type_, bits) in enumerate(product.build.factors):
        if type_.kind == "permute":
            result = result[:, source_of(type_, bits, count)]
        else:
            offsets, moving = _entries(type_, bits, count)
            result = result * pool[offsets + starts[:, member, None] * moving]
    return result.ravel()
