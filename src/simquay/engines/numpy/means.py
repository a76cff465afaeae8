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
from functools import cache, lru_cache, partial
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.numpy.state import ComplexArray, DenseState
from simquay.engines.threads import run_side_by_side
from simquay.program import Strings
from simquay.program.bits import bit_counts

__all__ = ["block_signs", "signs_of", "string_means"]

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

_PIECE_TERMS = 32
"""The most strings of a piece of work."""

_PRODUCT_WORK = 1 << 16
"""Multiplications of a matrix product, and 8 times those of the product of a matrix and a vector,
which OpenBLAS does not spread over its own threads; these would compete with the engine's."""


class _Group(NamedTuple):
    """Strings that share products.

    Attributes:
        x: of all of them.
        odd: whether the products are imaginary parts.
        top: the bit that is left out of an index of products: the highest of ``x``, and only
            indices without it count; if ``x`` is 0, one that no index has.
        first: the place of the first string among all that are sorted.
        end: the place after the last.
    """

    x: int
    odd: bool
    top: int
    first: int
    end: int


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
        step = max(1, min(_TOGETHER // vectors.size, _PRODUCT_WORK // 4 >> state.stored))
        for first in range(0, len(x), step):
            control.check()
            some = slice(first, first + step)
            signs = signs_of(state.stored, *[mask[some] for mask in masks])
            sums[:, some] = _apart(whole, x[some], odd[some], signs)
    else:
        bounds = np.union1d(changes, np.arange(0, len(x), _PIECE_TERMS)).tolist()
        groups = [
            _Group(flip, part == 1, flip.bit_length() - 1 if flip else state.stored, first, end)
            for flip, part, (first, end) in zip(
                x[bounds].tolist(), odd[bounds].tolist(), pairwise([*bounds, len(x)]), strict=True
            )
        ]
        _add_groups(vectors, state.stored, groups, masks, sums, threads, control)
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


def _add_groups(
    vectors: ComplexArray,
    width: int,
    groups: list[_Group],
    masks: list[NDArray[np.int64]],
    sums: NDArray[np.float64],
    threads: int,
    control: Control,
) -> None:
    """Add the sums of all groups, shape ``(batch, terms)``, to ``sums``; ``masks`` are ``z``,
    ``fixed`` and ``values`` of all strings."""
    tops = np.repeat([group.top for group in groups], [group.end - group.first for group in groups])
    low = (1 << tops) - 1
    masks = [mask & low | mask >> 1 & ~low for mask in masks]
    lock = threading.Lock()

    def work(piece: list[_Group], blocks: range) -> None:
        some = slice(piece[0].first, piece[-1].end)
        found = _block_sums(vectors, width, piece, [mask[some] for mask in masks], blocks, control)
        with lock:  # another thread may have other blocks
            sums[:, some] += found

    calls = []
    for flips, part in groupby(groups, key=lambda group: group.x != 0):
        count = max(1, 1 << width - flips >> _BLOCK_BITS)
        step = max(1, _PIECE_WORK >> _BLOCK_BITS)
        for _, piece in groupby(part, key=lambda group: group.first // _PIECE_TERMS):
            members = list(piece)
            calls += [
                partial(work, members, range(first, min(first + step, count)))
                for first in range(0, count, step)
            ]
    if threads > 1 and len(groups) * vectors.size > _PIECE_WORK:
        run_side_by_side(calls)
    else:
        for call in calls:
            call()


def _block_sums(
    vectors: ComplexArray,
    width: int,
    groups: list[_Group],
    masks: list[NDArray[np.int64]],
    blocks: range,
    control: Control,
) -> NDArray[np.float64]:
    """The sums of the groups' strings over some of the blocks of products, shape ``(batch,
    terms)``.

    Args:
        vectors: shape ``(batch, 2**width)``.
        width: storage bits.
        groups: that follow each other; if one has no ``x``, then all.
        masks: ``z``, ``fixed`` and ``values`` of the strings without the bit ``top``, which the
            index of a product has not.
        blocks: which.
        control: checked between groups.
    """
    flips = groups[0].x != 0
    bits = min(width - flips, _BLOCK_BITS)
    row_bits = bits // 2 if bits > _ROW_BITS else 0
    column_bits = bits - row_bits
    row_signs = signs_of(row_bits, *[mask >> column_bits for mask in masks])
    column_signs = np.repeat(signs_of(column_bits, *masks), 2, axis=1)
    result = np.zeros((len(vectors), len(row_signs)))
    for x, odd, top, begin, end in groups:
        control.check()
        terms = slice(begin - groups[0].first, end - groups[0].first)
        rows, columns = row_signs[terms], column_signs[terms]
        count = end - begin
        together = max(1, min(1 << _BLOCK_BITS, _PRODUCT_WORK // 2 // count) >> bits)
        # Columns of a product, a power of two.
        at_once = _PRODUCT_WORK // max(8, count) >> row_bits
        at_once = min(2 << column_bits, 1 << at_once.bit_length() - 1)
        columns = columns.reshape(count, -1, at_once)
        # Either both amplitudes of each pair are in one window of the state, or they are in two.
        window = 2 << bits if top < bits else 1 << bits
        partner = _indices(bits, min(top, bits)) ^ x & window - 1
        scale: float | NDArray[np.float64] = 2.0 if flips else 1.0
        for block in blocks:
            first = _with_gap(block << bits, top)
            other = (first ^ x) & -window
            if width > _BLOCK_BITS:
                scale = block_signs(block, bits, *[mask[terms] for mask in masks]) * (1 + flips)
            for row in range(0, len(vectors), together):
                some = slice(row, row + together)
                one = vectors[some, first : first + window]
                if top < bits:
                    one = one.reshape(len(one), -1, 2, 1 << top)[:, :, 0]
                two = vectors[some, other : other + window].take(partner, axis=1)
                two = two.astype(np.complex128, copy=False).reshape(one.shape)
                # The real part of conj(two) * one is a sum of two products; the imaginary part is
                # the real part for -1j * one.
                one = np.multiply(one, -1j) if odd else np.ascontiguousarray(one)
                products = two.view(np.float64)
                products *= one.view(vectors.real.dtype)
                if row_bits:
                    table = products.reshape(len(one), 1 << row_bits, -1, at_once)
                    found = np.einsum("bktc,tkc->bt", rows @ table.swapaxes(1, 2), columns)
                else:
                    found = products.reshape(len(one), -1) @ columns[:, 0].T
                result[some, terms] += found * scale
    return result


@lru_cache(maxsize=32)
def _indices(bits: int, gap: int) -> NDArray[np.intp]:
    """The numbers of ``bits`` bits, with a 0 put in at the bit ``gap``."""
    return np.asarray(_with_gap(np.arange(1 << bits), gap))


def block_signs(
    block: int,
    bits: int,
    z: NDArray[np.int64],
    fixed: NDArray[np.int64],
    values: NDArray[np.int64],
) -> NDArray[np.float64]:
    """As :func:`signs_of`, for the bits of ``block``, which begin at ``bits``: shape
    ``(terms,)``."""
    outer = block << bits
    signs = np.where(bit_counts(z & outer) & 1, -1.0, 1.0)
    signs[fixed & outer != values & -1 << bits] = 0
    return signs


def _with_gap(index: Any, bit: int) -> Any:
    """``index``, a number or an array, with its bits from ``bit`` on moved up by one."""
    low = index & (1 << bit) - 1
    return (index ^ low) << 1 | low


def signs_of(
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
