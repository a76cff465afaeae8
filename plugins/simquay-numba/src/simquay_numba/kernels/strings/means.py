"""Means of strings, as :class:`simquay.engine_api.Strings` defines them, in double precision.

With ``p[i] = conj(a[i ^ x]) * a[i]``, a mean is ``1j**popcount(x & z)`` times the sum of
``(-1)**popcount(i & z) * p[i]`` over the ``i`` that have the fixed bits. The terms of ``i`` and of
``i ^ x`` are conjugate: so one index of each pair is enough, and of ``p`` one part, the imaginary
part where ``popcount(x & z)`` is odd. Strings that need the same part of the same products are a
group.

An index of products is that of an amplitude without the highest bit of ``x``, its *gap*; with all
bits where ``x`` is 0, or has low bits alone. Products are taken in blocks, which stay in the
first-level cache. Of a block, each string of a small group takes a sum with its own signs. For a
larger one, the block's Walsh-Hadamard transform has the sums of all strings.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.scalars import bit_count
from simquay_numba.kernels.strings.doubles import (
    DOUBLES,
    GROUP_BITS,
    WIDTH,
    doubles,
    fused,
    shuffled,
)
from simquay_numba.kernels.strings.transforms import transform
from simquay_numba.kernels.vectors import intrinsic, switch

__all__ = ["add_means"]

_BLOCK_BITS = 11
"""log2 of the products of a block: 16 KiB."""

_PATTERN_BITS = 6
"""log2 of the products that a string's pattern has signs for."""

_SMALL_GROUP = 12
"""The most strings of a group without a transform. A larger one must not have fixed bits."""


@intrinsic()
def put_products(emit, unit, mine, partners, lanes, swap, odd, count, flips, target):
    """Products of ``count`` times ``WIDTH`` neighbouring amplitudes with their partners.

    Args:
        unit: a real number of the precision.
        mine: address of the amplitudes.
        partners: address of an equal number, among which the partners are.
        lanes: numbers ``k`` of a vector of reals are multiplied with numbers ``k ^ lanes`` of
            another. Bit 0 tells real from imaginary parts.
        swap: 1 if that is the other vector of ``WIDTH`` amplitudes, or else 0.
        odd: 1 for the imaginary parts of the products, or else 0.
        count: how many times.
        flips: the partners of the amplitudes ``WIDTH * g`` and on are at ``WIDTH * (g ^ flips)``.
        target: address of the products, doubles.
    """
    builder, long = emit.builder, ir.IntType(64)
    half = WIDTH * emit.bytes
    number = ir.Constant(long, 2 * half)
    other = builder.mul(swap, ir.Constant(long, half))
    real, imaginary = (ir.Constant(ir.DoubleType(), sign) for sign in (1.0, -1.0))
    sign = builder.select(builder.trunc(odd, ir.IntType(1)), imaginary, real)
    undefined = ir.Constant(DOUBLES, ir.Undefined)
    signs = builder.insert_element(undefined, sign, ir.Constant(ir.IntType(32), 0))
    signs = shuffled(emit, signs, undefined, [0] * WIDTH)
    first = builder.add(partners, other)
    second = builder.sub(builder.add(partners, ir.Constant(long, half)), other)

    def loop(lane):
        with cgutils.for_range(builder, count, intp=long) as turn:
            here = builder.add(mine, builder.mul(turn.index, number))
            there = builder.mul(builder.xor(turn.index, flips), number)
            products = []
            for base, offset in ((first, 0), (second, half)):
                value = doubles(emit, builder.add(base, there))
                value = shuffled(emit, value, undefined, [k ^ lane for k in range(WIDTH)])
                products.append(builder.fmul(doubles(emit, emit.at(here, offset)), value))
            evens, odds = (range(part, 2 * WIDTH, 2) for part in (0, 1))
            even = shuffled(emit, products[0], products[1], evens)
            uneven = shuffled(emit, products[0], products[1], odds)
            # conj(b) * a: b.re * a.re + b.im * a.im, or b.re * a.im - b.im * a.re
            total = fused(emit, even, signs, uneven)
            place = builder.add(target, builder.mul(turn.index, ir.Constant(long, 8 * WIDTH)))
            builder.store(total, emit.pointer(place, DOUBLES), align=8)

    switch(builder, lanes, {lane: partial(loop, lane) for lane in range(WIDTH)})


@compiled_function
def _without(mask, gap):
    """``mask`` without its bit ``gap``."""
    low = (1 << gap) - 1
    return mask & low | mask >> 1 & ~low


