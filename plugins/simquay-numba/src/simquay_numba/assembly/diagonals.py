"""Diagonal stages → templates: tables of factors, one block an entry.

A group depends on few bits, so it has few factors: its table has a block for each value of the
group's high bits, with the factor of each lane. If no factor depends on the tile, the table is made
when the pass is assembled; otherwise each tile builds it anew, as a *note* describes.

Where one-qubit matrices and diagonals take turns, as in a Fourier transform, up to three matrices
and all diagonals before them are a *chain*: one trip in which the amplitudes stay in registers.
"""

from __future__ import annotations

import struct
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias

from simquay.engine_api import DiagonalGroup, DiagonalStage, mask_of
from simquay_numba.assembly.geometry import (
    block_groups,
    compact_codes,
    diagonal_indices,
    factor_codes,
    index_within,
    matrix_codes,
)
from simquay_numba.assembly.template import (
    Shape,
    Template,
    fill_bytes,
    instruction,
    joined,
    kept,
    room,
)
from simquay_numba.buffers import address
from simquay_numba.kernels.matrices import (
    CHAIN_VARIANTS,
    COMPLEX,
    DENSE_VARIANTS,
    MATRIX_VARIANTS,
    RX_LIKE,
)
from simquay_numba.kernels.packing import WANTED
from simquay_numba.kernels.run import BLOCK_BYTES, CHAIN, DIAGONAL, MATRICES, TABLE
from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = ["GroupKey", "chain", "diagonal", "group_keys", "lanes_alike", "varies"]

_MAX_GROUPS = 4
"""The most groups whose factors one trip through the buffer multiplies by."""

_KEPT = 1024
"""The most templates of a kind that are kept; those of many terms have some kilobytes."""

_CHAIN = {variant: number for number, variant in enumerate(CHAIN_VARIANTS)}

_STEPS = {
    (high, form): number
    for number, (high, other, form) in enumerate(MATRIX_VARIANTS)
    if not other and high and (high == 1 or number >= len(DENSE_VARIANTS))
}
"""The kernels for one-qubit matrices on high bits, by how many and by their form."""

_TermKey: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], int, int]


class GroupKey(NamedTuple):
    """A group without its tables; ``terms`` is None if no factor depends on the tile, ``is_real``
    says that all are real."""

    bits: tuple[int, ...]
    mask: int
    value: int
    terms: tuple[_TermKey, ...] | None
    is_real: bool = False


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
        mask, value = group.local_mask, group.local_value
        keys.append(GroupKey(group.bits, mask, value, terms, group.is_real))
    return tuple(keys)


@kept(_KEPT)
def diagonal(shape: Shape, groups: tuple[GroupKey, ...]) -> Template:
    """A diagonal stage: one trip multiplies by up to four groups' factors.

    The sources of its fills are the tables of the groups that do not vary, in order. The sources of
    its notes' fills are the tables of all terms of the other groups, in order.
    """
    parts = []
    for start in range(0, len(groups), _MAX_GROUPS):
        trip = groups[start : start + _MAX_GROUPS]
        indices, tables, fills = [0] * _MAX_GROUPS, [0] * _MAX_GROUPS, []
        place = 0  # the tables of one trip are in the scratch together
        for number, group in enumerate(trip):
            (indices[number], tables[number]), fill, table = _factors(shape, group, place)
            fills.append(fill)
            parts.append(table)
            place = max(place, table.scratch)
        count = len(trip) + _MAX_GROUPS * all(group.is_real for group in trip)
        code = instruction(DIAGONAL, count, *indices, *tables)
        parts.append(Template(code, 0, (), b"".join(fills)))
    return joined(parts)


