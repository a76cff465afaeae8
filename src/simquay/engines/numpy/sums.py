"""Sums of strings, applied to vectors: ``sum(weight * string) |a>`` without a copy for each string.

A string takes ``|i>`` to ``factor(i) |i ^ x>``. Strings of one ``x`` share a pass: the sum of their
factors is a product of two small matrices, of the signs of the index's high bits and of its low
bits. Blocks of the result stay in cache while all strings are added to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simquay.engines.numpy.means import block_signs, signs_of
from simquay.engines.numpy.state import ComplexArray
from simquay.engines.threads import run_side_by_side
from simquay.program import Strings
from simquay.program.bits import bit_counts

__all__ = ["add_strings"]

_BLOCK_BITS = 14
"""log2 of the amplitudes of a block: 256 KiB."""

_POWERS = np.array([1, 1j, -1, -1j])


def add_strings(
    source: ComplexArray,
    target: ComplexArray,
    strings: Strings,
    weights: NDArray[np.float64],
    threads: int = 1,
) -> None:
    """Add to ``target`` the sum of ``strings`` times ``weights``, applied to ``source``.

    Args:
        source: shape ``(batch, 2**n)``, by storage index.
        target: likewise; no memory is common to both.
        strings: of the storage bits.
        weights: float64, shape ``(terms,)``.
        threads: that share the work.
    """
    width = source.shape[1].bit_length() - 1
    order = np.argsort(strings.x, kind="stable")
    x, z, fixed, values = (column[order] for column in strings)
    factors = weights[order] * _POWERS[bit_counts(x & z) & 3]
    if not factors.imag.any():
        factors = factors.real
    starts = np.flatnonzero(np.diff(x, prepend=-1)).tolist()
    bits = min(width, _BLOCK_BITS)
    rows = bits // 2
    low = bits - rows
    row_signs = signs_of(rows, z >> low, fixed >> low, values >> low)
    column_signs = signs_of(low, z, fixed, values)
    index = np.arange(1 << bits)

    def work(blocks: Sequence[int]) -> None:
        for block in blocks:
            into = target[:, block << bits : block + 1 << bits]
            for first, end in pairwise([*starts, len(x)]):
                some, flip = slice(first, end), int(x[first])
                origin = block ^ flip >> bits
                scale = factors[some] * block_signs(
                    origin, bits, z[some], fixed[some], values[some]
                )
                if not scale.any():
                    continue
                table = (row_signs[some].T * scale) @ column_signs[some]
                part = source[:, origin << bits : origin + 1 << bits] * table.ravel()
                near = flip & (1 << bits) - 1
                into += part[:, index ^ near] if near else part

    count = 1 << width - bits
    if threads > 1 and count > 1:
        run_side_by_side([partial(work, range(one, count, threads)) for one in range(threads)])
    else:
        work(range(count))
