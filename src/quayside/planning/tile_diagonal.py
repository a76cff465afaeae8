"""Diagonal blocks → one diagonal stage: terms on few local bits share groups.

A group costs every amplitude a product, a term costs little: it is a factor in a small table. So
terms are packed into few groups, those without outer bits are multiplied here, and those that
look at the same bits become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from quayside.planning.tile_blocks import Blocks
from quayside.planning.tile_gather import Filled, Gathering, Part, Slot
from quayside.planning.tile_plan import (
    ALWAYS,
    MAX_GROUP_BITS,
    Condition,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
)

__all__ = ["DiagonalRecipe", "condition_of", "diagonal_recipe", "fill_diagonal"]

_Term: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], Slot, int, int]
"""A :class:`DiagonalTerm` without its table: the places, the outer bits, where the table will be,
the outer mask and its value."""

DiagonalRecipe: TypeAlias = list[tuple[tuple[int, ...], list[_Term], int, int]]
"""A diagonal stage without its numbers: for each group its bits, terms, local mask and value."""


class _Factor(NamedTuple):
    """A block in the terms of a tile.

    Attributes:
        bits: the local bits that its table depends on, ascending.
        number: of the block.
        places: for each of the block's wires, and its controls unless they are in ``condition``:
            its local bit, or ``~bit`` for an outer bit.
        condition: where it applies.
    """

    bits: tuple[int, ...]
    number: int
    places: tuple[int, ...]
    condition: Condition


@dataclass(slots=True, eq=False)
class _Group:
    """A group whose factors' local bits together are few, or one factor that is alone."""

    mask: int
    factors: list[_Factor] = field(default_factory=list)
    condition: Condition = ALWAYS


def diagonal_recipe(
    blocks: Blocks, numbers: Sequence[int], place: dict[int, int], gathering: Gathering
) -> DiagonalRecipe:
    """The stage that multiplies by the blocks ``numbers``.

    ``place`` says which local bit each wire is, or ``~bit`` for an outer bit.
    """
    groups: list[_Group] = []
    alone: list[_Group] = []
    # A group that holds all bits of a mask does so for good.
    holding: dict[int, _Group] = {}
    for factor in sorted([_factor(blocks, number, place) for number in numbers], key=_by_bits):
        mask = 0
        for bit in factor.bits:
            mask |= 1 << bit
        best = holding.get(mask)
        if best is None:
            if factor.condition.local_mask or len(factor.bits) > MAX_GROUP_BITS:
                alone.append(_Group(mask, [factor], factor.condition))
                continue
            growth = MAX_GROUP_BITS + 1
            for group in groups:
                size = (group.mask | mask).bit_count()
                if size <= MAX_GROUP_BITS and size - group.mask.bit_count() < growth:
                    best, growth = group, size - group.mask.bit_count()
                    if not growth:
                        break
            if best is None:
                best = _Group(0)
                groups.append(best)
            best.mask |= mask
            holding[mask] = best
        best.factors.append(factor)
    return [_settle(group, blocks, gathering) for group in groups + alone]


def _by_bits(factor: _Factor) -> tuple[int, ...]:
    return factor.bits


def _factor(blocks: Blocks, number: int, place: dict[int, int]) -> _Factor:
    act = blocks.acts[number]
    wires = blocks.wires[number]
    condition = ALWAYS
    # A table over the controls too packs with others; a condition does not.
    if act.controls and act.total > MAX_GROUP_BITS:
        condition = condition_of(wires[act.size :], act.state, place)
        wires = wires[: act.size]
    if len(wires) == 2:
        one, two = place[wires[0]], place[wires[1]]
        places: tuple[int, ...] = (one, two)
        if one < 0:
            bits: tuple[int, ...] = (two,) if two >= 0 else ()
        elif two < 0:
            bits = (one,)
        else:
            bits = places if one < two else (two, one)
    else:
        places = tuple([place[wire] for wire in wires])
        bits = tuple(sorted([bit for bit in places if bit >= 0]))
    return _Factor(bits, number, places, condition)


def _settle(
    group: _Group, blocks: Blocks, gathering: Gathering
) -> tuple[tuple[int, ...], list[_Term], int, int]:
    """The group's recipe: first those factors that are the same in every tile."""
    order = _bits_of(group.mask)
    rank = {bit: number for number, bit in enumerate(order)}
    count = len(order)
    constant: list[Part] = []
    terms: dict[tuple[tuple[int, ...], tuple[int, ...], int, int], list[_Factor]] = {}
    for factor in group.factors:
        if len(factor.bits) < len(factor.places) or factor.condition.outer_mask:
            outer = sorted([~bit for bit in factor.places if bit < 0])
            where = factor.condition
            key = (
                tuple([rank[bit] for bit in factor.bits]),
                tuple(outer),
                where.outer_mask,
                where.outer_value,
            )
            terms.setdefault(key, []).append(factor)
        else:
            inside = tuple([rank[bit] for bit in factor.places])
            constant.append((blocks.starts[factor.number], blocks.acts[factor.number], inside))
    made: list[_Term] = []
    if constant:
        made.append((tuple(range(count)), (), gathering.table(count, constant), 0, 0))
    for (inside, outside, mask, value), factors in sorted(terms.items(), key=lambda item: item[0]):
        places = [order[number] for number in inside] + [~bit for bit in outside]
        index = {bit: j for j, bit in enumerate(places)}
        parts = [
            (
                blocks.starts[factor.number],
                blocks.acts[factor.number],
                tuple([index[bit] for bit in factor.places]),
            )
            for factor in factors
        ]
        made.append((inside, outside, gathering.table(len(index), parts), mask, value))
    return order, made, group.condition.local_mask, group.condition.local_value


def _bits_of(mask: int) -> tuple[int, ...]:
    """The bits of a mask, ascending."""
    bits = []
    while mask:
        lowest = mask & -mask
        bits.append(lowest.bit_length() - 1)
        mask ^= lowest
    return tuple(bits)


def fill_diagonal(recipe: DiagonalRecipe, filled: Filled) -> DiagonalStage:
    """The stage, with the tables that were gathered."""
    groups = []
    for bits, terms, mask, value in recipe:
        made = [
            DiagonalTerm(places, outer, filled[kind][row], outer_mask, outer_value)
            for places, outer, (kind, row), outer_mask, outer_value in terms
        ]
        groups.append(DiagonalGroup(bits, tuple(made), mask, value))
    return DiagonalStage(tuple(groups))


def condition_of(controls: Sequence[int], state: int, place: dict[int, int]) -> Condition:
    """Controls (wires) as masks on the local index and the tile number."""
    masks = [0, 0, 0, 0]
    for bit, wire in enumerate(controls):
        found = place[wire]
        weight = 1 << (found if found >= 0 else ~found)
        masks[0 if found >= 0 else 2] |= weight
        if state >> bit & 1:
            masks[1 if found >= 0 else 3] |= weight
    return _condition(*masks)


@lru_cache(maxsize=4096)
def _condition(local_mask: int, local_value: int, outer_mask: int, outer_value: int) -> Condition:
    return Condition(local_mask, local_value, outer_mask, outer_value)
