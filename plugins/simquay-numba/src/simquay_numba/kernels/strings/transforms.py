"""The Walsh-Hadamard transform of an array of doubles."""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils

from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.strings.doubles import DOUBLES, GROUP_BITS, WIDTH, fused, shuffled
from simquay_numba.kernels.vectors import intrinsic

__all__ = ["transform"]


@intrinsic()
def transform_lanes(emit, address, count):
    """The stages of a Walsh-Hadamard transform inside each of ``count`` vectors of doubles."""
    builder, long = emit.builder, ir.IntType(64)
    undefined = ir.Constant(DOUBLES, ir.Undefined)
    with cgutils.for_range(builder, count, intp=long) as turn:
        place = builder.add(address, builder.mul(turn.index, ir.Constant(long, 8 * WIDTH)))
        value = builder.load(emit.pointer(place, DOUBLES), align=8)
        for bit in range(GROUP_BITS):
            flipped = shuffled(emit, value, undefined, [k ^ 1 << bit for k in range(WIDTH)])
            signs = ir.Constant(DOUBLES, [-1.0 if k >> bit & 1 else 1.0 for k in range(WIDTH)])
            value = fused(emit, value, signs, flipped)
        builder.store(value, emit.pointer(place, DOUBLES), align=8)


@compiled_function
def _butterflies(low, high):
    """The sums and the differences of two arrays, in their places."""
    for i in range(len(low)):
        low[i], high[i] = low[i] + high[i], low[i] - high[i]


@compiled_function
def _four_way(a, b, c, d):
    """Two stages of a transform on four arrays, in their places."""
    for i in range(len(a)):
        p, q, r, s = a[i] + b[i], a[i] - b[i], c[i] + d[i], c[i] - d[i]
        a[i], b[i], c[i], d[i] = p + r, q + s, p - r, q - s


@compiled_function
def transform(products, address):
    """The Walsh-Hadamard transform of an array, in its place."""
    size = len(products)
    transform_lanes(address, size // WIDTH)
    run = WIDTH
    while 4 * run <= size:
        for base in range(0, size, 4 * run):
            _four_way(
                products[base : base + run],
                products[base + run : base + 2 * run],
                products[base + 2 * run : base + 3 * run],
                products[base + 3 * run : base + 4 * run],
            )
        run *= 4
    if run < size:
        _butterflies(products[:run], products[run:])
