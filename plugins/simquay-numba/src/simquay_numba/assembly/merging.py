"""Groups of a diagonal that share a table: fewer factors to multiply every amplitude by.

The planner's groups have up to six local bits, so that a GPU's threads share their tables. A core's
first-level cache holds larger ones, and the size of a table of blocks depends on its high bits
alone, not on lanes. So groups of the same step whose factors are the same in all tiles become one
group, if its table stays small.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import bits_of, mask_of
from simquay_numba.assembly.diagonals import GroupKey, lanes_alike
from simquay_numba.assembly.geometry import index_within
from simquay_numba.kernels.vectors import BLOCK_BYTES

__all__ = ["Indices", "Pair", "Source", "merged", "places_of"]

Indices: TypeAlias = NDArray[np.intp]

Source: TypeAlias = tuple[Indices, ...]
"""The numbers of a fill, as their indices among the numbers of the pass, in order. With several
arrays of indices, of one length, each number is a product."""

_TABLE_BYTES = 8 << 10
"""The most bytes of a merged table: a sixth of a first-level cache of 48 KiB."""


class Pair(NamedTuple):
    """A group: the key that determines its template, and the table of each term."""

    key: GroupKey
    tables: tuple[Source, ...]


class _Merge(NamedTuple):
    """A group to be made.

    Attributes:
        members: the numbers of the groups that it is made of.
        key: of the new group.
        factors: for each member, the index of the factor that each new factor takes from it,
            shape ``(2**bits,)``; empty for a single member, which stays as it is.
    """

    members: tuple[int, ...]
    key: GroupKey
    factors: tuple[Indices, ...]


def merged(pairs: Sequence[Pair], lanes: int, real_bytes: int, compact: bool) -> list[Pair]:
    """The groups of a step, merged greedily into fewer.

    Args:
        pairs: the groups.
        lanes: how many of the lowest local bits are lanes.
        real_bytes: of a real number.
        compact: whether tables whose lanes are all alike have one complex number an entry, in
            place of a block.
    """
    if len(pairs) < 2:
        return list(pairs)
    made = []
    for merge in _merges(tuple([pair.key for pair in pairs]), lanes, real_bytes, compact):
        members = [pairs[member].tables for member in merge.members]
        if len(members) == 1:
            made.append(Pair(merge.key, members[0]))
            continue
        table = [
            indices[factors]
            for (own,), factors in zip(members, merge.factors, strict=True)
            for indices in own
        ]
        made.append(Pair(merge.key, (tuple(table),)))
    return made


@lru_cache(maxsize=1024)
def _merges(
    keys: tuple[GroupKey, ...], lanes: int, real_bytes: int, compact: bool
) -> tuple[_Merge, ...]:
    low = (1 << lanes) - 1
    small = (_TABLE_BYTES // (2 * real_bytes)).bit_length() - 1
    large = (_TABLE_BYTES // BLOCK_BYTES).bit_length() - 1
    apart: list[_Merge] = []
    # New groups, (mask of bits, members), by whether all their lanes are alike; those come last.
    bins: dict[bool, list[tuple[int, list[int]]]] = {False: [], True: []}
    order = sorted(range(len(keys)), key=lambda number: lanes_alike(keys[number], lanes))
    for number in order:
        key = keys[number]
        if key.terms is not None or key.mask:
            apart.append(_Merge((number,), key, ()))
            continue
        mask = mask_of(key.bits)
        alike = compact and lanes_alike(key, lanes)
        most = small if alike else large
        found = bins[alike]
        best, least = -1, most + 1
        for place, (own, _) in enumerate(found):
            union = (own | mask) & ~low
            growth = union.bit_count() - (own & ~low).bit_count()
            if union.bit_count() <= most and growth < least:
                best, least = place, growth
        if best < 0:
            found.append((mask, [number]))
        else:
            own, members = found[best]
            found[best] = own | mask, [*members, number]
    return (
        *apart,
        *[_merge(keys, mask, members) for part in bins.values() for mask, members in part],
    )


def _merge(keys: Sequence[GroupKey], mask: int, members: list[int]) -> _Merge:
    bits = tuple(bits_of(mask))
    if len(members) == 1:
        return _Merge(tuple(members), keys[members[0]], ())
    rank = {bit: place for place, bit in enumerate(bits)}
    factors = [
        index_within(len(bits), tuple([rank[bit] for bit in keys[member].bits])).astype(np.intp)
        for member in members
    ]
    is_real = all(keys[member].is_real for member in members)
    return _Merge(tuple(members), GroupKey(bits, 0, 0, None, is_real), tuple(factors))


def places_of(sources: Sequence[Source]) -> tuple[Indices, list[tuple[Indices, Indices]]]:
    """The attributes ``places`` and ``factors`` of an :class:`~.assemble.Assembly`."""
    none = np.zeros(0, dtype=np.intp)
    places = np.concatenate([none, *[source[0] for source in sources]], axis=None)
    ends = np.cumsum([source[0].size for source in sources])
    factors = []
    for level in range(1, max(map(len, sources), default=0)):
        longer = [number for number, source in enumerate(sources) if len(source) > level]
        members = [sources[number][level] for number in longer]
        numbers = [
            np.arange(ends[number] - own.size, ends[number])
            for number, own in zip(longer, members, strict=True)
        ]
        factors.append((np.concatenate(numbers), np.concatenate(members)))
    return places, factors
