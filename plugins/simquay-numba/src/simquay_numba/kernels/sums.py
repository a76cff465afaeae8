"""Sums of strings, applied to vectors: the loop behind ``paired``.

A string takes ``|i>`` to ``factor(i) |i ^ x>``, as :class:`simquay.engine_api.Strings` defines it.
Strings of one ``x`` whose factors are all real, or all imaginary, are a group
(:func:`~simquay_numba.kernels.reading.sort_keys`). The sum of a group's factors over a block of
indices is a Walsh-Hadamard transform of the strings' weights, however many there are. All groups
are added to a block of the result while it stays in cache.
"""

from __future__ import annotations

import numpy as np

from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.reading import bit_count, transform

__all__ = ["add_strings"]

_BLOCK_BITS = 11
"""log2 of the amplitudes of a block: 32 KiB."""


@compiled_function
def _add_multiples(target, source, flip, factor, odd):
    """Add ``factor`` times ``source[i ^ flip]`` to each ``target[i]``; times 1j if ``odd``.

    Arrays of real and imaginary parts in turns; ``flip`` is in units of amplitudes.
    """
    run = len(target)
    if flip:
        run = 2 * (flip & -flip)
    for start in range(0, len(target), run):
        mine = target[start : start + run]
        other = start ^ 2 * flip
        theirs = source[other : other + run]
        if odd:
            for i in range(0, run, 2):
                mine[i] -= factor * theirs[i + 1]
                mine[i + 1] += factor * theirs[i]
        else:
            for i in range(run):
                mine[i] += factor * theirs[i]


@compiled_function
def _add_products(target, source, flip, table, odd):
    """As :func:`_add_multiples`, with the factor ``table[i ^ flip]``."""
    for i in range(len(table)):
        j = i ^ flip
        factor = table[j]
        if odd:
            target[2 * i] -= factor * source[2 * j + 1]
            target[2 * i + 1] += factor * source[2 * j]
        else:
            target[2 * i] += factor * source[2 * j]
            target[2 * i + 1] += factor * source[2 * j + 1]


@compiled_function
def add_strings(source, target, keys, order, x, z, fixed, values, weights, part, parts):
    """Add the sum of strings times weights, applied to ``source``, to one part of ``target``.

    Args:
        source, target: the vectors as real numbers, shape ``(batch, 2 * 2**width)``.
        keys: of all strings, as :func:`~simquay_numba.kernels.reading.sort_keys` gives them.
        order: the numbers of the strings, sorted by their keys.
        x, z, fixed, values: int64, of all strings.
        weights: float64, of all strings.
        part, parts: which part, and of how many.
    """
    size = min(target.shape[1] // 2, 1 << _BLOCK_BITS)
    blocks = target.shape[1] // (2 * size)
    inside = size - 1
    table = np.empty(size)
    address = table.ctypes.data
    for row in range(len(target)):
        for block in range(part * blocks // parts, (part + 1) * blocks // parts):
            begin = block * size
            mine = target[row, 2 * begin : 2 * (begin + size)]
            end = 0
            while end < len(order):
                start = end
                key = keys[order[start]]
                while end < len(order) and keys[order[end]] == key:
                    end += 1
                flip, odd = key >> 2, key >> 1 & 1
                origin = (begin ^ flip) & ~inside
                theirs = source[row, 2 * origin : 2 * (origin + size)]
                constant = 0.0
                plain = True
                if not key & 1:
                    for number in range(start, end):
                        plain = plain and not z[order[number]] & inside
                if key & 1 or not plain:
                    table[:] = 0.0
                for number in range(start, end):
                    term = order[number]
                    # The sign of 1j**count, or of 1j**(count - 1) where the rest is 1j.
                    count = bit_count(x[term] & z[term])
                    weight = weights[term] * (1 - (count & 2))
                    weight *= 1 - 2 * (bit_count(origin & z[term]) & 1)
                    if key & 1:
                        kept = fixed[term]
                        if origin & kept == values[term] & ~inside:
                            wanted = values[term] & inside
                            for i in range(size):
                                if i & kept == wanted:
                                    table[i] += weight * (1 - 2 * (bit_count(i & z[term]) & 1))
                    elif plain:
                        constant += weight
                    else:
                        table[z[term] & inside] += weight
                if plain and not key & 1:
                    _add_multiples(mine, theirs, flip & inside, constant, odd)
                    continue
                if not key & 1:
                    transform(table, address)
                _add_products(mine, theirs, flip & inside, table, odd)
