"""Diagonal stages → templates: tables of factors, one block an entry.

A group depends on few bits, so it has few factors: its table has a block for each value of the
group's high bits, with the factor of each lane. If no factor depends on the tile, the table is made
when the pass is assembled; otherwise each tile builds it anew, as a *note* describes.

Where one-qubit matrices and diagonals take turns, as in a Fourier transform, up to three matrices
and all diagonals before them are a *chain*: one trip in which the amplitudes stay in registers.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias

from simquay.engine_api import DiagonalGroup, DiagonalStage, mask_of
from simquay_numba.assembly.geometry import (
    block_groups,
    compact_codes,
    diagonal_indices,
    factor_codes,
    index_within,
    lane_factors,
    matrix_codes,
)
from simquay_numba.assembly.template import Shape, Template, fill_bytes, instruction, room
from simquay_numba.buffers import address
from simquay_numba.kernels.matrices import CHAIN_VARIANTS, COMPLEX, RX_LIKE
from simquay_numba.kernels.packing import WANTED
from simquay_numba.kernels.run import BLOCK_BYTES, CHAIN, DIAGONAL, TABLE
from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = ["GroupKey", "chain", "diagonal", "group_keys", "lanes_alike", "varies"]

_MAX_GROUPS = 4
"""The most groups whose factors one trip through the buffer multiplies by."""

_KEPT = 1024
"""The most templates of a kind that are kept; those of many terms have some kilobytes."""

_CHAIN = {variant: number for number, variant in enumerate(CHAIN_VARIANTS)}

_TermKey: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], int, int]


class GroupKey(NamedTuple):
    """A group without its tables; ``terms`` is None if no factor depends on the tile."""

    bits: tuple[int, ...]
    mask: int
    value: int
    terms: tuple[_TermKey, ...] | None


def varies(group: DiagonalGroup) -> bool:
    """Whether a factor of the group depends on the tile."""
    first = group.terms[0]
    return len(group.terms) > 1 or bool(first.outer) or bool(first.outer_mask)


def lanes_alike(group: GroupKey, lanes: int) -> bool:
    """Whether the group's factors are the same in all lanes."""
    low = (1 << lanes) - 1
    return (not group.bits or group.bits[0] >= lanes) and not group.mask & low


def group_keys(stage: DiagonalStage) -> tuple[GroupKey, ...]:
    """The keys of a stage's groups, which determine its template."""
    keys = []
    for group in stage.groups:
        terms = None
        if varies(group):
            terms = tuple(
                [(one.places, one.outer, one.outer_mask, one.outer_value) for one in group.terms]
            )
        keys.append(GroupKey(group.bits, group.local_mask, group.local_value, terms))
    return tuple(keys)


