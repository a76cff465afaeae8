"""Sums of strings, applied to vectors: the loops behind ``paired`` and ``folded``.

A string takes ``|i>`` to ``factor(i) |i ^ x>``, as :class:`simquay.engine_api.Strings` defines it.
Strings of one ``x`` whose factors are all real, or all imaginary, are a group (:func:`sort_keys`).
The sum of a group's factors over a block of indices is a Walsh-Hadamard transform of the strings'
weights, however many there are. All groups are added to a block of the result while it stays in
cache.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.scalars import bit_count
from simquay_numba.kernels.strings.transforms import transform
from simquay_numba.kernels.vectors import VECTOR_BYTES, intrinsic, switch

__all__ = ["add_strings", "fold_strings", "sort_keys"]

_BLOCK_BITS = 11
"""log2 of the amplitudes of a block: 32 KiB."""


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
def _fill_table(table, address, key, group, x, z, fixed, values, weights, origin):
    """The sum of a group's factors times weights: one number and True, or False where it depends on
    the place in a block; it is in ``table`` then.

    Args:
        table: float64, overwritten.
        address: its address.
        key: of the group.
        group: the numbers of its strings.
        x, z, fixed, values, weights: of all strings.
        origin: the index at which the block begins.
    """
    inside = len(table) - 1
    constant = 0.0
    plain = not key & 1
    for number in range(len(group)):
        plain = plain and not z[group[number]] & inside
    if not plain:
        table[:] = 0.0
    for number in range(len(group)):
        term = group[number]
        # The sign of 1j**count, or of 1j**(count - 1) where the rest is 1j.
        count = bit_count(x[term] & z[term])
        weight = weights[term] * (1 - (count & 2))
        weight *= 1 - 2 * (bit_count(origin & z[term]) & 1)
        if key & 1:
            kept = fixed[term]
            if origin & kept == values[term] & ~inside:
                wanted = values[term] & inside
                for i in range(len(table)):
                    if i & kept == wanted:
                        table[i] += weight * (1 - 2 * (bit_count(i & z[term]) & 1))
        elif plain:
            constant += weight
        else:
            table[z[term] & inside] += weight
    if not plain and not key & 1:
        transform(table, address)
    return constant, plain


@compiled_function
def add_strings(source, target, keys, order, x, z, fixed, values, weights, part, parts):
    """Add the sum of strings times weights, applied to ``source``, to one part of ``target``.

    Args:
        source, target: the vectors as real numbers, shape ``(batch, 2 * 2**width)``.
        keys: of all strings, as :func:`sort_keys` gives them.
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
                constant, plain = _fill_table(
                    table, address, key, order[start:end], x, z, fixed, values, weights, origin
                )
                if plain:
                    _add_multiples(mine, theirs, flip & inside, constant, odd)
                else:
                    _add_products(mine, theirs, flip & inside, table, odd)


@intrinsic()
def add_flipped(emit, factor, target, source, flip, count):
    """Add ``factor`` times number ``i ^ flip`` of ``source`` to each number ``i`` of ``target``: to
    ``count`` whole vectors of reals, at these addresses."""
    builder, long = emit.builder, ir.IntType(64)
    lanes = builder.and_(flip, ir.Constant(long, emit.width - 1))
    flips = builder.lshr(flip, ir.Constant(long, emit.lanes))
    size = ir.Constant(long, VECTOR_BYTES)
    factors = emit.splat(factor)

    def loop(lane):
        with cgutils.for_range(builder, count, intp=long) as turn:
            mine = builder.add(target, builder.mul(turn.index, size))
            theirs = builder.add(source, builder.mul(builder.xor(turn.index, flips), size))
            value = emit.flipped(emit.load(theirs, aligned=False), lane)
            total = emit.product(factors, value, emit.load(mine, aligned=False))
            emit.store(total, mine, aligned=False)

    switch(builder, lanes, {lane: partial(loop, lane) for lane in range(emit.width)})


@compiled_function
def _take_reals(amplitudes, reals):
    """The real parts, from real and imaginary parts in turns."""
    for i in range(len(reals)):
        reals[i] = amplitudes[2 * i]


@compiled_function
def fold_strings(vectors, keys, order, x, z, fixed, values, weights, part, parts, result):
    """In one part of vectors whose amplitudes ``a`` are real, add ``1j`` times the real part of
    what a sum of strings times weights gives; and add to ``result`` its products with ``a``.

    Args:
        vectors: real and imaginary parts in turns, shape ``(batch, 2 * 2**width)``.
        keys, order, x, z, fixed, values, weights, part, parts: as for :func:`add_strings`.
        result: float64, shape ``(batch,)``.
    """
    size = min(vectors.shape[1] // 2, 1 << _BLOCK_BITS)
    blocks = vectors.shape[1] // (2 * size)
    table = np.empty(size)
    address = table.ctypes.data
    after = np.empty(size, dtype=vectors.dtype)
    own, others = np.empty_like(after), np.empty_like(after)
    factors = np.empty(1, dtype=vectors.dtype)  # of that type
    lanes = VECTOR_BYTES // vectors.itemsize
    for row in range(len(vectors)):
        held = -1  # the block whose real parts are in ``others``
        for block in range(part * blocks // parts, (part + 1) * blocks // parts):
            begin = block * size
            _take_reals(vectors[row, 2 * begin : 2 * (begin + size)], own)
            after[:] = 0
            end = 0
            while end < len(order):
                start = end
                key = keys[order[start]]
                while end < len(order) and keys[order[end]] == key:
                    end += 1
                if key >> 1 & 1:
                    continue  # imaginary
                flip = key >> 2
                inside = flip & size - 1
                origin = begin ^ flip ^ inside
                theirs = own
                if origin != begin:
                    theirs = others
                    if origin != held:
                        _take_reals(vectors[row, 2 * origin : 2 * (origin + size)], others)
                        held = origin
                constant, plain = _fill_table(
                    table, address, key, order[start:end], x, z, fixed, values, weights, origin
                )
                if plain and size >= lanes:
                    factors[0] = constant
                    add_flipped(
                        factors[0], after.ctypes.data, theirs.ctypes.data, inside, size // lanes
                    )
                elif plain or inside:
                    for i in range(size):
                        j = i ^ inside
                        after[i] += (constant if plain else table[j]) * theirs[j]
                else:
                    for i in range(size):
                        after[i] += table[i] * theirs[i]
            total = 0.0
            for i in range(size):
                total += float(own[i]) * float(after[i])
            mine = vectors[row, 2 * begin : 2 * (begin + size)]
            for i in range(size):
                mine[2 * i + 1] = after[i]
            result[row] += total
