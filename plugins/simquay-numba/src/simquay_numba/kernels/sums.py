"""Sums of strings, applied to vectors: the loop behind ``paired``. And means of strings that share
nothing.

A string takes ``|i>`` to ``factor(i) |i ^ x>``, as :class:`simquay.engine_api.Strings` defines it.
Strings of one ``x`` whose factors are all real, or all imaginary, are a group (:func:`sort_keys`).
The sum of a group's factors over a block of indices is a Walsh-Hadamard transform of the strings'
weights, however many there are. All groups are added to a block of the result while it stays in
cache.
"""

from __future__ import annotations

import numpy as np

from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.reading import bit_count, transform

__all__ = ["RUN_BITS", "add_run_means", "add_strings", "sort_keys"]

_BLOCK_BITS = 11
"""log2 of the amplitudes of a block: 32 KiB."""


RUN_BITS = 3
"""log2 of the least run of neighbouring amplitudes for :func:`add_run_means`."""

_WINDOW_BITS = 14
"""log2 of the amplitudes of which all strings are read in turn: with as many partners, they stay in
the second-level cache."""


@compiled_function
def sort_keys(x, z, fixed):
    """Numbers by which to sort strings, so that groups are together; 0 in bit 0 of a key: no fixed
    bits."""
    keys = np.empty(len(x), dtype=np.int64)
    for t in range(len(x)):
        keys[t] = x[t] << 2 | (bit_count(x[t] & z[t]) & 1) << 1 | (fixed[t] != 0)
    return keys


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


@compiled_function
def _dot(left, right):
    """The sum of products of two arrays: of complex numbers, the real part of ``conj(left) *
    right``."""
    total = 0.0
    for i in range(len(left)):
        total += float(left[i]) * float(right[i])
    return total


@compiled_function
def _cross(left, right):
    """The imaginary part of the sum of ``conj(left) * right``, of real and imaginary parts in
    turns."""
    total = 0.0
    for i in range(0, len(left), 2):
        total += float(left[i]) * float(right[i + 1]) - float(left[i + 1]) * float(right[i])
    return total


@compiled_function
def add_run_means(vectors, order, x, z, part, parts, result):
    """Add the means of strings over one part of the vectors to ``result``; see
    :mod:`simquay_numba.kernels.reading` for the sums.

    Runs of neighbouring amplitudes have one sign, and so have their partners, so that a sum is one
    of scalar products. All strings are read of one window before the next.

    Args:
        vectors: real numbers, shape ``(batch, 2 * 2**width)``.
        order: the numbers of some strings, without fixed bits, whose ``x`` is not 0 and whose
            ``x | z`` has no bit below ``RUN_BITS``.
        x, z: int64, of all strings.
        part, parts: which part, and of how many.
        result: float64, shape ``(batch, terms)``.
    """
    size = min(vectors.shape[1] // 2, 1 << _WINDOW_BITS)
    windows = vectors.shape[1] // (2 * size)
    for row in range(len(result)):
        for window in range(part * windows // parts, (part + 1) * windows // parts):
            begin = window * size
            for term in order:
                flip, signs = x[term], z[term]
                count = bit_count(flip & signs)
                gap = 62
                while not flip >> gap & 1:
                    gap -= 1
                if begin >> gap & 1:
                    continue  # its partners count
                either = flip | signs
                run = min(either & -either, size)
                total = 0.0
                for start in range(begin, begin + size, run):
                    if start >> gap & 1:
                        continue
                    other = start ^ flip
                    left = vectors[row, 2 * other : 2 * (other + run)]
                    right = vectors[row, 2 * start : 2 * (start + run)]
                    found = _cross(left, right) if count & 1 else _dot(left, right)
                    total += found * (1 - 2 * (bit_count(start & signs) & 1))
                # Twice, for the partners; the sign is that of 1j**count, or of its product with 1j.
                result[row, term] += total * 2 * (1 - (count + 1 & 2))
