"""Intrinsics that move the blocks of a tile, or multiply them by factors.

:mod:`simquay_numba.kernels.vectors` says what a block is. All addresses and distances are in bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations

from llvmlite import ir
from numba.core import cgutils

from simquay_numba.kernels.vectors import (
    BLOCK_BYTES,
    VECTOR_BYTES,
    Emitter,
    Sum,
    each_group,
    fetch_ahead,
    group_addresses,
    intrinsic,
    switch,
)

__all__ = [
    "FLIP_VARIANTS",
    "SWAP_VARIANTS",
    "copy_blocks",
    "dot_blocks",
    "exchange_blocks",
    "fence",
    "fill_block",
    "load_amplitudes",
    "rotate_blocks",
    "run_diagonal",
    "run_flip",
    "run_swap",
    "scale_blocks",
    "store_amplitudes",
    "stream_amplitudes",
]

_MAX_LANES = 4

SWAP_VARIANTS: tuple[tuple[int, ...], ...] = tuple(
    lanes for count in range(1, _MAX_LANES + 1) for lanes in combinations(range(_MAX_LANES), count)
)
"""Kernels for exchanges: the lanes that change places with as many high bits."""


@intrinsic()
def run_swap(emit, unit, variant, count, bases, buffer, first, second, third, fourth):
    """Exchange the lanes ``SWAP_VARIANTS[variant]`` with high bits, in ``count`` groups of blocks.

    ``bases`` is the address of the groups' int32 offsets, ``first`` to ``fourth`` are the distances
    of the high bits."""
    builder = emit.builder
    offsets = (first, second, third, fourth)

    def case(lanes: tuple[int, ...]) -> Callable[[], None]:
        def body() -> None:
            with each_group(emit, count, bases, buffer) as base:
                places = group_addresses(emit, base, offsets[: len(lanes)])
                for part in (0, VECTOR_BYTES):
                    vectors = [emit.load(place, part) for place in places]
                    for bit, lane in enumerate(lanes):
                        for low in range(len(vectors)):
                            if not low >> bit & 1:
                                i, j = low, low | 1 << bit
                                vectors[i], vectors[j] = _exchange(
                                    emit, lane, vectors[i], vectors[j]
                                )
                    for vector, place in zip(vectors, places, strict=True):
                        emit.store(vector, place, part)

        return body

    cases = {
        number: case(lanes) for number, lanes in enumerate(SWAP_VARIANTS) if lanes[-1] < emit.lanes
    }
    switch(builder, variant, cases)


def _exchange(emit: Emitter, lane: int, low: ir.Value, high: ir.Value) -> list[ir.Value]:
    """The vectors with the bit ``lane`` of the lane's number exchanged for the choice of the
    vector."""
    bit = 1 << lane
    to_low = [i if not i & bit else emit.width + (i ^ bit) for i in range(emit.width)]
    to_high = [i | bit if not i & bit else emit.width + i for i in range(emit.width)]
    return [emit.shuffle(low, high, to_low), emit.shuffle(low, high, to_high)]


FLIP_VARIANTS: tuple[tuple[int | None, int | None], ...] = tuple(
    (target, control)
    for target in (None, *range(_MAX_LANES))
    for control in (None, *range(_MAX_LANES))
    if target is None or target != control
)
"""Kernels for X: the lane that is its target, None for a high bit; and the lane that controls it,
None if none does."""


@intrinsic()
def run_flip(emit, unit, variant, count, bases, buffer, distance):
    """Apply X in the way of ``FLIP_VARIANTS[variant]`` to ``count`` groups of blocks.

    A group is two blocks, ``distance`` apart, for a target among the high bits; else one block."""
    builder = emit.builder

    def case(target: int | None, control: int | None) -> Callable[[], None]:
        changed = [control is None or lane >> control & 1 for lane in range(emit.width)]
        places = [
            lane ^ (emit.width if target is None else 1 << target) if change else lane
            for lane, change in enumerate(changed)
        ]

        def body() -> None:
            with each_group(emit, count, bases, buffer) as base:
                blocks = [base] if target is not None else [base, builder.xor(base, distance)]
                for part in (0, VECTOR_BYTES):
                    vectors = [emit.load(place, part) for place in blocks]
                    for place, own, other in zip(blocks, vectors, vectors[::-1], strict=True):
                        emit.store(emit.shuffle(own, other, places), place, part)

        return body

    cases = {
        number: case(*lanes)
        for number, lanes in enumerate(FLIP_VARIANTS)
        if all(lane is None or lane < emit.lanes for lane in lanes)
    }
    switch(builder, variant, cases)


@intrinsic()
def run_diagonal(emit, unit, groups, count, buffer, i0, i1, i2, i3, t0, t1, t2, t3, a0, a1, a2, a3):
    """Multiply every block by the factors of 1 to 4 ``groups``; 5 to 8: of 1 to 4, all real.

    For block ``b``, group ``g``'s factor is the block at ``t_g + i_g[b]`` (int32 byte offsets).
    ``a0`` to ``a3`` are the arguments of :func:`~.vectors.fetch_ahead`.
    """
    builder = emit.builder
    rest = (i0, i1, i2, i3, t0, t1, t2, t3)
    ahead = (a0, a1, a2, a3)
    word, long = ir.IntType(32), ir.IntType(64)

    def case(number: int, is_real: bool) -> Callable[[], None]:
        def body() -> None:
            with cgutils.for_range(builder, count, intp=long) as loop:
                fetch_ahead(emit, loop.index, ahead, 1)
                distance = ir.Constant(long, 2 * VECTOR_BYTES)
                place = builder.add(buffer, builder.mul(loop.index, distance))
                real, imag = emit.load_block(place)
                for indices, table in zip(rest[:number], rest[4 : 4 + number], strict=True):
                    pointer = builder.inttoptr(indices, word.as_pointer())
                    offset = builder.load(builder.gep(pointer, [loop.index]), align=4)
                    factor = builder.add(table, builder.zext(offset, long))
                    if is_real:
                        a = emit.load(factor)
                        real, imag = builder.fmul(real, a), builder.fmul(imag, a)
                        continue
                    a, b = emit.load_block(factor)
                    new = emit.product(real, a, emit.builder.fneg(builder.fmul(imag, b)))
                    imag = emit.product(real, b, builder.fmul(imag, a))
                    real = new
                emit.store_block([real, imag], place)

        return body

    kinds = [(number, is_real) for number in range(1, 5) for is_real in (False, True)]
    cases = {number + 4 * is_real: case(number, is_real) for number, is_real in kinds}
    switch(builder, groups, cases)


@intrinsic()
def load_amplitudes(emit, unit, source, block):
    """Copy ``W`` neighbouring complex numbers from ``source`` to a block."""
    low = emit.load(source, aligned=False)
    high = emit.load(source, VECTOR_BYTES, aligned=False)
    for part in (0, 1):
        places = [2 * i + part for i in range(emit.width)]
        emit.store(emit.shuffle(low, high, places), block, part * VECTOR_BYTES)


def _write_amplitudes(emit: Emitter, block: ir.Value, target: ir.Value, streaming: bool) -> None:
    """The code of :func:`store_amplitudes` and of :func:`stream_amplitudes`."""
    real, imag = emit.load_block(block)
    half = emit.width // 2
    for part in (0, 1):
        places = [
            lane + emit.width * imaginary
            for lane in range(part * half, (part + 1) * half)
            for imaginary in (0, 1)
        ]
        value = emit.shuffle(real, imag, places)
        emit.store(value, target, part * VECTOR_BYTES, aligned=streaming, streaming=streaming)


@intrinsic()
def store_amplitudes(emit, unit, block, target):
    """Copy a block to ``W`` neighbouring complex numbers at ``target``."""
    _write_amplitudes(emit, block, target, False)


@intrinsic()
def stream_amplitudes(emit, unit, block, target):
    """As :func:`store_amplitudes`, past the caches; ``target`` is a multiple of
    ``VECTOR_BYTES``."""
    _write_amplitudes(emit, block, target, True)


@intrinsic()
def fence(emit):
    """A full memory fence: other threads see all that was streamed before."""
    emit.builder.fence("seq_cst")


@intrinsic()
def fill_block(emit, unit, block, real, imag):
    """Write one complex number to all lanes of a block."""
    emit.store_block([emit.splat(real), emit.splat(imag)], block)


# Below, several vectors lie side by side: block ``i`` holds amplitude ``i`` of as many vectors as a
# register has numbers, each of which may have coefficients of its own.


@contextmanager
def _each_index(
    emit: Emitter, base: ir.Value, every: ir.Value, value: ir.Value, count: ir.Value
) -> Iterator[ir.Value]:
    """A loop over the ``count`` lowest indices that are ``value`` in the bits ``every``; yields the
    address of each one's block, from that of block 0."""
    builder, long = emit.builder, ir.IntType(64)
    free = cgutils.alloca_once_value(builder, ir.Constant(long, 0))
    with cgutils.for_range(builder, count, intp=long):
        index = builder.load(free)
        offset = builder.mul(builder.or_(index, value), ir.Constant(long, BLOCK_BYTES))
        yield builder.add(base, offset)
        # The next index without these bits: a carry runs through them.
        following = builder.add(builder.or_(index, every), ir.Constant(long, 1))
        builder.store(builder.and_(following, builder.not_(every)), free)


