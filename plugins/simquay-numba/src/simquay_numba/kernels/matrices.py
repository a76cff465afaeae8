"""Intrinsics that multiply the blocks of a tile, and arrays of real numbers, by matrices.

:mod:`simquay_numba.kernels.vectors` says what a block is. All addresses and distances are in bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from simquay_numba.kernels.vectors import (
    VECTOR_BYTES,
    Emitter,
    Sum,
    each_group,
    group_addresses,
    intrinsic,
    switch,
)

__all__ = [
    "AFFINE",
    "CHAIN_VARIANTS",
    "COMPLEX",
    "DENSE_VARIANTS",
    "LAYER_VARIANTS",
    "MATRIX_VARIANTS",
    "REAL",
    "RX_LIKE",
    "rotate_lanes",
    "rotate_vectors",
    "run_chain",
    "run_matrices",
    "run_wide",
]

COMPLEX, REAL, RX_LIKE, AFFINE = 0, 1, 2, 3
"""The form of a matrix: any entries; real entries; on one qubit, a real diagonal and imaginary
off-diagonal entries, as RX has; or real entries, in the first row those of the identity."""

_lanes = range(4)

DENSE_VARIANTS: tuple[tuple[int, tuple[int, ...], int], ...] = (
    *((1, (), form) for form in (COMPLEX, REAL, RX_LIKE)),
    *((0, (lane,), form) for lane in _lanes for form in (COMPLEX, REAL, RX_LIKE)),
    *((2, (), form) for form in (COMPLEX, REAL)),
    *((1, (lane,), form) for lane in _lanes for form in (COMPLEX, REAL)),
    *((0, pair, form) for pair in combinations(_lanes, 2) for form in (COMPLEX, REAL)),
    *((3, (), form) for form in (COMPLEX, REAL)),
    *((high, (), AFFINE) for high in (1, 2)),
)
"""Kernels for one matrix: how many of its bits are high, which are lanes, and its form."""

LAYER_VARIANTS: tuple[tuple[int, bool, int], ...] = (
    *((high, False, form) for high in (2, 3) for form in (COMPLEX, REAL, RX_LIKE)),
    *((0, True, form) for form in (COMPLEX, REAL, RX_LIKE)),
)
"""Kernels for one-qubit matrices on several bits in one trip: how many high bits, whether on all
lanes, and the form that all the matrices have."""

MATRIX_VARIANTS = (*DENSE_VARIANTS, *LAYER_VARIANTS)
"""All kernels for matrices; an instruction has the number of one."""

CHAIN_VARIANTS: tuple[tuple[int, int], ...] = tuple(
    (steps, form) for steps in (1, 2, 3) for form in (COMPLEX, REAL, RX_LIKE)
)
"""Kernels for chains: how many steps, and the form that all the matrices have."""


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
        if form == AFFINE and not r:
            rows.append([*columns[0]])
            position += len(columns)
            continue
        total = Sum(emit)
        for c, versions in enumerate(turned):
            for s, (real, imag) in enumerate(versions):
                a = emit.load(coefficients, position * VECTOR_BYTES, constant=True)
                position += 1
                if form == RX_LIKE and (r != c or s):
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


@intrinsic()
def run_matrices(
    emit, unit, variant, count, bases, buffer, first, second, third, coefficients, a0, a1, a2, a3
):
    """Apply matrices in the way of ``MATRIX_VARIANTS[variant]`` to ``count`` groups of blocks.

    ``first`` to ``third`` are the byte distances of the high bits, ascending, and ``a0`` to ``a3``
    the arguments of :func:`~.vectors.fetch_ahead`. Where a variant has several matrices, their
    coefficients follow each other: of the lowest high bit first, or of lane 0 first.
    """
    builder = emit.builder
    offsets = (first, second, third)
    ahead = (a0, a1, a2, a3)

    def one_matrix(blocks: list[Any], lanes: tuple[int, ...], form: int) -> list[Any]:
        return _matrix(emit, blocks, _subsets(lanes), form, coefficients)

    def one_qubit_matrices(blocks: list[Any], high: int, lanes: bool, form: int) -> list[Any]:
        size = 8 if form == COMPLEX else 4
        for bit in range(high):
            _multiply_pairs(emit, blocks, bit, form, coefficients, bit * size)
        if lanes:
            for lane in range(emit.lanes):
                position = high * size + lane * size // 2
                flips = [0, 1 << lane]
                blocks = _matrix(emit, blocks, flips, form, coefficients, position)
        return blocks

    def case(
        high: int, apply: Callable[[list[Any]], list[Any]], kept: int = 0
    ) -> Callable[[], None]:
        def body() -> None:
            with each_group(emit, count, bases, buffer, ahead, 1 + (high == 3)) as base:
                places = group_addresses(emit, base, offsets[:high])
                blocks = apply([emit.load_block(place) for place in places])
                for block, place in zip(blocks[kept:], places[kept:], strict=True):
                    emit.store_block(block, place)

        return body

    cases = {
        number: case(high, partial(one_matrix, lanes=lanes, form=form), int(form == AFFINE))
        for number, (high, lanes, form) in enumerate(DENSE_VARIANTS)
        if not lanes or lanes[-1] < emit.lanes
    }
    for number, (high, all_lanes, form) in enumerate(LAYER_VARIANTS, len(DENSE_VARIANTS)):
        apply = partial(one_qubit_matrices, high=high, lanes=all_lanes, form=form)
        cases[number] = case(high, apply)
    switch(builder, variant, cases)


@intrinsic()
def run_chain(
    emit,
    unit,
    variant,
    count,
    bases,
    buffer,
    first,
    second,
    third,
    coefficients,
    note,
    scratch,
    a0,
    a1,
    a2,
    a3,
):
    """Apply a chain in the way of ``CHAIN_VARIANTS[variant]`` to ``count`` groups of blocks.

    Each step multiplies by the factors of its diagonal groups, any number of them, and then by a
    one-qubit matrix on its high bit; ``first`` to ``third`` are the bits' distances in the order of
    the steps. ``note`` is the address of int64 words: for each of three steps, how many groups it
    has and how many of these are compact; and then two for each group, its index list and its
    table, as those of :func:`~.blocks.run_diagonal`; a negative table is a place in the scratch, as
    in an instruction. Compact groups are a step's last. Their factors are the same in all lanes,
    and in the table one complex number each. All else is as in :func:`run_matrices`.
    """
    builder = emit.builder
    offsets = (first, second, third)
    ahead = (a0, a1, a2, a3)
    word, long = ir.IntType(32), ir.IntType(64)
    held = [[cgutils.alloca_once(builder, emit.type) for _ in range(2)] for _ in range(8)]

    def number_at(address: ir.Value, offset: int) -> ir.Value:
        pointer = builder.inttoptr(emit.at(address, offset), long.as_pointer())
        return builder.load(pointer, align=8)

    def case(steps: int, form: int) -> Callable[[], None]:
        size = 8 if form == COMPLEX else 4

        def multiply(places: list[ir.Value], lists: ir.Value, blocks: Any, compact: bool) -> None:
            """By the factors of the group whose two words are at ``lists``."""
            indices, table = number_at(lists, 0), number_at(lists, 8)
            there = builder.sub(builder.sub(scratch, table), long(1))
            table = builder.select(builder.icmp_signed(">=", table, long(0)), table, there)
            for place, block in zip(places, blocks, strict=True):
                # An index list has four bytes for each block.
                entry = builder.udiv(builder.sub(place, buffer), long(VECTOR_BYTES // 2))
                pointer = builder.inttoptr(builder.add(indices, entry), word.as_pointer())
                offset = builder.zext(builder.load(pointer, align=4), long)
                if compact:
                    factor = builder.add(table, builder.lshr(offset, long(emit.lanes)))
                    pointer = builder.inttoptr(factor, emit.scalar.as_pointer())
                    a = emit.splat(builder.load(pointer, align=emit.bytes))
                    second = builder.gep(pointer, [long(1)])
                    b = emit.splat(builder.load(second, align=emit.bytes))
                else:
                    a, b = emit.load_block(builder.add(table, offset))
                real, imag = (builder.load(part) for part in block)
                new = emit.product(real, a, emit.builder.fneg(builder.fmul(imag, b)))
                builder.store(new, block[0])
                builder.store(emit.product(real, b, builder.fmul(imag, a)), block[1])

        def body() -> None:
            with each_group(emit, count, bases, buffer, ahead, 1 + (steps == 3)) as base:
                places = group_addresses(emit, base, offsets[:steps])
                blocks: list[Any] = [emit.load_block(place) for place in places]
                lists = builder.add(note, long(48))
                for step in range(steps):
                    for block, parts in zip(blocks, held, strict=False):
                        for value, part in zip(block, parts, strict=True):
                            builder.store(value, part)
                    groups, compact = (number_at(note, 16 * step + k) for k in (0, 8))
                    for few, kind in ((builder.sub(groups, compact), False), (compact, True)):
                        with cgutils.for_range(builder, few, intp=long) as loop:
                            pair = builder.add(lists, builder.shl(loop.index, long(4)))
                            multiply(places, pair, held[: len(places)], kind)
                        lists = builder.add(lists, builder.shl(few, long(4)))
                    blocks = [
                        [builder.load(part) for part in parts] for parts in held[: len(places)]
                    ]
                    _multiply_pairs(emit, blocks, step, form, coefficients, step * size)
                for block, place in zip(blocks, places, strict=True):
                    emit.store_block(block, place)

        return body

    cases = {number: case(*entry) for number, entry in enumerate(CHAIN_VARIANTS)}
    switch(builder, variant, cases)


def _multiply_pairs(
    emit: Emitter, blocks: list[Any], bit: int, form: int, coefficients: ir.Value, first: int
) -> None:
    """Apply a one-qubit matrix to the bit ``bit`` of the blocks' number, in place."""
    for low in range(len(blocks)):
        if not low >> bit & 1:
            pair = [low, low | 1 << bit]
            rows = _matrix(emit, [blocks[i] for i in pair], [0], form, coefficients, first)
            for i, row in zip(pair, rows, strict=True):
                blocks[i] = row


