"""Diagonal stages → templates: tables of factors, one block an entry.

A group depends on few bits, so its factors are few: a table has a block for each value of the
group's high bits, in which every lane has its factor. Where no factor depends on the tile, the
table is made when the pass is assembled; otherwise each tile makes it anew, from a note.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias

from quayside.planning.tile_plan import DiagonalGroup, DiagonalStage
from quayside_numba.geometry import diagonal_indices, factor_codes, index_within, lane_factors
from quayside_numba.kernels import BLOCK_BYTES, DIAGONAL, TABLE
from quayside_numba.memory import address
from quayside_numba.packing import WANTED
from quayside_numba.templates import Shape, Template, instruction, room
from quayside_numba.vectors import VECTOR_BYTES

__all__ = ["GroupKey", "diagonal", "group_keys", "varies"]

_MAX_GROUPS = 4
"""Groups that one trip through the buffer multiplies by."""

_KEPT = 1024
"""Templates that are kept; one of many terms has some kilobytes."""

_TermKey: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], int, int]

_fill = struct.Struct("=4q").pack


class GroupKey(NamedTuple):
    """A group without its tables; ``terms`` is None where no factor depends on the tile."""

    bits: tuple[int, ...]
    mask: int
    value: int
    terms: tuple[_TermKey, ...] | None


def varies(group: DiagonalGroup) -> bool:
    """Whether a factor of the group depends on the tile."""
    first = group.terms[0]
    return len(group.terms) > 1 or bool(first.outer) or bool(first.outer_mask)


def group_keys(stage: DiagonalStage) -> tuple[GroupKey, ...]:
    """What decides a stage's template."""
    keys = []
    for group in stage.groups:
        terms = None
        if varies(group):
            terms = tuple(
                [(one.places, one.outer, one.outer_mask, one.outer_value) for one in group.terms]
            )
        keys.append(GroupKey(group.bits, group.local_mask, group.local_value, terms))
    return tuple(keys)


@lru_cache(maxsize=_KEPT)
def diagonal(shape: Shape, groups: tuple[GroupKey, ...]) -> Template:
    """A diagonal stage: one trip multiplies by up to four groups' factors.

    The sources of its fills are the tables of the groups that do not vary, in order; those of its
    notes' fills are the tables of all terms of the others, in order.
    """
    code, fills, notes, note_fills = [], [], [], []
    keep: list[Any] = []
    seen = taken = 0
    scratch = VECTOR_BYTES
    for start in range(0, len(groups), _MAX_GROUPS):
        indices, tables = [0] * _MAX_GROUPS, [0] * _MAX_GROUPS
        trip = groups[start : start + _MAX_GROUPS]
        place = 0  # in the scratch: the tables of one trip are there together
        for number, group in enumerate(trip):
            low = tuple([bit for bit in group.bits if bit < shape.lanes])
            high = tuple([bit - shape.lanes for bit in group.bits if bit >= shape.lanes])
            mask, value = group.mask, group.value
            index = diagonal_indices(shape.high, high, mask >> shape.lanes, value >> shape.lanes)
            mask, value = mask & (shape.width - 1), value & (shape.width - 1)
            indices[number] = address(index)
            keep.append(index)
            seen |= group.mask | sum([1 << bit for bit in group.bits])
            if group.terms is None:
                codes = factor_codes(shape.width, low, len(high), mask, value)
                keep.append(codes)
                fills.append(_fill(address(codes), len(codes), 0, 2 << len(group.bits)))
                taken += room(len(codes), shape.real_bytes)
                tables[number] = WANTED + 1
                continue
            sub = None
            if low or mask:
                sub = lane_factors(shape.width, low, mask, value)
                keep.append(sub)
            tables[number] = -1 - place
            note = _note(shape, group, len(high), 0 if sub is None else address(sub), place)
            code.append(instruction(TABLE, 0, len(note.words)))
            notes.append(struct.pack(f"={len(note.words)}q", *note.words))
            note_fills += note.fills
            taken += note.taken
            keep += note.keep
            place = note.end
        scratch = max(scratch, place)
        code.append(instruction(DIAGONAL, len(trip), *indices, *tables))
    return Template(
        b"".join(code),
        b"".join(fills),
        b"".join(notes),
        b"".join(note_fills),
        seen,
        taken,
        scratch,
        None,
        tuple(keep),
    )


class _Note(NamedTuple):
    """``end`` is the first place of the scratch after what making the table needs."""

    words: list[int]
    fills: list[bytes]
    taken: int
    keep: list[Any]
    end: int


def _note(shape: Shape, group: GroupKey, high: int, lanes: int, place: int) -> _Note:
    """The description of a table at ``place``; see :func:`~.kernels._build_table`."""
    terms = group.terms
    assert terms is not None
    pair = 2 * shape.real_bytes
    k = len(group.bits)
    # The numbers on the way stand behind the table, and what comes next behind them.
    along = place + _aligned(((1 << high) + 1) * BLOCK_BYTES)
    product = along + _aligned(pair << k)
    end = product + _aligned(pair << max(len(term[0]) for term in terms))
    runs = [(places, list(run)) for places, run in groupby(terms, key=lambda term: term[0])]
    first = terms[0]
    constant = not first[1] and not first[2]
    if constant:
        runs[0][1].pop(0)
        if not runs[0][1]:
            runs.pop(0)
    words = [k, high, lanes, place, along, product, WANTED + 1 if constant else 0, len(runs)]
    keep: list[Any] = []
    for places, members in runs:
        where = index_within(k, places)
        keep.append(where)
        words += [len(places), address(where), len(members)]
        for _, outer, mask, value in members:
            words += [mask, value, WANTED + 1, len(outer), *outer]
    sizes = [2 << len(places) + len(outer) for places, outer, _, _ in terms]
    fills = [_fill(0, size, 0, size) for size in sizes]
    taken = sum([room(size, shape.real_bytes) for size in sizes])
    return _Note(words, fills, taken, keep, end)


def _aligned(count: int) -> int:
    return -(-count // VECTOR_BYTES) * VECTOR_BYTES
