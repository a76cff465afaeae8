"""The kernel that runs one tiled pass: for each tile, load, run instructions, store.

An instruction is a row of int64 words. It refers to arrays (coefficients, index lists) by their
addresses; the caller keeps these arrays alive during the call.

======== ==========================================================================
opcode   words after the opcode
======== ==========================================================================
MATRICES variant, count, bases, three distances, coefficients, outer mask, outer value
SWAP     variant, count, bases, four distances
FLIP     variant, count, bases, distance, two unused, (unused), outer mask, outer value
DIAGONAL groups, four index lists, four tables (address, or minus 1 minus a place in the scratch)
TABLE    description, its length in words: build a group's table for this tile, see
         :func:`~.tables.build_table`
WIDE     size, count, bases, places, matrix, three unused, outer mask, outer value
CHAIN    note, its length in words, variant, count, bases, three distances, coefficients; see
         :func:`~.matrices.run_chain`
GENERAL  kind, k, count, bases, places, numbers, outer mask, outer value: any bits, amplitude by
         amplitude; see :func:`_run_general`
======== ==========================================================================

``count`` is the number of groups of blocks, ``bases`` the address of the groups' int32 byte offsets
in the buffer; distances are those of the high bits, in bytes: a block's address changes with a bit
by an exclusive or. The instruction is run in the tiles
whose number has the bits ``outer value`` in ``outer mask``.
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
from simquay_numba.kernels.matrices import run_chain, run_matrices, run_wide
from simquay_numba.kernels.scalars import get, get_word, put, store_release
from simquay_numba.kernels.tables import build_table
from simquay_numba.kernels.vectors import BLOCK_BYTES, VECTOR_BYTES

__all__ = ["BLOCK_BYTES", "STREAM", "WORDS", "run_tiles"]

MATRICES, SWAP, FLIP, DIAGONAL, TABLE, WIDE, GENERAL, CHAIN = range(8)
GENERAL_DENSE, GENERAL_PERMUTE, GENERAL_PREPARE = range(3)

WORDS = 10
"""Int64 words of an instruction."""

STREAM = 2
"""A value of ``fresh``; see :func:`run_tiles`."""


@compiled_function
def _run_general(unit, kind, k, count, bases, places, numbers, buffer, scratch, real_bytes):
    """A matrix, permutation or preparation on any bits, without vectors.

    Args:
        unit: a real number of the precision.
        kind: ``GENERAL_DENSE``, ``GENERAL_PERMUTE`` or ``GENERAL_PREPARE``.
        k: bits of the stage.
        count: groups of ``2**k`` amplitudes.
        bases: address of int32 numbers, ``count``: the byte offset in the buffer of each group's
            amplitude at which the stage's bits are 0.
        places: address of int32 numbers, ``2**k``: how the byte offset of each amplitude of a group
            differs from that one's, by an exclusive or.
        numbers: address of the matrix, complex, shape ``(2**k, 2**k)``; of the source table,
            int32, ``2**k``; or of the amplitudes, complex, ``2**k``.
        buffer: address of the tile's buffer.
        scratch: address of memory for ``2**k`` complex numbers.
        real_bytes: bytes of a real number.
    """
    pair = 2 * real_bytes
    size = 1 << k
    for group in range(count):
        base = buffer + get_word(bases + 4 * group)
        for s in range(size):
            at = base ^ get_word(places + 4 * s)
            put(unit, scratch + s * pair, get(unit, at))
            put(unit, scratch + s * pair + real_bytes, get(unit, at + VECTOR_BYTES))
        for s in range(size):
            at = base ^ get_word(places + 4 * s)
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
    lines,
    chosen,
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
    """Run a pass on the tiles ``first`` to ``last - 1``.

    Tiles are numbered over all vectors of a batch: tile ``i`` of vector ``v`` has the number
    ``v * len(tile_offsets) + i``.

    Args:
        unit: a real number; its type, float32 or float64, chooses the precision.
        code: int64, shape ``(lists, any, WORDS)``: lists of instructions, each of one length.
        lines: how many instructions a list has.
        chosen: int64, shape ``(batch,)``: the list of each vector.
        state: int64, address of the first vector's amplitudes, complex64 or complex128.
        tile_offsets: int64, shape ``(tiles,)``: the byte offset of each tile in its vector.
        load_from: int64, shape ``(read,)``: the byte offset in its tile of each block to read.
        load_to: int64, shape ``(read,)``: where each of these goes, a byte offset in the buffer.
        load_few: int; if not 0, a tile has so many amplitudes to read, fewer than a block holds.
        store_to: int64, shape ``(blocks,)``: the byte offset in its tile at which each block of
            the buffer is written.
        fresh: int; 0: every block of the buffer is read. 1: blocks that are not read are 0.
            ``STREAM``: as 1, and blocks are written past the caches; ``state`` is a multiple of
            ``VECTOR_BYTES`` then.
        buffer: int64, address of ``len(store_to) * BLOCK_BYTES`` bytes of this thread's memory, a
            multiple of this number.
        scratch: int64, address of this thread's memory for tables and groups, likewise.
        first, last: int, the range of tiles.
        following: int, the tile that this thread is likely to run next; negative for none. It is
            only prefetched.
        row_bytes: int, bytes from one vector to the next.
        real_bytes: int, bytes of a real number, 4 or 8.
        announced: int64; if not 0, the address of an int64 to which ``announcement`` is written
            before all else, with release order.
        announcement: int64, see ``announced``.
    """
    if announced:
        store_release(announced, announcement)
    tiles = len(tile_offsets)
    blocks = len(store_to)
    zero = unit * 0
    offsets = np.int64(load_from.ctypes.data)
    for number in range(first, last):
        tile = number % tiles
        vector = number // tiles
        base = state + vector * row_bytes + tile_offsets[tile]
        listed = code[chosen[vector]]

        # Prefetch: while this tile's instructions run, they ask for the next tile's blocks, by
        # number modulo ``mask + 1``. Once all were asked for, ``mask`` is 0, and the address of
        # the first block is asked for again and again, which costs nothing.
        next_one = number + 1 if number + 1 < last else following
        ahead = base
        fetched = 0
        mask = 0
        if next_one >= 0:
            ahead = state + next_one // tiles * row_bytes + tile_offsets[next_one % tiles]
            mask = len(load_from) - 1

        # Load: blocks that hold new qubits are 0; all others come from the state.
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

        # Run the instructions. The first four kinds run in every tile; for the others, words 8
        # and 9 say in which. ``fetched`` counts the blocks that were asked for so far.
        for line in range(lines):
            word = listed[line]
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
                if opcode == MATRICES:
                    fetched += word[2] << (word[6] != 0)
                    run_matrices(
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
                    run_flip(unit, word[1], word[2], word[3], buffer, word[4])
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

        # Store all blocks, in the order of the layout after the pass.
        if fresh == STREAM:
            for b in range(blocks):
                stream_amplitudes(unit, buffer + b * BLOCK_BYTES, base + store_to[b])
        else:
            for b in range(blocks):
                store_amplitudes(unit, buffer + b * BLOCK_BYTES, base + store_to[b])

    # Streamed stores are weakly ordered: other threads see them only after a fence.
    if fresh == STREAM:
        fence()
