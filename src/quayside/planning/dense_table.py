"""A large diagonal as one table, built from its lowest bit up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from quayside.planning.dense_matrix import diagonal_entries
from quayside.planning.fuse import Item
from quayside.program.operations import GateOperation

__all__ = ["diagonal_table"]

ComplexArray: TypeAlias = NDArray[np.complex128]

_SMALL = 7
"""Wires of a diagonal that is worth computing by itself before it goes into the table."""


def diagonal_table(
    items: Sequence[Item], gates: Sequence[GateOperation], wires: Sequence[int]
) -> ComplexArray:
    """The product of diagonal ``items``, shape ``(2**len(wires),)``; bit ``j`` is ``wires[j]``.

    The table doubles wire by wire. What an item with highest wire ``b`` does to the halves where
    ``b`` is 0 and 1 is a factor on the wires below; for items of two wires, all such factors
    together are a product of vectors of two entries, one for each wire below.
    """
    place = {wire: position for position, wire in enumerate(wires)}
    pairs: list[list[tuple[int, Item]]] = [[] for _ in wires]
    others: list[list[tuple[list[int], list[Item]]]] = [[] for _ in wires]
    scalars: list[Item] = []
    for item in items:
        positions = sorted([place[w] for w in (*item.wires, *item.controls)])
        if not positions:
            scalars.append(item)
        elif len(positions) == 2:
            pairs[positions[1]].append((positions[0], item))
        else:
            _join(others[positions[-1]], positions, [item])
    for top, line in enumerate(pairs):
        if len(line) < 3:  # the product of vectors would cost more than it saves
            for below, item in line:
                _join(others[top], [below, top], [item])
            line.clear()
    table = np.empty(1 << len(wires), dtype=np.complex128)
    table[:1] = diagonal_entries(scalars, gates, ())
    for top, line in enumerate(pairs):
        size = 1 << top
        lower, upper = table[:size], table[size : 2 * size]
        if line:
            low = min(below for below, _ in line)
            high = max(below for below, _ in line) + 1
            factors = np.ones((high - low, 2, 2), dtype=np.complex128)
            for below, item in line:
                entries = diagonal_entries((item,), gates, (wires[below], wires[top]))
                factors[below - low] *= entries.reshape(2, 2).T
            # Wire below, its bit, top's bit: the halves for the two values of top.
            _scale(lower, upper, factors[:, :, 1], low)
            _scale(lower, lower, factors[:, :, 0], low)
        else:
            upper[:] = lower
        for held, members in others[top]:
            entries = diagonal_entries(members, gates, [wires[p] for p in held])
            _multiply(table[: 2 * size], entries, held, top + 1)
    return table


def _join(
    groups: list[tuple[list[int], list[Item]]], positions: list[int], items: list[Item]
) -> None:
    """Put items into a group that stays small, or into one of their own."""
    for held, members in groups:
        union = {*held, *positions}
        if len(union) <= max(_SMALL, len(positions)):
            held[:] = sorted(union)
            members.extend(items)
            return
    groups.append((positions, items))


def _scale(source: ComplexArray, target: ComplexArray, factors: ComplexArray, low: int) -> None:
    """``target`` becomes ``source`` times ``factors[j]`` at bit ``low + j`` of the index, all j."""
    if (factors == 1).all():
        if source is not target:
            target[:] = source
        return
    vector = factors[0]
    for pair in factors[1:]:
        vector = np.multiply.outer(pair, vector).reshape(-1)
    shape = (-1, len(vector), 1 << low)
    np.multiply(source.reshape(shape), vector[:, None], target.reshape(shape))


def _multiply(
    table: ComplexArray, entries: ComplexArray, positions: Sequence[int], width: int
) -> None:
    """Multiply a table of ``width`` bits in place by ``entries``, whose bits are ``positions``."""
    shape: list[int] = []
    factor: list[int] = []
    above = width
    for position in reversed(positions):
        if above - position > 1:
            shape.append(1 << (above - position - 1))
            factor.append(1)
        shape.append(2)
        factor.append(2)
        above = position
    if above:
        shape.append(1 << above)
        factor.append(1)
    view = table.reshape(shape)
    view *= entries.reshape(factor)
