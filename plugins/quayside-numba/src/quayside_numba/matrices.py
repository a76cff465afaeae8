"""Intrinsics that multiply the blocks of a tile by matrices; see :mod:`quayside_numba.vectors`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from quayside_numba.vectors import (
    VECTOR_BYTES,
    Emitter,
    Sum,
    each_group,
    group_addresses,
    integer,
    intrinsic,
    switch,
)

__all__ = [
    "COMPLEX",
    "CROSS",
    "DENSE_VARIANTS",
    "LAYER_VARIANTS",
    "REAL",
    "run_dense",
    "run_layer",
    "run_wide",
]

COMPLEX, REAL, CROSS = 0, 1, 2
"""The form of a matrix: any entries; real ones; or (one qubit) a real diagonal and an imaginary
off-diagonal."""

_lanes = range(4)

DENSE_VARIANTS: tuple[tuple[int, tuple[int, ...], int], ...] = (
    *((1, (), form) for form in (COMPLEX, REAL, CROSS)),
    *((0, (lane,), form) for lane in _lanes for form in (COMPLEX, REAL, CROSS)),
    *((2, (), form) for form in (COMPLEX, REAL)),
    *((1, (lane,), form) for lane in _lanes for form in (COMPLEX, REAL)),
    *((0, pair, form) for pair in combinations(_lanes, 2) for form in (COMPLEX, REAL)),
    *((3, (), form) for form in (COMPLEX, REAL)),
)
"""Kernels for one matrix: how many of its bits are high, which are lanes, and its form."""

LAYER_VARIANTS: tuple[tuple[int, bool, int], ...] = (
    *((high, False, form) for high in (2, 3) for form in (COMPLEX, REAL, CROSS)),
    *((0, True, form) for form in (COMPLEX, REAL, CROSS)),
)
"""Kernels for one-qubit matrices on several bits in one trip: how many high bits, whether on all
lanes, and the form that all the matrices have."""


def _matrix(
    emit: Emitter,
    columns: Sequence[Sequence[ir.Value]],
    flips: Sequence[int],
    form: int,
    coefficients: ir.Value,
    first: int = 0,
) -> list[list[ir.Value]]:
    """The product of a matrix and the blocks ``columns``.

    Row ``r`` of the result is the sum over columns ``c`` and lane flips ``s`` of coefficient
    ``(r, c, s)``, a vector or (complex) two, times block ``c`` with its lanes flipped by ``s``.
    The coefficients follow each other from vector ``first`` on.
    """
    turned = [[[emit.flipped(part, flip) for part in block] for flip in flips] for block in columns]
    position = first
    rows = []
    for r in range(len(columns)):
        total = Sum(emit)
        for c, versions in enumerate(turned):
            for s, (real, imag) in enumerate(versions):
                a = emit.load(coefficients, position * VECTOR_BYTES, constant=True)
                position += 1
                if form == CROSS and (r != c or s):
                    total.subtract(0, imag, a)
                    total.add(1, real, a)
                    continue
                total.add(0, real, a)
                total.add(1, imag, a)
                if form == COMPLEX:
                    b = emit.load(coefficients, position * VECTOR_BYTES, constant=True)
                    position += 1
                    total.subtract(0, imag, b)
                    total.add(1, real, b)
        rows.append(total.parts)
    return rows


def _subsets(lanes: Sequence[int]) -> list[int]:
    """All masks over ``lanes``: entry ``s`` has bit ``lanes[j]`` where ``s`` has bit ``j``."""
    return [
        sum(1 << lane for j, lane in enumerate(lanes) if s >> j & 1) for s in range(1 << len(lanes))
    ]


@intrinsic
def run_dense(context, unit, variant, count, bases, buffer, first, second, third, coefficients):
    """Apply one matrix in the way of ``DENSE_VARIANTS[variant]`` to ``count`` groups of blocks.

    ``first`` to ``third`` are the byte distances of its high bits, ascending.
    """

    def codegen(context, builder, signature, arguments):
        _, variant, count, bases, buffer, *offsets, coefficients = arguments
        emit = Emitter(builder, signature.args[0])

        def case(high: int, lanes: tuple[int, ...], form: int) -> Callable[[], None]:
            def body() -> None:
                with each_group(emit, count, bases, buffer) as base:
                    places = group_addresses(emit, base, offsets[:high])
                    columns = [emit.load_block(place) for place in places]
                    rows = _matrix(emit, columns, _subsets(lanes), form, coefficients)
                    for row, place in zip(rows, places, strict=True):
                        emit.store_block(row, place)

            return body

        cases = {
            number: case(*entry)
            for number, entry in enumerate(DENSE_VARIANTS)
            if not entry[1] or entry[1][-1] < emit.lanes
        }
        switch(builder, variant, cases)
        return context.get_dummy_value()

    return types.void(unit, *[integer] * 8), codegen


@intrinsic
def run_layer(context, unit, variant, count, bases, buffer, first, second, third, coefficients):
    """Apply one-qubit matrices in the way of ``LAYER_VARIANTS[variant]`` to ``count`` groups.

    The coefficients of the first high bit's matrix come first, then the next one's; of lane 0's
    matrix first, then lane 1's.
    """

    def codegen(context, builder, signature, arguments):
        _, variant, count, bases, buffer, *offsets, coefficients = arguments
        emit = Emitter(builder, signature.args[0])

        def case(high: int, lanes: bool, form: int) -> Callable[[], None]:
            size = 8 if form == COMPLEX else 4

            def body() -> None:
                with each_group(emit, count, bases, buffer) as base:
                    places = group_addresses(emit, base, offsets[:high])
                    blocks: list[Any] = [emit.load_block(place) for place in places]
                    position = 0
                    for bit in range(high):
                        for low in range(len(blocks)):
                            if not low >> bit & 1:
                                pair = [low, low | 1 << bit]
                                rows = _matrix(
                                    emit,
                                    [blocks[i] for i in pair],
                                    [0],
                                    form,
                                    coefficients,
                                    position,
                                )
                                for i, row in zip(pair, rows, strict=True):
                                    blocks[i] = row
                        position += size
                    if lanes:
                        for lane in range(emit.lanes):
                            (blocks[0],) = _matrix(
                                emit, blocks, [0, 1 << lane], form, coefficients, position
                            )
                            position += size // 2
                    for block, place in zip(blocks, places, strict=True):
                        emit.store_block(block, place)

            return body

        cases = {number: case(*entry) for number, entry in enumerate(LAYER_VARIANTS)}
        switch(builder, variant, cases)
        return context.get_dummy_value()

    return types.void(unit, *[integer] * 8), codegen


@intrinsic
def run_wide(context, unit, size, count, bases, places, matrix, buffer, scratch):
    """Apply a matrix of ``size`` rows, a multiple of 4, to ``count`` groups of blocks.

    ``places`` has the int32 byte distances of a group's blocks, ``matrix`` its entries, row-major
    and complex; ``scratch`` is room for a group.
    """

    def codegen(context, builder, signature, arguments):
        _, size, count, bases, places, matrix, buffer, scratch = arguments
        emit = Emitter(builder, signature.args[0])
        word, long = ir.IntType(32), ir.IntType(64)
        block_bytes = ir.Constant(long, 2 * VECTOR_BYTES)
        zero = ir.Constant(emit.type, [emit.scalar(0.0)] * emit.width)
        sums = [[cgutils.alloca_once(builder, emit.type) for _ in range(2)] for _ in range(4)]

        def place_of(number: ir.Value) -> ir.Value:
            pointer = builder.inttoptr(places, word.as_pointer())
            return builder.zext(builder.load(builder.gep(pointer, [number]), align=4), long)

        with each_group(emit, count, bases, buffer) as base:
            with cgutils.for_range(builder, size, intp=long) as column:
                block = emit.load_block(builder.add(base, place_of(column.index)))
                copy = builder.add(scratch, builder.mul(column.index, block_bytes))
                emit.store_block(block, copy)
            with cgutils.for_range(builder, builder.lshr(size, long(2)), intp=long) as four:
                first = builder.shl(four.index, long(2))
                for pair in sums:
                    for part in pair:
                        builder.store(zero, part)
                with cgutils.for_range(builder, size, intp=long) as column:
                    copy = builder.add(scratch, builder.mul(column.index, block_bytes))
                    real, imag = emit.load_block(copy)
                    for i, pair in enumerate(sums):
                        row = builder.add(first, long(i))
                        entry = builder.add(builder.mul(row, size), column.index)
                        at = builder.add(matrix, builder.mul(entry, long(2 * emit.bytes)))
                        pointer = builder.inttoptr(at, emit.scalar.as_pointer())
                        a = emit.splat(builder.load(pointer, align=emit.bytes))
                        b = emit.splat(builder.load(builder.gep(pointer, [long(1)])))
                        total = Sum(emit)
                        total.parts = [builder.load(part) for part in pair]
                        total.add(0, real, a)
                        total.subtract(0, imag, b)
                        total.add(1, imag, a)
                        total.add(1, real, b)
                        for part, value in zip(pair, total.parts, strict=True):
                            builder.store(value, part)
                for i, pair in enumerate(sums):
                    place = place_of(builder.add(first, long(i)))
                    emit.store_block(
                        [builder.load(part) for part in pair], builder.add(base, place)
                    )
        return context.get_dummy_value()

    return types.void(unit, *[integer] * 7), codegen
