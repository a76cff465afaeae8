"""Intrinsics for single numbers in memory, by address."""

from __future__ import annotations

import os

from llvmlite import ir
from numba.core import types

from simquay_numba.kernels.vectors import VECTOR_BYTES, Emitter, declared, integer, intrinsic

__all__ = [
    "add_norms",
    "get",
    "get_long",
    "get_word",
    "load_acquire",
    "put",
    "store_release",
    "yield_cpu",
]


@intrinsic
def get(context, unit, address):
    """The real number at ``address``."""

    def codegen(context, builder, signature, arguments):
        emit = Emitter(builder, signature.args[0])
        pointer = builder.inttoptr(arguments[1], emit.scalar.as_pointer())
        return builder.load(pointer, align=emit.bytes)

    return unit(unit, integer), codegen


@intrinsic
def put(context, unit, address, value):
    """Write a real number to ``address``."""

    def codegen(context, builder, signature, arguments):
        emit = Emitter(builder, signature.args[0])
        pointer = builder.inttoptr(arguments[1], emit.scalar.as_pointer())
        builder.store(arguments[2], pointer, align=emit.bytes)
        return context.get_dummy_value()

    return types.void(unit, integer, unit), codegen


@intrinsic
def get_word(context, address):
    """The int32 at ``address``, as an int64."""

    def codegen(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], ir.IntType(32).as_pointer())
        return builder.sext(builder.load(pointer, align=4), ir.IntType(64))

    return integer(integer), codegen


@intrinsic
def get_long(context, address):
    """The int64 at ``address``."""

    def codegen(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.load(pointer, align=8)

    return integer(integer), codegen


@intrinsic
def load_acquire(context, address):
    """The int64 at ``address``, by an atomic load with acquire order."""

    def codegen(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.load_atomic(pointer, "acquire", 8)

    return integer(integer), codegen


@intrinsic
def store_release(context, address, value):
    """Write an int64 by an atomic store with release order: a thread that loads it with acquire
    order sees all that was written before."""

    def codegen(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        builder.store_atomic(arguments[1], pointer, "release", 8)
        return context.get_dummy_value()

    return types.void(integer, integer), codegen


@intrinsic
def yield_cpu(context):
    """Call ``sched_yield``: another thread that waits for this CPU runs first. POSIX only."""

    def codegen(context, builder, signature, arguments):
        if os.name == "posix":
            kind = ir.FunctionType(ir.IntType(32), [])
            builder.call(declared(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def add_norms(context, unit, source, sums):
    """Add ``|a|**2`` of ``W`` complex numbers at ``source`` to ``W`` doubles at ``sums``."""

    def codegen(context, builder, signature, arguments):
        _, source, sums = arguments
        emit = Emitter(builder, signature.args[0])
        low = emit.load(source, aligned=False)
        high = emit.load(source, VECTOR_BYTES, aligned=False)
        double = ir.VectorType(ir.DoubleType(), emit.width)
        pointer = builder.inttoptr(sums, double.as_pointer())
        total = builder.load(pointer, align=8)
        for part in (0, 1):
            value = emit.shuffle(low, high, [2 * i + part for i in range(emit.width)])
            if emit.bytes < 8:
                value = builder.fpext(value, double)
            total = builder.fadd(total, builder.fmul(value, value))
        builder.store(total, pointer, align=8)
        return context.get_dummy_value()

    return types.void(unit, integer, integer), codegen
