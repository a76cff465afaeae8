"""The executor of one tiled pass: for each tile, load, run instructions, store.

An instruction is a row of int64 words. What it points at (coefficients, index lists) are plain
addresses: whoever made the instructions keeps those arrays alive during the call.

======== ==========================================================================
opcode   words after the opcode
======== ==========================================================================
DENSE    variant, count, bases, three distances, coefficients, outer mask, outer value
LAYER    the same; the masks are 0
SWAP     variant, count, bases, four distances
FLIP     (unused), count, bases, distance, two unused, (unused), outer mask, outer value
DIAGONAL groups, four index lists, four tables (address, or minus 1 minus a place in the scratch)
TABLE    description, its length in words: build a group's table for this tile, see
         :func:`~.tables.build_table`
WIDE     size, count, bases, places, matrix, three unused, outer mask, outer value
CHAIN    note, its length in words, variant, count, bases, three distances, coefficients; see
         :func:`~.matrices.run_chain`
GENERAL  kind, k, count, bases, places, numbers, outer mask, outer value: any bits, amplitude by
         amplitude; see :func:`_run_general`
======== ==========================================================================

``count`` is how many groups of blocks there are, ``bases`` the address of their int32 byte offsets
in the buffer, and distances are those of the high bits in bytes. An outer mask and value say in
which tiles the instruction holds.
"""

from __future__ import annotations

import numpy as np

from simquay_numba.kernels.blocks import (
    fence,
    fill_block,
    load_amplitudes,
    run_diagonal,
    run_flip,
    run_swap,
    store_amplitudes,
    stream_amplitudes,
)
from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.matrices import run_chain, run_dense, run_layer, run_wide
from simquay_numba.kernels.scalars import get, get_word, put, tell
from simquay_numba.kernels.tables import build_table
from simquay_numba.kernels.vectors import BLOCK_BYTES, VECTOR_BYTES

__all__ = ["BLOCK_BYTES", "STREAM", "WORDS", "run_tiles"]

DENSE, LAYER, SWAP, FLIP, DIAGONAL, TABLE, WIDE, GENERAL, CHAIN = range(9)
GENERAL_DENSE, GENERAL_PERMUTE, GENERAL_PREPARE = range(3)

WORDS = 10
"""Words of an instruction."""

STREAM = 2


@compiled_function
def _run_general(unit, kind, k, count, bases, places, numbers, buffer, scratch, real_bytes):
    """A matrix, permutation or preparation on any bits, without vectors.

    ``bases`` are the byte offsets of the amplitudes at which the stage's bits are 0, and
    ``places`` the distances of its ``2**k`` amplitudes from there; both int32. ``numbers``: the
    matrix, row-major complex; the source table, int32; or the amplitudes, complex.
    """
    pair = 2 * real_bytes
    size = 1 << k
    for group in range(count):
        base = buffer + get_word(bases + 4 * group)
        for s in range(size):
            at = base + get_word(places + 4 * s)
            put(unit, scratch + s * pair, get(unit, at))
            put(unit, scratch + s * pair + real_bytes, get(unit, at + VECTOR_BYTES))
        for s in range(size):
            at = base + get_word(places + 4 * s)
            if kind == GENERAL_PERMUTE:
                old = scratch + get_word(numbers + 4 * s) * pair
                real, imag = get(unit, old), get(unit, old + real_bytes)
            else:
                columns = size if kind == GENERAL_DENSE else 1
                row = numbers + s * columns * pair
                real, imag = unit * 0, unit * 0
                for c in range(columns):
                    a, b = get(unit, row + c * pair), get(unit, row + c * pair + real_bytes)
                    x, y = get(unit, scratch + c * pair), get(unit, scratch + c * pair + real_bytes)
                    real += a * x - b * y
                    imag += a * y + b * x
            put(unit, at, real)
            put(unit, at + VECTOR_BYTES, imag)


