"""The loop over gates for several vectors at once, each with numbers of its own.

The words of a gate are those of :mod:`simquay_numba.kernels.gates`, and gates wait as there; no
string is read. The vectors' amplitudes lie side by side in blocks
(:mod:`simquay_numba.kernels.blocks`).
"""

from __future__ import annotations

import numpy as np

from simquay_numba.kernels.blocks import (
    copy_blocks,
    dot_blocks,
    exchange_blocks,
    fill_block,
    rotate_blocks,
    scale_blocks,
)
from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.gates import DIAGONAL, MATRIX, PERMUTATION
from simquay_numba.kernels.scalars import get, put
from simquay_numba.kernels.vectors import BLOCK_BYTES, VECTOR_BYTES

__all__ = ["room_blocks", "run_rows"]


def room_blocks(bits: int, widest: int) -> int:
    """The blocks of the memory that :func:`run_rows` needs, for vectors of ``2**bits`` amplitudes
    and gates of up to ``widest`` targets: of the amplitudes, of products that wait, of the numbers
    of a gate, and of the amplitudes that it combines."""
    return (1 << bits) + 4 * bits + (1 << 2 * widest) + (1 << widest)


@compiled_function
def _fetch(unit, changed, constants, first, count, row, rows, real_bytes, address):
    """Write ``count`` numbers from ``first`` on to blocks, those of each row to a lane."""
    for number in range(count):
        at = address + number * BLOCK_BYTES
        place = first + number
        if place < changed.shape[1]:
            for lane in range(VECTOR_BYTES // real_bytes):
                entry = changed[row + min(lane, rows - 1), place]
                put(unit, at + lane * real_bytes, entry.real)
                put(unit, at + VECTOR_BYTES + lane * real_bytes, entry.imag)
        else:
            entry = constants[place - changed.shape[1]]
            fill_block(unit, at, entry.real, entry.imag)


@compiled_function
def _release(unit, memory, size, bit, products, kind):
    """Apply the product that waited on a bit to all rows."""
    step, product = 1 << bit, products + 4 * bit * BLOCK_BYTES
    if kind == MATRIX:
        rotate_blocks(unit, memory, step * BLOCK_BYTES, step, 0, size >> 1, product)
    else:
        scale_blocks(unit, memory, step, 0, size >> 1, product)
        scale_blocks(unit, memory, step, step, size >> 1, product + 3 * BLOCK_BYTES)


@compiled_function
def run_rows(
    unit, real_bytes, code, changed, constants, vectors, before, first, stop, memory, offsets, table
):
    """Apply gates to some vectors, in place, each with numbers of its own.

    Args:
        unit: any real number of the vectors' precision.
        real_bytes: of such a number.
        code: the words of the gates, int64.
        changed: the numbers that differ, complex128: a row for each vector.
        constants: the numbers that do not, complex128; in ``code`` they follow those that do.
        vectors: a row for each vector.
        before: how many amplitudes of each may differ from 0; the others are not read.
        first, stop: the rows to work on.
        memory: the address of :func:`room_blocks` blocks, which are overwritten.
        offsets: as many int64 as the widest gate has basis states; overwritten.
        table: their address.
    """
    size = vectors.shape[1]
    bits = 0
    while size >> bits > 1:
        bits += 1
    lanes = VECTOR_BYTES // real_bytes
    products = memory + size * BLOCK_BYTES
    room = products + 4 * bits * BLOCK_BYTES
    numbers = room + len(offsets) * BLOCK_BYTES
    waiting = np.zeros(64, dtype=np.int64)  # as in run_gates
    for row in range(first, stop, lanes):
        rows = min(lanes, stop - row)
        for i in range(size):
            at = memory + i * BLOCK_BYTES
            if i < before:
                for lane in range(lanes):
                    entry = vectors[row + min(lane, rows - 1), i]
                    put(unit, at + lane * real_bytes, entry.real)
                    put(unit, at + VECTOR_BYTES + lane * real_bytes, entry.imag)
            else:
                fill_block(unit, at, 0.0, 0.0)
        waits = 0
        at = 0
        while at < len(code):
            kind, mask, value, place, k = code[at : at + 5]
            own = code[at + 5 : at + 5 + k]
            at += 5 + k
            count = 1 << k
            if kind != PERMUTATION:
                total = count * count if kind == MATRIX else count
                _fetch(unit, changed, constants, place, total, row, rows, real_bytes, numbers)
            if k == 1 and mask == 0 and kind <= DIAGONAL:
                bit = own[0]
                product = products + 4 * bit * BLOCK_BYTES
                if not waits >> bit & 1:
                    waits |= 1 << bit
                    waiting[bit] = DIAGONAL
                    for number in range(4):
                        one = 1.0 if number % 3 == 0 else 0.0
                        fill_block(unit, product + number * BLOCK_BYTES, one, 0.0)
                waiting[bit] = min(waiting[bit], kind)
                # The row of the product is bit 1 of its blocks' numbers.
                if kind == MATRIX:
                    rotate_blocks(unit, product, 2 * BLOCK_BYTES, 2, 0, 2, numbers)
                else:
                    scale_blocks(unit, product, 2, 0, 2, numbers)
                    scale_blocks(unit, product, 2, 2, 2, numbers + BLOCK_BYTES)
                continue
            targets = 0
            for j in range(k):
                targets |= 1 << own[j]
            met = (targets | mask) & waits
            while met:
                bit = 0
                while not met >> bit & 1:
                    bit += 1
                met ^= 1 << bit
                if waiting[bit] == MATRIX or (kind != DIAGONAL and targets >> bit & 1):
                    _release(unit, memory, size, bit, products, waiting[bit])
                    waits ^= 1 << bit
            every = targets | mask
            groups = size
            left = every
            while left:
                left &= left - 1
                groups >>= 1
            for entry in range(count):
                offsets[entry] = 0
                for j in range(k):
                    offsets[entry] |= (entry >> j & 1) << own[j]
            if kind == DIAGONAL:
                for entry in range(count):
                    factor = numbers + entry * BLOCK_BYTES
                    scale_blocks(unit, memory, every, value | offsets[entry], groups, factor)
            elif k == 1 and kind == MATRIX:
                rotate_blocks(unit, memory, targets * BLOCK_BYTES, every, value, groups, numbers)
            elif k == 1 and kind == PERMUTATION and code[at] == 1:
                exchange_blocks(unit, memory, targets * BLOCK_BYTES, every, value, groups)
            else:
                for entry in range(count):
                    offsets[entry] *= BLOCK_BYTES
                free = 0
                for _ in range(groups):
                    base = memory + (free | value) * BLOCK_BYTES
                    free = (free | every) + 1 & ~every
                    if kind == MATRIX:
                        for entry in range(count):
                            line = numbers + entry * count * BLOCK_BYTES
                            dot_blocks(unit, room + entry * BLOCK_BYTES, line, base, table, count)
                        for entry in range(count):
                            copy_blocks(unit, room + entry * BLOCK_BYTES, base + offsets[entry], 1)
                    elif kind == PERMUTATION:
                        for entry in range(count):
                            copy_blocks(unit, base + offsets[entry], room + entry * BLOCK_BYTES, 1)
                        for entry in range(count):
                            target = base + offsets[code[at + entry]]
                            copy_blocks(unit, room + entry * BLOCK_BYTES, target, 1)
                    else:  # all amplitudes come from the one where the targets are |0>
                        copy_blocks(unit, base, room, 1)
                        for entry in range(count):
                            factor = numbers + entry * BLOCK_BYTES
                            copy_blocks(unit, room, base + offsets[entry], 1)
                            scale_blocks(unit, base + offsets[entry], 0, 0, 1, factor)
            if kind == PERMUTATION:
                at += count
        for bit in range(bits):
            if waits >> bit & 1:
                _release(unit, memory, size, bit, products, waiting[bit])
        for i in range(size):
            at = memory + i * BLOCK_BYTES
            for lane in range(rows):
                re = get(unit, at + lane * real_bytes)
                im = get(unit, at + VECTOR_BYTES + lane * real_bytes)
                vectors[row + lane, i] = complex(re, im)
