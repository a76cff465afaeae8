"""Diagonal blocks → one diagonal stage: terms on few local bits share groups.

A group costs every amplitude a product, a term costs little: it is a factor in a small table. So
terms are packed into few groups, those without outer bits are multiplied here, and those that
look at the same bits become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from quayside.planning.tile_blocks import Block, Values
from quayside.planning.tile_plan import (
    ALWAYS,
    MAX_GROUP_BITS,
    Condition,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
)

__all__ = ["DiagonalRecipe", "condition_of", "diagonal_recipe", "gathered"]


@dataclass(slots=True, eq=False)
class _Factor:
    """A block in the terms of a tile.

    The lowest bits of its table's index are the local bits, then come the outer bits, both
    ascending. ``index`` says which entry of the block's numbers, followed by a 1, each entry is.
    """

    number: int
    bits: tuple[int, ...]
    outer: tuple[int, ...]
    index: NDArray[np.intp] | None
    padded: bool
    condition: Condition

    def table(self, values: Sequence[Values]) -> Values:
        found = values[self.number]
        if self.padded:
            found = np.append(found, 1)
        return found if self.index is None else found[self.index]


_Key: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], int, int]


@dataclass(slots=True, eq=False)
class _Group:
    """A group whose factors' local bits together are few, or one factor that is alone."""

    bits: set[int]
    factors: list[_Factor] = field(default_factory=list)
    mask: int = 0
    value: int = 0
    order: tuple[int, ...] = ()
    constant: list[tuple[_Factor, list[int]]] = field(default_factory=list)
    terms: list[tuple[_Key, list[_Factor]]] = field(default_factory=list)

    def settle(self) -> None:
        """Sort the factors: those that are the same in every tile, and the terms of the others."""
        bits = self.order = tuple(sorted(self.bits))
        terms: dict[_Key, list[_Factor]] = {}
        for factor in self.factors:
            where = factor.condition
            if factor.outer or where.outer_mask:
                places = tuple([bits.index(bit) for bit in factor.bits])
                key = (places, factor.outer, where.outer_mask, where.outer_value)
                terms.setdefault(key, []).append(factor)
            else:
                # Axes go from the highest bit to the lowest, in the table as in the group.
                shape = [2 if bit in factor.bits else 1 for bit in reversed(bits)]
                self.constant.append((factor, shape))
        self.terms = sorted(terms.items(), key=lambda item: item[0])

    def fill(self, values: Sequence[Values]) -> DiagonalGroup:
        terms = []
        if self.constant:
            table = np.ones((2,) * len(self.order), dtype=np.complex128)
            for factor, shape in self.constant:
                table *= factor.table(values).reshape(shape)
            terms.append(DiagonalTerm(tuple(range(len(self.order))), (), table.ravel()))
        for (places, outer, mask, value), factors in self.terms:
            product = factors[0].table(values)
            for factor in factors[1:]:
                product = product * factor.table(values)
            terms.append(DiagonalTerm(places, outer, product, mask, value))
        return DiagonalGroup(self.order, tuple(terms), self.mask, self.value)


@dataclass(frozen=True, slots=True, eq=False)
class DiagonalRecipe:
    """A diagonal stage without its numbers."""

    groups: tuple[_Group, ...]

    def fill(self, values: Sequence[Values]) -> DiagonalStage:
        """The stage for the numbers of all blocks."""
        return DiagonalStage(tuple([group.fill(values) for group in self.groups]))


def diagonal_recipe(
    blocks: Sequence[Block],
    numbers: Sequence[int],
    local: dict[int, int],
    outer: dict[int, int],
) -> DiagonalRecipe:
    """The stage that multiplies by the blocks ``numbers``.

    ``local`` and ``outer`` say which local bit or outer bit each wire is.
    """
    groups: list[_Group] = []
    alone: list[_Group] = []
    factors = [_factor(blocks[number], number, local, outer) for number in numbers]
    for factor in sorted(factors, key=lambda factor: factor.bits):
        bits = set(factor.bits)
        where = factor.condition
        if where.local_mask or len(bits) > MAX_GROUP_BITS:
            alone.append(_Group(bits, [factor], where.local_mask, where.local_value))
            continue
        best, growth = None, 0
        for group in groups:
            size = len(group.bits | bits)
            if size <= MAX_GROUP_BITS and (best is None or size - len(group.bits) < growth):
                best, growth = group, size - len(group.bits)
        if best is None:
            best = _Group(set())
            groups.append(best)
        best.bits |= bits
        best.factors.append(factor)
    for group in groups + alone:
        group.settle()
    return DiagonalRecipe((*groups, *alone))


def _factor(block: Block, number: int, local: dict[int, int], outer: dict[int, int]) -> _Factor:
    wires = block.wires
    where = condition_of(block, local, outer) if block.controls else ALWAYS
    padded = bool(block.controls) and len(wires) + len(block.controls) <= MAX_GROUP_BITS
    if padded:
        # A table over the controls too packs with others; a condition does not.
        wires, where = wires + block.controls, ALWAYS
    inside = sorted([(local[wire], j) for j, wire in enumerate(wires) if wire in local])
    outside = sorted([(outer[wire], j) for j, wire in enumerate(wires) if wire not in local])
    order = tuple([j for _, j in inside] + [j for _, j in outside])
    index = None
    if padded:
        index = _padded(order, len(block.wires), block.control_state)
    elif order != tuple(range(len(order))):
        index = gathered(order)
    bits = tuple([bit for bit, _ in inside])
    return _Factor(number, bits, tuple([bit for bit, _ in outside]), index, padded, where)


def gathered(order: tuple[int, ...]) -> NDArray[np.intp]:
    """For an index whose bit ``j`` stands for bit ``order[j]`` of another: that other index."""
    # Long tables are rare, and would fill a cache of them.
    return _small_gathered(order) if len(order) <= MAX_GROUP_BITS else _gathered(order)


def _gathered(order: tuple[int, ...]) -> NDArray[np.intp]:
    other = np.zeros(1, dtype=np.intp)
    for bit in order:
        other = np.concatenate([other, other | 1 << bit])
    other.flags.writeable = False
    return other


_small_gathered = lru_cache(maxsize=4096)(_gathered)


@lru_cache(maxsize=4096)
def _padded(order: tuple[int, ...], own: int, state: int) -> NDArray[np.intp]:
    """As :func:`gathered`, for a diagonal of ``own`` bits; elsewhere the entry after its last."""
    whole = gathered(order)
    index = np.where(whole >> own == state, whole & ((1 << own) - 1), 1 << own)
    index.flags.writeable = False
    return index


def condition_of(block: Block, local: dict[int, int], outer: dict[int, int]) -> Condition:
    """The block's controls as masks on the local index and the tile number."""
    if not block.controls:
        return ALWAYS
    masks = [0, 0, 0, 0]
    for bit, wire in enumerate(block.controls):
        inside = wire in local
        weight = 1 << (local[wire] if inside else outer[wire])
        masks[0 if inside else 2] |= weight
        if block.control_state >> bit & 1:
            masks[1 if inside else 3] |= weight
    return Condition(*masks)