class DiagonalBuilder:
    """Collects the parts of a template that multiplies by groups' factors.

    ``place`` is the byte offset in the scratch of the next table that a tile builds.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.code: list[bytes] = []
        self.notes: list[bytes] = []
        self.note_fills: list[bytes] = []
        self.keep: list[Any] = []
        self.seen = self.room = 0
        self.scratch = VECTOR_BYTES
        self.place = 0

    def group(self, group: GroupKey, compact: bool = False) -> tuple[int, int, bytes]:
        """The words of a group's index list and table, and the table's fill, empty if a tile builds
        it.

        If the table depends on the tile, an instruction that builds it is added. ``compact``: all
        lanes are alike, and the table has one complex number in place of a block.
        """
        shape = self.shape
        lanes = shape.lanes
        low = tuple([bit for bit in group.bits if bit < lanes])
        high = tuple([bit - lanes for bit in group.bits if bit >= lanes])
        mask, value = group.mask, group.value
        indices = diagonal_indices(shape.high, high, mask >> lanes, value >> lanes)
        mask, value = mask & (shape.width - 1), value & (shape.width - 1)
        self.keep.append(indices)
        self.seen |= group.mask | mask_of(group.bits)
        if group.terms is None:
            if compact:
                codes = compact_codes(len(high))
            else:
                codes = factor_codes(shape.width, low, len(high), mask, value)
            self.keep.append(codes)
            self.room += room(len(codes), shape.real_bytes)
            fill = fill_bytes(address(codes), len(codes), 0, 2 << len(group.bits))
            return address(indices), WANTED + 1, fill
        sub = None
        if low or mask:
            sub = lane_factors(shape.width, low, mask, value)
            self.keep.append(sub)
        place = self.place
        note = _note(shape, group, len(high), 0 if sub is None else address(sub), place, compact)
        self.code.append(instruction(TABLE, 0, len(note.words)))
        self.note(note.words, note.fills)
        self.room += note.room
        self.keep += note.keep
        self.place = note.end
        self.scratch = max(self.scratch, note.end)
        return address(indices), -1 - place, b""

    def note(self, words: list[int], fills: list[bytes]) -> None:
        """Add the note of the next instruction."""
        self.notes.append(struct.pack(f"={len(words)}q", *words))
        self.note_fills += fills

    def template(self, fills: bytes) -> Template:
        """The template of all parts; ``fills`` are those of the instructions."""
        return Template(
            b"".join(self.code),
            self.seen,
            tuple(self.keep),
            fills,
            self.room,
            self.scratch,
            b"".join(self.notes),
            b"".join(self.note_fills),
        )


@lru_cache(maxsize=_KEPT)
def diagonal(shape: Shape, groups: tuple[GroupKey, ...]) -> Template:
    """A diagonal stage: one trip multiplies by up to four groups' factors.

    The sources of its fills are the tables of the groups that do not vary, in order. The sources of
    its notes' fills are the tables of all terms of the other groups, in order.
    """
    builder = DiagonalBuilder(shape)
    fills = []
    for start in range(0, len(groups), _MAX_GROUPS):
        trip = groups[start : start + _MAX_GROUPS]
        builder.place = 0  # the tables of one trip are in the scratch together
        indices, tables = [0] * _MAX_GROUPS, [0] * _MAX_GROUPS
        for number, group in enumerate(trip):
            indices[number], tables[number], fill = builder.group(group)
            fills.append(fill)
        builder.code.append(instruction(DIAGONAL, len(trip), *indices, *tables))
    return builder.template(b"".join(fills))


@lru_cache(maxsize=_KEPT)
def chain(
    shape: Shape, form: int, steps: tuple[tuple[tuple[GroupKey, ...], int], ...], zero: int = 0
) -> Template:
    """A chain: steps of diagonal groups and a one-qubit matrix on a high bit, all of one form.

    The bits differ, and are local bits. In each step, groups with all lanes alike come last.
    ``zero`` is a mask of other high bits: where one of them is 1, all amplitudes are 0 so far.

    The sources of its fills are the matrices. The sources of its notes' fills are first the tables
    of all terms of the groups that vary, in order, and then those of the other groups, in order.
    """
    builder = DiagonalBuilder(shape)
    codes = matrix_codes(shape.width, (), 1, 0, 0, form == COMPLEX)
    high = [bit - shape.lanes for _, bit in steps]
    groups = block_groups(shape.high, tuple(sorted(high)), zero >> shape.lanes, 0)
    builder.keep += [codes, groups]
    counts, lists, fills = [0] * 6, [], []
    for number, (keys, bit) in enumerate(steps):
        builder.seen |= 1 << bit
        for key in keys:
            compact = lanes_alike(key, shape.lanes)
            counts[2 * number] += 1
            counts[2 * number + 1] += compact
            indices, table, fill = builder.group(key, compact)
            lists += [indices, table]
            fills.append(fill)
    builder.note([*counts, *lists], fills)
    distances = [BLOCK_BYTES << bit for bit in high] + [0] * (3 - len(high))
    words = (CHAIN, 0, 6 + len(lists), _CHAIN[len(steps), form], len(groups), address(groups))
    builder.code.append(instruction(*words, *distances, WANTED + len(steps)))
    builder.room += len(steps) * room(len(codes), shape.real_bytes)
    return builder.template(fill_bytes(address(codes), len(codes), form == RX_LIKE, 8) * len(steps))


class _Note(NamedTuple):
    """The description of a table; ``end`` is the byte offset in the scratch after its memory."""

    words: list[int]
    fills: list[bytes]
    room: int
    keep: list[Any]
    end: int


def _note(shape: Shape, group: GroupKey, high: int, lanes: int, place: int, compact: bool) -> _Note:
    """The description of a table at ``place``; see
    :func:`~simquay_numba.kernels.tables.build_table`."""
    terms = group.terms
    assert terms is not None
    pair = 2 * shape.real_bytes
    k = len(group.bits)
    # Memory to work in follows the table: the factors, and then the product of a run's terms.
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
    words = [k, high, lanes, place, along, product]
    words += [WANTED + 1 if constant else 0, len(runs), int(compact)]
    keep: list[Any] = []
    for places, members in runs:
        where = index_within(k, places)
        keep.append(where)
        words += [len(places), address(where), len(members)]
        for _, outer, mask, value in members:
            words += [mask, value, WANTED + 1, len(outer), *outer]
    sizes = [2 << len(places) + len(outer) for places, outer, _, _ in terms]
    fills = [fill_bytes(0, size, 0, size) for size in sizes]
    taken = sum([room(size, shape.real_bytes) for size in sizes])
    return _Note(words, fills, taken, keep, end)


def _aligned(count: int) -> int:
    return -(-count // VECTOR_BYTES) * VECTOR_BYTES