@intrinsic()
def run_wide(emit, unit, size, count, bases, places, matrix, buffer, scratch):
    """Apply a matrix of ``size`` rows, a multiple of 4, to ``count`` groups of blocks.

    ``places`` has the int32 byte distances of a group's blocks, ``matrix`` its entries, row-major
    and complex; ``scratch`` is memory for a group.
    """
    builder = emit.builder
    word, long = ir.IntType(32), ir.IntType(64)
    block_bytes = ir.Constant(long, 2 * VECTOR_BYTES)
    zero = ir.Constant(emit.type, [emit.scalar(0.0)] * emit.width)
    sums = [[cgutils.alloca_once(builder, emit.type) for _ in range(2)] for _ in range(4)]

    def place_of(number: ir.Value) -> ir.Value:
        pointer = builder.inttoptr(places, word.as_pointer())
        return builder.zext(builder.load(builder.gep(pointer, [number]), align=4), long)

    with each_group(emit, count, bases, buffer) as base:
        with cgutils.for_range(builder, size, intp=long) as column:
            block = emit.load_block(builder.xor(base, place_of(column.index)))
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
                emit.store_block([builder.load(part) for part in pair], builder.xor(base, place))


@intrinsic()
def rotate_lanes(
    emit: Emitter, address: Any, count: Any, bit: Any, m0: Any, m1: Any, m2: Any, m3: Any
) -> None:
    """Apply a matrix on a bit that is a lane.

    Args:
        emit: where to write.
        address: of the array.
        count: of its vectors.
        bit: below the number of lane bits.
        m0, m1, m2, m3: the matrix, row by row.
    """
    builder, width = emit.builder, emit.width
    diagonal, across = (emit.splat(m0), emit.splat(m3)), (emit.splat(m1), emit.splat(m2))

    def case(lane: int) -> Callable[[], None]:
        def write() -> None:
            places = [place + width * (place >> lane & 1) for place in range(width)]
            own, other = emit.shuffle(*diagonal, places), emit.shuffle(*across, places)
            with cgutils.for_range(builder, count, intp=ir.IntType(64)) as loop:
                at = builder.add(address, _bytes(builder, loop.index))
                value = emit.load(at, aligned=False)
                flipped = emit.flipped(value, 1 << lane)
                rotated = emit.product(value, own, emit.product(flipped, other))
                emit.store(rotated, at, aligned=False)

        return write

    switch(builder, bit, {lane: case(lane) for lane in range(emit.lanes)})


@intrinsic()
def rotate_vectors(
    emit: Emitter, address: Any, count: Any, step: Any, m0: Any, m1: Any, m2: Any, m3: Any
) -> None:
    """Apply a matrix on a bit that is no lane: to ``count`` pairs of vectors, ``step`` vectors
    apart, a power of two. For the others see :func:`rotate_lanes`."""
    builder = emit.builder
    m = [emit.splat(one) for one in (m0, m1, m2, m3)]
    below = builder.sub(step, ir.Constant(ir.IntType(64), 1))
    with cgutils.for_range(builder, count, intp=ir.IntType(64)) as loop:
        high = builder.and_(loop.index, builder.not_(below))
        first = builder.add(address, _bytes(builder, builder.add(loop.index, high)))
        second = builder.add(first, _bytes(builder, step))
        a, b = emit.load(first, aligned=False), emit.load(second, aligned=False)
        emit.store(emit.product(m[0], a, emit.product(m[1], b)), first, aligned=False)
        emit.store(emit.product(m[2], a, emit.product(m[3], b)), second, aligned=False)


def _bytes(builder: ir.IRBuilder, vectors: Any) -> Any:
    return builder.mul(vectors, ir.Constant(ir.IntType(64), VECTOR_BYTES))