@kept(_KEPT)
def chain(
    shape: Shape,
    form: int,
    groups: tuple[tuple[GroupKey, ...], ...],
    bits: tuple[int, ...],
    zero: int = 0,
) -> Template:
    """A chain: one-qubit matrices on the local bits ``bits``, which differ and are no lanes, all of
    one form; and the diagonal groups before each.

    Of the groups before a matrix, those with all lanes alike come last. ``zero`` is a mask of other
    high bits: where one of them is 1, all amplitudes are 0 so far.

    The sources of its fills are the matrices. The sources of its notes' fills are first the tables
    of all terms of the groups that vary, in order, and then those of the other groups, in order.
    """
    high = [bit - shape.lanes for bit in bits]
    lists = block_groups(shape, tuple(sorted(high)), zero >> shape.lanes, 0)
    codes = matrix_codes(shape.width, (), 1, 0, 0, form == COMPLEX)
    counts, words, tables, fills = [], [], [], []
    place = 0
    for keys in groups:
        counts += [len(keys), sum([lanes_alike(key, shape.lanes) for key in keys])]
        for key in keys:
            own, fill, table = _factors(shape, key, place, lanes_alike(key, shape.lanes))
            words += own
            fills.append(fill)
            tables.append(table)
            place = max(place, table.scratch)
    distances = [*map(shape.distance, high)] + [0] * (3 - len(high))
    trip = (len(lists), address(lists), *distances, WANTED + len(bits))
    if any(groups):
        note = [*counts, *[0] * (6 - len(counts)), *words]  # a kernel has three steps at most
        code = instruction(CHAIN, 0, len(note), _CHAIN[len(bits), form], *trip)
    else:
        note = []
        code = instruction(MATRICES, _STEPS[len(bits), form], *trip)
    count = len(bits)
    last = Template(
        code,
        mask_of(bits),
        (lists, codes),
        fill_bytes(address(codes), len(codes), form == RX_LIKE, 8) * count,
        room(len(codes), shape.real_bytes) * count,
        notes=_words(note),
        note_fills=b"".join(fills),
    )
    return joined([*tables, last])


def _factors(
    shape: Shape, group: GroupKey, place: int, compact: bool = False
) -> tuple[list[int], bytes, Template]:
    """The words of a group's index list and table; and the table's fill.

    If the table depends on the tile, it has no fill, and the template has an instruction that
    builds it at ``place`` in the scratch. ``compact``: all lanes are alike, and the table has one
    complex number in place of a block.
    """
    lanes = shape.lanes
    low = tuple([bit for bit in group.bits if bit < lanes])
    high = tuple([bit - lanes for bit in group.bits if bit >= lanes])
    mask, value = group.mask, group.value
    indices = diagonal_indices(shape, high, mask >> lanes, value >> lanes)
    mask, value = mask & (shape.width - 1), value & (shape.width - 1)
    seen = group.mask | mask_of(group.bits)
    if group.terms is None:
        if compact:
            codes = compact_codes(len(high))
        else:
            codes = factor_codes(lanes, low, len(high), mask, value)
        fill = fill_bytes(address(codes), len(codes), 0, 2 << len(group.bits))
        taken = room(len(codes), shape.real_bytes)
        own = [address(indices), WANTED + 1]
        return own, fill, Template(b"", seen, (indices, codes), room=taken)
    sub = index_within(lanes, low, mask, value)
    lane_places = address(sub) if low or mask else 0
    note, keep, end = _note(shape, group, len(high), lane_places, place, compact)
    sizes = [2 << len(term[0]) + len(term[1]) for term in group.terms]
    template = Template(
        instruction(TABLE, 0, len(note)),
        seen,
        (indices, sub, keep),
        room=sum([room(size, shape.real_bytes) for size in sizes]),
        scratch=end,
        notes=_words(note),
        note_fills=b"".join([fill_bytes(0, size, 0, size) for size in sizes]),
    )
    return [address(indices), -1 - place], b"", template


def _note(
    shape: Shape, group: GroupKey, high: int, lanes: int, place: int, compact: bool
) -> tuple[list[int], list[Any], int]:
    """The description of a table at ``place``, see
    :func:`~simquay_numba.kernels.tables.build_table`; the arrays that it refers to; and the byte
    offset in the scratch after its memory."""
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
    return words, keep, end


def _words(numbers: list[int]) -> bytes:
    return struct.pack(f"={len(numbers)}q", *numbers)


def _aligned(count: int) -> int:
    return -(-count // VECTOR_BYTES) * VECTOR_BYTES
