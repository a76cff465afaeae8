"""Diagonal blocks → one diagonal stage: terms on few local bits share groups.

A group costs every amplitude a product, a term costs little: it is a factor in a small table. So
terms are packed into few groups, those without outer bits are multiplied here, and those that
look at the same bits become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quayside.planning.tile_blocks import Block
from quayside.planning.tile_plan import (
    MAX_GROUP_BITS,
    Condition,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
)

__all__ = ["condition_of", "diagonal_stage", "gathered"]


@dataclass(slots=True, eq=False)
class _Factor:
    """A block in the terms of a tile.

    The lowest bits of the table's index are the local bits, then come the outer bits, both
    ascending.
    """

    bits: tuple[int, ...]
    outer: tuple[int, ...]
    table: NDArray[np.complex128]
    condition: Condition


@dataclass(slots=True, eq=False)
class _Packing:
    """A group in the making: factors whose local bits together are few."""

    bits: set[int]
    factors: list[_Factor] = field(default_factory=list)


def diagonal_stage(
    blocks: Sequence[Block], local: dict[int, int], outer: dict[int, int]
) -> DiagonalStage:
    """The stage that multiplies by all of ``blocks``.

    ``local`` and ``outer`` say which local bit or outer bit each wire is.
    """
    packings: list[_Packing] = []
    alone: list[DiagonalGroup] = []
    factors = [_factor(block, local, outer) for block in blocks]
    for factor in sorted(factors, key=lambda factor: factor.bits):
        where = factor.condition
        if where.local_mask or len(factor.bits) > MAX_GROUP_BITS:
            places = tuple(range(len(factor.bits)))
            term = DiagonalTerm(
                places, factor.outer, factor.table, where.outer_mask, where.outer_value
            )
            alone.append(DiagonalGroup(factor.bits, (term,), where.local_mask, where.local_value))
            continue
        bits = set(factor.bits)
        best, growth = None, 0
        for packing in packings:
            size = len(packing.bits | bits)
            if size <= MAX_GROUP_BITS and (best is None or size - len(packing.bits) < growth):
                best, growth = packing, size - len(packing.bits)
        if best is None:
            best = _Packing(set())
            packings.append(best)
        best.bits |= bits
        best.factors.append(factor)
    return DiagonalStage((*map(_group, packings), *alone))


def _factor(block: Block, local: dict[int, int], outer: dict[int, int]) -> _Factor:
    wires = block.wires
    values = block.values
    where = condition_of(block, local, outer)
    if block.controls and len(wires) + len(block.controls) <= MAX_GROUP_BITS:
        # A table over the controls too packs with others; a condition does not.
        full = np.ones((1 << len(block.controls), len(values)), dtype=np.complex128)
        full[block.control_state] = values
        wires, values, where = wires + block.controls, full.ravel(), Condition()
    inside = [j for j, wire in enumerate(wires) if wire in local]
    inside.sort(key=lambda j: local[wires[j]])
    outside = [j for j, wire in enumerate(wires) if wire not in local]
    outside.sort(key=lambda j: outer[wires[j]])
    return _Factor(
        tuple([local[wires[j]] for j in inside]),
        tuple([outer[wires[j]] for j in outside]),
        reordered(values, inside + outside),
        where,
    )


def _group(packing: _Packing) -> DiagonalGroup:
    bits = tuple(sorted(packing.bits))
    constant: NDArray[Any] | None = None
    tables: dict[tuple[tuple[int, ...], tuple[int, ...], int, int], NDArray[np.complex128]] = {}
    for factor in packing.factors:
        where = factor.condition
        if not factor.outer and not where.outer_mask:
            if constant is None:
                constant = np.ones((2,) * len(bits), dtype=np.complex128)
            # Axes go from the highest bit to the lowest, in the table as in the group.
            shape = [2 if bit in factor.bits else 1 for bit in reversed(bits)]
            constant *= factor.table.reshape(shape)
            continue
        places = tuple([bits.index(bit) for bit in factor.bits])
        key = (places, factor.outer, where.outer_mask, where.outer_value)
        tables[key] = tables[key] * factor.table if key in tables else factor.table
    terms = [
        DiagonalTerm(places, outer, table, mask, value)
        for (places, outer, mask, value), table in sorted(tables.items(), key=lambda item: item[0])
    ]
    if constant is not None:
        terms.insert(0, DiagonalTerm(tuple(range(len(bits))), (), constant.ravel()))
    return DiagonalGroup(bits, tuple(terms))


def reordered(values: NDArray[Any], order: Sequence[int]) -> NDArray[np.complex128]:
    """``values``, indexed by bits in another order: the new bit ``j`` is the old ``order[j]``."""
    count = len(order)
    axes = [count - 1 - order[count - 1 - axis] for axis in range(count)]
    tensor = values.reshape((2,) * count).transpose(axes)
    return np.ascontiguousarray(tensor, dtype=np.complex128).ravel()


def gathered(order: Sequence[int]) -> NDArray[np.intp]:
    """For an index whose bit ``j`` stands for bit ``order[j]`` of another: that other index."""
    index = np.arange(1 << len(order))
    other = np.zeros_like(index)
    for position, bit in enumerate(order):
        other |= (index >> position & 1) << bit
    return other


def condition_of(block: Block, local: dict[int, int], outer: dict[int, int]) -> Condition:
    masks = [0, 0, 0, 0]
    for bit, wire in enumerate(block.controls):
        inside = wire in local
        weight = 1 << (local[wire] if inside else outer[wire])
        masks[0 if inside else 2] |= weight
        if block.control_state >> bit & 1:
            masks[1 if inside else 3] |= weight
    return Condition(*masks)