@compiled_function
def run_tiles(
    unit,
    code,
    state,
    tile_offsets,
    load_from,
    load_to,
    load_few,
    store_to,
    fresh,
    buffer,
    scratch,
    first,
    last,
    following,
    row_bytes,
    real_bytes,
    announced,
    announcement,
):
    """Run a pass on the tiles ``first`` to ``last - 1``, counted over all vectors of a batch.

    Args:
        unit: a real number of the precision.
        code: instructions, shape ``(count, WORDS)``, int64.
        state: address of the first vector; the next one starts ``row_bytes`` later.
        tile_offsets: byte offset of each tile in a vector, int64.
        load_from: byte offset in its tile of each block that is read, int64.
        load_to: its byte offset in the buffer, int64.
        load_few: if not 0, only so many amplitudes are read, fewer than a block has.
        store_to: byte offset in its tile of each block of the buffer, int64.
        fresh: whether blocks that are not read are 0, and not without meaning; ``STREAM``: they
            are, and what is written goes past the caches. The state is aligned as vectors then.
        buffer, scratch: addresses of this thread's memory.
        following: the tile that this thread is likely to run after the last one, or a negative
            number.
        real_bytes: bytes of a real number.
        announced: if not 0, where to write the number ``announcement`` at first.
    """
    if announced:
        tell(announced, announcement)
    tiles = len(tile_offsets)
    blocks = len(store_to)
    zero = unit * 0
    offsets = np.int64(load_from.ctypes.data)
    for number in range(first, last):
        tile = number % tiles
        base = state + number // tiles * row_bytes + tile_offsets[tile]
        # While this tile's instructions run, the next tile's blocks are fetched: as many as the
        # mask says, and then again and again the first of this tile, which costs nothing.
        next_one = number + 1 if number + 1 < last else following
        ahead = base
        fetched = 0
        mask = 0
        if next_one >= 0:
            ahead = state + next_one // tiles * row_bytes + tile_offsets[next_one % tiles]
            mask = len(load_from) - 1
        if fresh:
            for b in range(blocks):
                fill_block(unit, buffer + b * BLOCK_BYTES, zero, zero)
        if load_few:
            for i in range(load_few):
                at = base + 2 * real_bytes * i
                put(unit, buffer + i * real_bytes, get(unit, at))
                put(unit, buffer + VECTOR_BYTES + i * real_bytes, get(unit, at + real_bytes))
        else:
            for b in range(len(load_from)):
                load_amplitudes(unit, base + load_from[b], buffer + load_to[b])
        for line in range(len(code)):
            word = code[line]
            opcode = word[0]
            if fetched > mask:
                mask = 0
            start = fetched & mask
            if opcode == DIAGONAL:
                fetched += blocks
                t0, t1, t2, t3 = word[6], word[7], word[8], word[9]
                run_diagonal(
                    unit,
                    word[1],
                    blocks,
                    buffer,
                    word[2],
                    word[3],
                    word[4],
                    word[5],
                    t0 if t0 >= 0 else scratch - t0 - 1,
                    t1 if t1 >= 0 else scratch - t1 - 1,
                    t2 if t2 >= 0 else scratch - t2 - 1,
                    t3 if t3 >= 0 else scratch - t3 - 1,
                    ahead,
                    offsets,
                    start,
                    mask,
                )
            elif opcode == TABLE:
                build_table(unit, word[1], scratch, tile, real_bytes)
            elif opcode == CHAIN:
                fetched += word[4] << (word[8] != 0)
                run_chain(
                    unit,
                    word[3],
                    word[4],
                    word[5],
                    buffer,
                    word[6],
                    word[7],
                    word[8],
                    word[9],
                    word[1],
                    scratch,
                    ahead,
                    offsets,
                    start,
                    mask,
                )
            elif opcode == SWAP:
                run_swap(
                    unit, word[1], word[2], word[3], buffer, word[4], word[5], word[6], word[7]
                )
            elif tile & word[8] == word[9]:
                if opcode == DENSE:
                    fetched += word[2] << (word[6] != 0)
                    run_dense(
                        unit,
                        word[1],
                        word[2],
                        word[3],
                        buffer,
                        word[4],
                        word[5],
                        word[6],
                        word[7],
                        ahead,
                        offsets,
                        start,
                        mask,
                    )
                elif opcode == LAYER:
                    fetched += word[2] << (word[6] != 0)
                    run_layer(
                        unit,
                        word[1],
                        word[2],
                        word[3],
                        buffer,
                        word[4],
                        word[5],
                        word[6],
                        word[7],
                        ahead,
                        offsets,
                        start,
                        mask,
                    )
                elif opcode == FLIP:
                    run_flip(unit, word[2], word[3], buffer, word[4])
                elif opcode == WIDE:
                    run_wide(unit, word[1], word[2], word[3], word[4], word[5], buffer, scratch)
                else:
                    _run_general(
                        unit,
                        word[1],
                        word[2],
                        word[3],
                        word[4],
                        word[5],
                        word[6],
                        buffer,
                        scratch,
                        real_bytes,
                    )
        if fresh == STREAM:
            for b in range(blocks):
                stream_amplitudes(unit, buffer + b * BLOCK_BYTES, base + store_to[b])
        else:
            for b in range(blocks):
                store_amplitudes(unit, buffer + b * BLOCK_BYTES, base + store_to[b])
    if fresh == STREAM:
        fence()