def _add_product(total: Sum, a: list[ir.Value], b: list[ir.Value]) -> None:
    """Add the complex product of two blocks, vector by vector."""
    total.add(0, a[0], b[0])
    total.add(1, a[0], b[1])
    total.subtract(0, a[1], b[1])
    total.add(1, a[1], b[0])


def _dot(emit: Emitter, *factors: tuple[list[ir.Value], list[ir.Value]]) -> list[ir.Value]:
    """The sum of the products of pairs of blocks."""
    total = Sum(emit)
    for a, b in factors:
        _add_product(total, a, b)
    return [part for part in total.parts if part is not None]


@intrinsic()
def rotate_blocks(emit, unit, base, step, every, value, count, matrix):
    """Multiply pairs of blocks, ``step`` bytes apart, by a matrix of four blocks at ``matrix``.

    The first of each pair is one of the ``count`` that are ``value`` in the bits ``every``."""
    entries = [emit.load_block(emit.at(matrix, number * BLOCK_BYTES)) for number in range(4)]
    with _each_index(emit, base, every, value, count) as place:
        other = emit.builder.add(place, step)
        first, second = emit.load_block(place), emit.load_block(other)
        emit.store_block(_dot(emit, (entries[0], first), (entries[1], second)), place)
        emit.store_block(_dot(emit, (entries[2], first), (entries[3], second)), other)


