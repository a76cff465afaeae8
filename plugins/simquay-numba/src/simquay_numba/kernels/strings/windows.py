"""Means of strings that share products with few others, read window by window of a state."""

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
from simquay_numba.kernels.vectors import intrinsic, switch

__all__ = ["add_window_means", "find_alone"]

_PART_BITS = 11
"""log2 of the amplitudes of a small part of a window: 32 KiB."""

_WINDOW_BITS = 14
"""log2 of the amplitudes of which all strings are read in turn: with as many partners, they stay in
the second-level cache."""


@intrinsic()
def add_products(emit, unit, mine, partners, bit, count, lanes, total):
    """Add products of ``count`` vectors of ``WIDTH`` reals to ``WIDTH`` doubles.

    Args:
        unit: a real number of the precision.
        mine: address of the first vector.
        partners: address of the first vector that one is multiplied with.
        bit: a bit with the value 0 comes into the vectors' numbers here; 62 for none.
        count: how many vectors.
        lanes: numbers ``k`` of a vector are multiplied with numbers ``k ^ lanes`` of another.
        total: address of the doubles.
    """
    builder, long = emit.builder, ir.IntType(64)
    size = ir.Constant(long, WIDTH * emit.bytes)
    low = builder.sub(builder.shl(ir.Constant(long, 1), bit), ir.Constant(long, 1))
    high = builder.not_(low)
    undefined = ir.Constant(DOUBLES, ir.Undefined)
    target = emit.pointer(total, DOUBLES)

    def loop(lane):
        sums = [cgutils.alloca_once_value(builder, ir.Constant(DOUBLES, None)) for _ in range(4)]

        def add(number, sum_):
            above = builder.shl(builder.and_(number, high), ir.Constant(long, 1))
            place = builder.mul(builder.or_(above, builder.and_(number, low)), size)
            value = doubles(emit, builder.add(partners, place))
            value = shuffled(emit, value, undefined, [k ^ lane for k in range(WIDTH)])
            own = doubles(emit, builder.add(mine, place))
            builder.store(fused(emit, own, value, builder.load(sum_)), sum_)

        fours = builder.lshr(count, ir.Constant(long, 2))
        with cgutils.for_range(builder, fours, intp=long) as turn:
            first = builder.shl(turn.index, ir.Constant(long, 2))
            for number, sum_ in enumerate(sums):
                add(builder.or_(first, ir.Constant(long, number)), sum_)
        done = builder.shl(fours, ir.Constant(long, 2))
        with cgutils.for_range(builder, builder.sub(count, done), intp=long) as turn:
            add(builder.add(done, turn.index), sums[0])
        found = builder.load(target, align=8)
        for sum_ in sums:
            found = builder.fadd(found, builder.load(sum_))
        builder.store(found, target, align=8)

    switch(builder, lanes, {lane: partial(loop, lane) for lane in range(WIDTH)})


