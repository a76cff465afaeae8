"""Means of strings on a dense state.

With ``p[i] = conj(a[i ^ x]) * a[i]``, a string's mean is ``1j**popcount(x & z)`` times the sum of
``(-1)**popcount(i & z) * p[i]`` over the ``i`` that have its fixed bits. The terms of ``i`` and of
``i ^ x`` are conjugate. So half of the pairs are enough, and of ``p`` one part: the real part where
``popcount(x & z)`` is even, and the imaginary part where it is odd. Strings that need the same part
of the same products are a group, and share them.

All sums are taken in double precision, in blocks that stay in cache.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.numpy.state import ComplexArray, DenseState
from simquay.engines.threads import run_side_by_side
from simquay.program import Strings
from simquay.program.bits import bit_counts

__all__ = ["string_means"]

_BLOCK_BITS = 13
"""log2 of the products of a block."""

_ROW_BITS = 6
"""log2 of the rows of a block, seen as a matrix: a string's signs are an outer product, of those of
the rows and those of the columns."""

_GROUP_WORK = 1 << 13
"""Products that take as long as what is done once for a group."""

_TOGETHER = 1 << 16
"""Products of different groups that are taken at once."""

_PIECE_WORK = 1 << 20
"""Products of a piece of work; a second thread pays if there are several pieces."""


class _Group(NamedTuple):
    """Strings that share products.

    Attributes:
        x: of all of them.
        odd: whether the products are imaginary parts.
        top: the bit that is left out of an index of products: the highest of ``x``, and only
            indices without it count; if ``x`` is 0, one that no index has.
        place: of the strings among all that are sorted.
        masks: ``z``, ``fixed`` and ``values`` of the strings, without the bit ``top``.
    """

    x: int
    odd: bool
    top: int
    place: slice
    masks: list[NDArray[np.int64]]


def string_means(
    state: DenseState, strings: Strings, threads: int, control: Control
) -> NDArray[np.float64]:
    """See :meth:`simquay.engines.base.BaseEngine.means`."""
    counts = bit_counts(strings.x & strings.z)
    order = np.lexsort((counts & 1, strings.x))
    x, *masks = (column[order] for column in strings)
    counts = counts[order]
    odd = counts & 1
    changes = np.flatnonzero((x[1:] != x[:-1]) | (odd[1:] != odd[:-1])) + 1
    vectors = state.vector
    sums = np.zeros((state.batch, len(x)))
    if vectors.size * len(x) <= (len(changes) + 1) * _GROUP_WORK:
        whole = vectors.astype(np.complex128)
        step = max(1, _TOGETHER // vectors.size)
        for first in range(0, len(x), step):
            control.check()
            some = slice(first, first + step)
            signs = _signs(state.stored, *[mask[some] for mask in masks])
            sums[:, some] = _apart(whole, x[some], odd[some], signs)
    else:
        groups = list(_groups(state.stored, x, odd, masks, [0, *changes.tolist(), len(x)]))
        _add_groups(vectors, state.stored, groups, sums, threads, control)
    # The sign of 1j**counts, or of its product with the 1j of an imaginary part.
    result = np.empty_like(sums)
    result[:, order] = sums * (1 - (counts + 1 & 2))
    return result


def _apart(
    whole: NDArray[np.complex128],
    x: NDArray[np.int64],
    odd: NDArray[np.int64],
    signs: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The sums of strings that share nothing, shape ``(batch, terms)``, all pairs of a small state
    at once."""
    partners = whole.take(np.arange(whole.shape[1]) ^ x[:, None], axis=1)
    partners *= signs
    # conj(b) * a as products of real numbers: the real part b.real * a.real + b.imag * a.imag, and
    # the imaginary part likewise, of b and -1j * a.
    sides = np.stack([whole, -1j * whole], axis=1).view(np.float64)
    parts: NDArray[np.float64] = partners.view(np.float64) @ sides.swapaxes(1, 2)
    return parts[:, np.arange(len(x)), odd]


def _groups(
    width: int,
    x: NDArray[np.int64],
    odd: NDArray[np.int64],
    masks: list[NDArray[np.int64]],
    bounds: list[int],
) -> Iterator[_Group]:
    """The groups of strings that are sorted by ``x`` and ``odd``; ``bounds`` are their starts, and
    the end."""
    tops = [int(x[first]).bit_length() - 1 if x[first] else width for first in bounds[:-1]]
    low = (1 << np.repeat(np.array(tops, dtype=np.int64), np.diff(bounds))) - 1
    masks = [mask & low | mask >> 1 & ~low for mask in masks]
    for top, (first, end) in zip(tops, pairwise(bounds), strict=True):
        some = slice(first, end)
        yield _Group(int(x[first]), bool(odd[first]), top, some, [mask[some] for mask in masks])