@intrinsic()
def scale_blocks(emit, unit, base, every, value, count, factor):
    """Multiply the ``count`` blocks that are ``value`` in the bits ``every`` by that at
    ``factor``."""
    number = emit.load_block(factor)
    with _each_index(emit, base, every, value, count) as place:
        emit.store_block(_dot(emit, (number, emit.load_block(place))), place)


@intrinsic()
def exchange_blocks(emit, unit, base, step, every, value, count):
    """Exchange pairs of blocks, which are given as for :func:`rotate_blocks`."""
    with _each_index(emit, base, every, value, count) as place:
        other = emit.builder.add(place, step)
        first, second = emit.load_block(place), emit.load_block(other)
        emit.store_block(second, place)
        emit.store_block(first, other)


@intrinsic()
def dot_blocks(emit, unit, target, numbers, base, offsets, count):
    """Write to ``target`` the sum of ``count`` products: block ``k`` at ``numbers`` times the block
    whose distance from ``base`` is the ``k``-th int64 at ``offsets``."""
    builder, long = emit.builder, ir.IntType(64)
    zero = ir.Constant(emit.type, [0.0] * emit.width)
    sums = [cgutils.alloca_once_value(builder, zero) for _ in range(2)]
    table = emit.pointer(offsets, long)
    with cgutils.for_range(builder, count, intp=long) as loop:
        total = Sum(emit)
        total.parts = [builder.load(one) for one in sums]
        offset = builder.load(builder.gep(table, [loop.index]), align=8)
        number = builder.mul(loop.index, ir.Constant(long, BLOCK_BYTES))
        block = emit.load_block(builder.add(base, offset))
        _add_product(total, emit.load_block(builder.add(numbers, number)), block)
        for one, part in zip(sums, total.parts, strict=True):
            builder.store(part, one)
    emit.store_block([builder.load(one) for one in sums], target)


@intrinsic()
def copy_blocks(emit, unit, source, target, count):
    """Copy ``count`` blocks from ``source`` on to ``target``."""
    with cgutils.for_range(emit.builder, count, intp=ir.IntType(64)) as loop:
        distance = emit.builder.mul(loop.index, ir.Constant(ir.IntType(64), BLOCK_BYTES))
        block = emit.load_block(emit.builder.add(source, distance))
        emit.store_block(block, emit.builder.add(target, distance))
