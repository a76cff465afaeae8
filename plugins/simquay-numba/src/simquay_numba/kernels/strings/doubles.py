"""Vectors of doubles, as wide as the machine's, from numbers of either precision."""

from __future__ import annotations

from llvmlite import ir

from simquay_numba.kernels.vectors import VECTOR_BYTES, declared

__all__ = ["DOUBLES", "GROUP_BITS", "WIDTH", "doubles", "fused", "shuffled"]

WIDTH = VECTOR_BYTES // 8
"""Doubles of a vector, and amplitudes of which products are taken at once."""

GROUP_BITS = WIDTH.bit_length() - 1
"""log2 of these."""

DOUBLES = ir.VectorType(ir.DoubleType(), WIDTH)


def shuffled(emit, first, second, places):
    """``WIDTH`` doubles of two vectors."""
    mask = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), list(places))
    return emit.builder.shuffle_vector(first, second, mask)


def doubles(emit, address):
    """``WIDTH`` reals of the unit's type."""
    pointer = emit.pointer(address, ir.VectorType(emit.scalar, WIDTH))
    value = emit.builder.load(pointer, align=emit.bytes)
    return value if emit.bytes == 8 else emit.builder.fpext(value, DOUBLES)


def fused(emit, a, b, c):
    """``a * b + c``."""
    kind = ir.FunctionType(DOUBLES, [DOUBLES] * 3)
    function = declared(emit.builder.module, kind, f"llvm.fmuladd.v{WIDTH}f64")
    return emit.builder.call(function, [a, b, c])