def _add_groups(
    vectors: ComplexArray,
    width: int,
    groups: list[_Group],
    sums: NDArray[np.float64],
    threads: int,
    control: Control,
) -> None:
    """Add the sums of all groups, shape ``(batch, terms)``, to ``sums``."""
    lock = threading.Lock()

    def piece(group: _Group, blocks: range) -> None:
        control.check()
        found = _block_sums(vectors, width, group, blocks)
        with lock:  # another thread may have other blocks of the group
            sums[:, group.place] += found

    step = max(1, _PIECE_WORK >> _BLOCK_BITS)
    calls = [
        partial(piece, group, range(first, min(first + step, count)))
        for group in groups
        for count in [max(1, 1 << width - (group.x != 0) >> _BLOCK_BITS)]
        for first in range(0, count, step)
    ]
    if threads > 1 and len(groups) * vectors.size > _PIECE_WORK:
        run_side_by_side(calls)
    else:
        for call in calls:
            call()


def _block_sums(
    vectors: ComplexArray, width: int, group: _Group, blocks: range
) -> NDArray[np.float64]:
    """The sums of a group's strings over some of the blocks of products, shape ``(batch, terms)``.

    The index of a product is that of an amplitude without the bit ``top``.
    """
    x, top = group.x, group.top
    bits = min(width - (x != 0), _BLOCK_BITS)
    # Either both amplitudes of each pair are in one window of the state, or they are in two.
    window = 2 << bits if top < bits else 1 << bits
    index = np.arange(1 << bits)
    partner = (_with_gap(index, top) if top < bits else index) ^ x & window - 1
    row_bits = bits // 2 if bits > _ROW_BITS else 0
    column_bits = bits - row_bits
    row_signs = _signs(row_bits, *[mask >> column_bits for mask in group.masks])
    column_signs = np.repeat(_signs(column_bits, *group.masks), 2, axis=1)
    together = max(1, (1 << _BLOCK_BITS) >> bits)
    result = np.zeros((len(vectors), len(row_signs)))
    for block in blocks:
        first = _with_gap(block << bits, top)
        other = (first ^ x) & -window
        z, fixed, values = group.masks
        scales = (1.0 - 2 * (bit_counts(z & block << bits) & 1)) * (2 if x else 1)
        scales[fixed & block << bits != values >> bits << bits] = 0
        for row in range(0, len(vectors), together):
            some = slice(row, row + together)
            one = vectors[some, first : first + window]
            if top < bits:
                one = one.reshape(len(one), -1, 2, 1 << top)[:, :, 0]
            two = vectors[some, other : other + window].take(partner, axis=1)
            two = two.astype(np.complex128, copy=False).reshape(one.shape)
            # The parts of conj(two) * one are sums of two products: the imaginary part is the real
            # part for -1j * one.
            one = np.multiply(one, -1j) if group.odd else np.ascontiguousarray(one)
            products = two.view(np.float64)
            products *= one.view(vectors.real.dtype)
            table = products.reshape(-1, 1 << row_bits, 2 << column_bits)
            if row_bits:
                sums = np.einsum("btc,tc->bt", row_signs @ table, column_signs)
            else:
                sums = table[:, 0] @ column_signs.T
            result[some] += sums * scales
    return result


def _with_gap(index: Any, bit: int) -> Any:
    """``index``, a number or an array, with its bits from ``bit`` on moved up by one."""
    low = index & (1 << bit) - 1
    return (index ^ low) << 1 | low


def _signs(
    bits: int, z: NDArray[np.int64], fixed: NDArray[np.int64], values: NDArray[np.int64]
) -> NDArray[np.float64]:
    """``(-1)**popcount(i & z)`` where ``i & fixed == values``, or else 0, for the lowest ``bits``
    bits: shape ``(terms, 2**bits)``."""
    parities = _parities(bits)
    index = np.arange(len(parities))
    signs: NDArray[np.float64] = parities[index & z[:, None]]
    if fixed.any():
        signs *= index & fixed[:, None] == (values & len(index) - 1)[:, None]
    return signs


@cache
def _parities(bits: int) -> NDArray[np.float64]:
    """``(-1)**popcount(i)`` for every ``i`` of ``bits`` bits."""
    return np.where(bit_counts(np.arange(1 << bits)) & 1, -1.0, 1.0)