@compiled_function
def _with(index, gap):
    """``index`` with its bits from ``gap`` on moved up by one."""
    low = (1 << gap) - 1
    return (index & ~low) << 1 | index & low


@compiled_function
def _fill_pattern(pattern, z, fixed, values):
    """``(-1)**popcount(i & z)`` where ``i & fixed == values``, or else 0, for every place ``i``."""
    mask = len(pattern) - 1
    for i in range(len(pattern)):
        sign = 1.0 - 2.0 * (bit_count(i & z) & 1)
        pattern[i] = sign if i & fixed == values & mask else 0.0


@compiled_function
def _dot(left, right):
    """The sum of products of two arrays."""
    total = 0.0
    for i in range(len(left)):
        total += left[i] * right[i]
    return total


@compiled_function
def add_means(
    unit, amplitude, state, stride, width, keys, order, x, z, fixed, values, part, parts, result
):
    """Add the sums of strings over one of the parts of each group's products, to ``result``.

    Args:
        unit: a real number of the precision.
        amplitude: bytes of an amplitude.
        state: address of the first vector.
        stride: bytes from one vector to the next.
        width: storage bits, at least ``GROUP_BITS``.
        keys: of all strings, as :func:`~simquay_numba.kernels.strings.sums.sort_keys` gives them.
        order: the numbers of some strings, sorted by their keys.
        x, z, fixed, values: int64, of all strings.
        part, parts: which part, and of how many.
        result: float64, shape ``(batch, terms)``.
    """
    products = np.empty(1 << min(width, _BLOCK_BITS))
    address = products.ctypes.data
    patterns = np.empty((_SMALL_GROUP, 1 << min(width, _PATTERN_BITS)))
    end = 0
    while end < len(order):
        start = end
        key = keys[order[start]]
        # Strings with fixed bits have a group for each _SMALL_GROUP of them.
        most = start + _SMALL_GROUP if key & 1 else len(order)
        while end < len(order) and end < most and keys[order[end]] == key:
            end += 1
        flip, odd = key >> 2, key >> 1 & 1
        gap = 62
        while gap >= GROUP_BITS and not flip >> gap & 1:
            gap -= 1
        if gap < GROUP_BITS:
            gap = 62  # no index has it
        scale = 1.0 if gap == 62 else 2.0
        total_bits = width - (gap < 62)
        bits = min(total_bits, _BLOCK_BITS)
        size = 1 << bits
        run_bits = min(gap, bits)
        run = 1 << run_bits
        flips = (flip & (run - 1)) >> GROUP_BITS
        lanes = (flip << 1 | odd) & (WIDTH - 1)
        swap = flip >> (GROUP_BITS - 1) & 1
        pattern_bits = min(bits, _PATTERN_BITS)
        small = end - start <= _SMALL_GROUP
        if small:
            for number in range(end - start):
                term = order[start + number]
                _fill_pattern(
                    patterns[number, : 1 << pattern_bits],
                    _without(z[term], gap),
                    _without(fixed[term], gap),
                    _without(values[term], gap),
                )
        # Strings with other fixed bits than all of a block have no product in it.
        outside = ~((1 << pattern_bits) - 1)
        blocks = 1 << (total_bits - bits)
        for row in range(len(result)):
            vector = state + row * stride
            for block in range(part * blocks // parts, (part + 1) * blocks // parts):
                begin = block << bits
                for place in range(0, size, run):
                    mine = _with(begin + place, gap)
                    put_products(
                        unit,
                        vector + mine * amplitude,
                        vector + ((mine ^ flip) & -run) * amplitude,
                        lanes,
                        swap,
                        odd,
                        run >> GROUP_BITS,
                        flips,
                        address + 8 * place,
                    )
                if not small:
                    transform(products[:size], address)
                for number in range(start, end):
                    term = order[number]
                    signs = _without(z[term], gap)
                    if small:
                        total = 0.0
                        kept = _without(fixed[term], gap) & outside
                        wanted = _without(values[term], gap) & outside
                        pattern = patterns[number - start, : 1 << pattern_bits]
                        for place in range(0, size, len(pattern)):
                            index = begin + place
                            if index & kept == wanted:
                                found = _dot(pattern, products[place : place + len(pattern)])
                                total += found * (1 - 2 * (bit_count(index & signs) & 1))
                    else:
                        total = products[signs & (size - 1)]
                        total *= 1 - 2 * (bit_count(begin & signs) & 1)
                    # The sign of 1j**count, or of its product with the 1j of an imaginary part.
                    count = bit_count(flip & z[term])
                    result[row, term] += total * (scale * (1 - (count + 1 & 2)))
