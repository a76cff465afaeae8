"""Diagonal blocks become one diagonal stage: terms on few local bits share groups.

A group costs a product for every amplitude. A term costs little: it is a factor in a small table.
So terms are packed into few groups; those without outer bits are multiplied here, and those that
depend on the same bits become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TypeAlias

from simquay.planning.tiled.block_types import Block
from simquay.planning.tiled.gather import ArrayRef, Filled, GatherPlan, Late
from simquay.planning.tiled.passes import (
    ALWAYS,
    MAX_GROUP_BITS,
    Condition,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
)
from simquay.program.bits import bits_of, mask_of

__all__ = ["condition_of", "diagonal_recipe"]

_Term: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], ArrayRef, int, int]
"""A :class:`DiagonalTerm` without its table: the places, the outer bits, a reference to the table,
the outer mask and its value."""

_Factor: TypeAlias = tuple[tuple[int, ...], int, tuple[int, ...], int, Condition]
"""A block in the terms of a tile, ``(inside, block, bits, mask, condition)``:

- ``inside``: the local bits that its table depends on, ascending;
- ``block``: its index;
- ``bits``: for each of its wires, and of its controls unless they are in the condition, the local
  bit, or ``~bit`` for an outer bit;
- ``mask``: the mask of ``inside``;
- ``condition``: where it applies.
"""


@dataclass(slots=True, eq=False)
class _Group:
    """Factors that have few local bits together, or one factor that is alone.

    Attributes:
        mask: of the local bits.
        constant: the factors that are the same in every tile.
        others: the factors that depend on outer bits.
        condition: where the group applies.
    """

    mask: int
    constant: list[_Factor] = field(default_factory=list)
    others: list[_Factor] = field(default_factory=list)
    condition: Condition = ALWAYS


def diagonal_recipe(
    indices: Sequence[int], bit_of: dict[int, int], gather_plan: GatherPlan
) -> Late[DiagonalStage]:
    """The recipe of the stage that multiplies by the blocks ``indices``.

    ``bit_of`` is, for each wire, its local bit, or ``~bit`` for an outer bit.
    """
    groups: list[_Group] = []
    alone: list[_Group] = []
    # A group that holds all bits of a mask does so for good.
    holding: dict[int, _Group] = {}
    # No two factors have the same block, so that later entries of the tuples are never compared.
    for factor in sorted(_factors(gather_plan.blocks, indices, bit_of)):
        inside, _, bits, mask, condition = factor
        if len(inside) > MAX_GROUP_BITS or condition.local_mask:
            group = _Group(mask, condition=condition)
            alone.append(group)
        else:
            found = holding.get(mask)
            group = found or _best(groups, mask)
            holding[mask] = group
        if len(inside) < len(bits) or condition.outer_mask:
            group.others.append(factor)
        else:
            group.constant.append(factor)
    recipes = [_settle(group, gather_plan) for group in groups + alone]
    return lambda filled: DiagonalStage(tuple([recipe(filled) for recipe in recipes]))


def _best(groups: list[_Group], mask: int) -> _Group:
    """The group, perhaps a new one, that needs the fewest new bits to hold ``mask``; adds them."""
    best = None
    least = MAX_GROUP_BITS + 1
    for group in groups:
        whole = group.mask | mask
        growth = (whole ^ group.mask).bit_count()
        if growth < least and whole.bit_count() <= MAX_GROUP_BITS:
            best, least = group, growth
            if not growth:
                break
    if best is None:
        best = _Group(0)
        groups.append(best)
    best.mask |= mask
    return best


def _factors(
    blocks: Sequence[Block], indices: Sequence[int], bit_of: dict[int, int]
) -> list[_Factor]:
    factors: list[_Factor] = []
    for block in indices:
        type_, wires, _ = blocks[block]
        if type_.total == 2:
            one, two = both = (bit_of[wires[0]], bit_of[wires[1]])
            if one >= 0 and two >= 0:
                ordered = both if one < two else (two, one)
                factors.append((ordered, block, both, 1 << one | 1 << two, ALWAYS))
            elif one >= 0:
                factors.append(((one,), block, both, 1 << one, ALWAYS))
            elif two >= 0:
                factors.append(((two,), block, both, 1 << two, ALWAYS))
            else:
                factors.append(((), block, both, 0, ALWAYS))
            continue
        condition = ALWAYS
        # A table over the controls too packs with others; a condition does not.
        if type_.controls and type_.total > MAX_GROUP_BITS:
            condition = condition_of(wires[type_.size :], type_.state, bit_of)
            wires = wires[: type_.size]
        bits = tuple([bit_of[wire] for wire in wires])
        inside = tuple(sorted([bit for bit in bits if bit >= 0]))
        factors.append((inside, block, bits, mask_of(inside), condition))
    return factors


def _settle(group: _Group, gather_plan: GatherPlan) -> Late[DiagonalGroup]:
    """The group's recipe. The factors that are the same in every tile come first, as one term."""
    order = _bits_of(group.mask)
    count = len(order)
    place_of = {bit: place for place, bit in enumerate(order)}.__getitem__
    made: list[_Term] = []
    if group.constant:
        parts = [(factor[1], tuple(map(place_of, factor[2]))) for factor in group.constant]
        made.append((tuple(range(count)), (), gather_plan.table(count, parts), 0, 0))
    if group.others:
        terms: dict[_Key, list[_Factor]] = {}
        for factor in group.others:
            inside, _, bits, _, where = factor
            outer: tuple[int, ...]
            if len(inside) == 1 and len(bits) == 2:
                outer = (~min(bits),)
            else:
                outer = tuple(sorted([~bit for bit in bits if bit < 0]))
            key = (tuple(map(place_of, inside)), outer, where.outer_mask, where.outer_value)
            terms.setdefault(key, []).append(factor)
        for key in sorted(terms):
            places, outer, mask, value = key
            table_bit = {order[place]: bit for bit, place in enumerate(places)}
            for bit in outer:
                table_bit[~bit] = len(table_bit)
            find = table_bit.__getitem__
            parts = [(factor[1], tuple(map(find, factor[2]))) for factor in terms[key]]
            made.append((places, outer, gather_plan.table(len(table_bit), parts), mask, value))
    blocks = gather_plan.blocks
    real = all(blocks[factor[1]][0].is_real for factor in group.constant + group.others)
    return partial(_group, order, made, group.condition, real)


def _group(
    bits: tuple[int, ...], terms: list[_Term], where: Condition, real: bool, filled: Filled
) -> DiagonalGroup:
    made = [
        DiagonalTerm(places, outer, filled[kind][row], mask, value)
        for places, outer, (kind, row), mask, value in terms
    ]
    return DiagonalGroup(bits, tuple(made), where.local_mask, where.local_value, real)


_Key: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], int, int]
"""The places of a term, its outer bits, its outer mask and the mask's value."""


@lru_cache(maxsize=4096)
def _bits_of(mask: int) -> tuple[int, ...]:
    """The bits of a mask, ascending."""
    return tuple(bits_of(mask))


def condition_of(controls: Sequence[int], state: int, bit_of: dict[int, int]) -> Condition:
    """Controls (wires) as masks on the local index and the tile number."""
    masks = [0, 0, 0, 0]
    for bit, wire in enumerate(controls):
        found = bit_of[wire]
        weight = 1 << (found if found >= 0 else ~found)
        masks[0 if found >= 0 else 2] |= weight
        if state >> bit & 1:
            masks[1 if found >= 0 else 3] |= weight
    return _condition(*masks)


_condition = lru_cache(maxsize=4096)(Condition)