@compiled_function
def _window_mean(unit, amplitude, vector, begin, bits, flip, signs, gap, totals, address):
    """The sum of a string's products over one window, without factors that all windows share.

    Args:
        unit: a real number of the precision.
        amplitude: bytes of an amplitude.
        vector: address of the vector.
        begin: the index of the window's first amplitude.
        bits: log2 of the window's amplitudes.
        flip, signs: of the string.
        gap: indices with this bit are left out; a number from ``bits`` on for none.
        totals: ``2 * WIDTH`` doubles, overwritten: of products with each sign.
        address: their address.
    """
    inside = (1 << bits) - 1
    lane = WIDTH // 2 - 1
    odd = bit_count(flip & signs) & 1
    lanes = (flip & lane) << 1 | odd
    either = (flip | signs) & inside & ~lane
    home = vector + begin * amplitude
    other = vector + (begin ^ flip & ~inside) * amplitude
    count = (inside + 1) // (lane + 1)
    totals[:] = 0.0
    if either == 0:
        add_products(unit, home, other, 62, count, lanes, address)
    elif either & (either - 1) == 0:
        bit = bit_count(either // (lane + 1) - 1)
        step = either * amplitude
        moved = step if flip & either else 0
        add_products(unit, home, other + moved, bit, count >> 1, lanes, address)
        if gap >= bits:
            minus = 8 * WIDTH if signs & either else 0
            other += step - moved
            add_products(unit, home + step, other, bit, count >> 1, lanes, address + minus)
    else:
        run = either & -either
        for start in range(0, inside + 1, run):
            if gap >= bits or not start >> gap & 1:
                minus = 8 * WIDTH if bit_count(start & signs) & 1 else 0
                place = other + (start ^ flip & inside & ~lane) * amplitude
                vectors = run // (lane + 1)
                add_products(
                    unit, home + start * amplitude, place, 62, vectors, lanes, address + minus
                )
    total = 0.0
    for k in range(WIDTH):
        sign = bit_count(k >> 1 & signs & lane) + (odd & ~k)
        total += (totals[k] - totals[WIDTH + k]) * (1 - 2 * (sign & 1))
    return total * (1 - 2 * (bit_count(begin & signs) & 1))


@compiled_function
def find_alone(keys, order, x, z, fixed, sharing, run):
    """Which strings are best read by :func:`add_window_means`: those that share products with few
    others, and have their letters on one bit, or on high bits alone.

    Args:
        keys, order: as for :func:`~simquay_numba.kernels.strings.sums.add_strings`.
        x, z, fixed: int64, of all strings.
        sharing: the least strings of a group that do not count as few.
        run: a power of two: bits from its own on are high.
    """
    chosen = np.zeros(len(keys), dtype=np.bool_)
    end = 0
    while end < len(order):
        start = end
        while end < len(order) and keys[order[end]] == keys[order[start]]:
            end += 1
        for number in range(start, end if end - start < sharing else start):
            term = order[number]
            either = (x[term] | z[term]) & ~(WIDTH // 2 - 1)
            few = either & (either - 1) == 0 or either & (run - 1) == 0
            chosen[term] = few and x[term] != 0 and fixed[term] == 0
    return chosen


@compiled_function
def add_window_means(unit, amplitude, state, stride, width, order, x, z, part, parts, result):
    """Add the means of strings over one part of the vectors to ``result``; see
    :mod:`simquay_numba.kernels.strings.means` for the sums.

    Neighbouring vectors of amplitudes have one sign, and so have their partners, so that a sum is
    one of scalar products. All strings are read of one window before the next.

    Args:
        unit, amplitude, state, stride, width, part, parts, result: as for
            :func:`~simquay_numba.kernels.strings.means.add_means`.
        order: the numbers of some strings, without fixed bits, whose ``x`` is not 0.
        x, z: int64, of all strings.
    """
    bits = min(width, _WINDOW_BITS)
    near = min(width, _PART_BITS)
    windows = 1 << width - bits
    totals = np.empty(2 * WIDTH)
    address = totals.ctypes.data
    gaps = np.full(len(order), 62)
    for number in range(len(order)):
        for bit in range(GROUP_BITS - 1, 62):
            if x[order[number]] >> bit & 1:
                gaps[number] = bit
    for row in range(len(result)):
        vector = state + row * stride
        for window in range(part * windows // parts, (part + 1) * windows // parts):
            first = window << bits
            for place in range(1 << bits - near):
                for number in range(len(order)):
                    term, gap = order[number], gaps[number]
                    # Strings that stay within a small part are read of each; the others of all.
                    own = near if x[term] >> near == 0 else bits
                    begin = first + (place << near)
                    if own == bits and place:
                        continue
                    if gap >= own and gap < 62 and begin >> gap & 1:
                        continue  # its partners count
                    found = _window_mean(
                        unit, amplitude, vector, begin, own, x[term], z[term], gap, totals, address
                    )
                    # The sign is that of 1j**count, or of its product with 1j.
                    count = bit_count(x[term] & z[term])
                    found *= 1 - (count + 1 & 2)
                    result[row, term] += found if gap == 62 else 2 * found
