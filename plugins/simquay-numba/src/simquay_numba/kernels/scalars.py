"""Single numbers in memory, by address, and the bits of one; and a compiled loop that waits for
other threads."""

from __future__ import annotations

import os

from llvmlite import ir
from numba.core import types

from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.vectors import LINE_BYTES, VECTOR_BYTES, declared, integer, intrinsic

__all__ = [
    "add_norms",
    "bit_count",
    "get",
    "get_long",
    "get_word",
    "load_acquire",
    "put",
    "spin_until",
    "store_release",
    "yield_cpu",
]


@intrinsic(types.Float)
def get(emit, unit, address):
    """The real number at ``address``."""
    return emit.builder.load(emit.pointer(address, emit.scalar), align=emit.bytes)


@intrinsic()
def put(emit, unit, address, value):
    """Write a real number to ``address``."""
    emit.builder.store(value, emit.pointer(address, emit.scalar), align=emit.bytes)


@intrinsic(integer)
def get_word(emit, address):
    """The int32 at ``address``, as an int64."""
    word = emit.builder.load(emit.pointer(address, ir.IntType(32)), align=4)
    return emit.builder.sext(word, ir.IntType(64))


@intrinsic(integer)
def get_long(emit, address):
    """The int64 at ``address``."""
    return emit.builder.load(emit.pointer(address, ir.IntType(64)), align=8)


@intrinsic(integer)
def load_acquire(emit, address):
    """The int64 at ``address``, by an atomic load with acquire order."""
    return emit.builder.load_atomic(emit.pointer(address, ir.IntType(64)), "acquire", 8)


@intrinsic()
def store_release(emit, address, value):
    """Write an int64 by an atomic store with release order: a thread that loads it with acquire
    order sees all that was written before."""
    emit.builder.store_atomic(value, emit.pointer(address, ir.IntType(64)), "release", 8)


@intrinsic()
def yield_cpu(emit):
    """Call ``sched_yield``: another thread that waits for this CPU runs first. POSIX only."""
    if os.name == "posix":
        kind = ir.FunctionType(ir.IntType(32), [])
        emit.builder.call(declared(emit.builder.module, kind, "sched_yield"), [])


@intrinsic(integer)
def bit_count(emit, mask):
    """How many bits are set."""
    return emit.builder.ctpop(mask)


@intrinsic()
def add_norms(emit, unit, source, sums):
    """Add ``|a|**2`` of ``W`` complex numbers at ``source`` to ``W`` doubles at ``sums``."""
    builder = emit.builder
    low = emit.load(source, aligned=False)
    high = emit.load(source, VECTOR_BYTES, aligned=False)
    double = ir.VectorType(ir.DoubleType(), emit.width)
    pointer = emit.pointer(sums, double)
    total = builder.load(pointer, align=8)
    for part in (0, 1):
        value = emit.shuffle(low, high, [2 * i + part for i in range(emit.width)])
        if emit.bytes < 8:
            value = builder.fpext(value, double)
        total = builder.fadd(total, builder.fmul(value, value))
    builder.store(total, pointer, align=8)


@compiled_function
def spin_until(counters, count, wanted, turns):
    """Wait until counters add up to ``wanted`` or more. Returns whether they do.

    Args:
        counters: address of the first counter, an int64; the next one is a cache line later.
        count: how many counters there are.
        wanted: the sum to wait for.
        turns: how often the CPU is yielded before giving up. The counters are read 64 times
            between two yields: a thread that waits for this CPU may be the one that is waited for.
    """
    for _ in range(turns):
        for _ in range(64):
            total = 0
            for number in range(count):
                total += load_acquire(counters + LINE_BYTES * number)
            if total >= wanted:
                return True
        yield_cpu()
    return False
