"""Tables of diagonal groups whose factors depend on the tile; each tile builds them anew."""

from __future__ import annotations

from simquay_numba.kernels.blocks import fill_block
from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.scalars import get, get_long, get_word, put
from simquay_numba.kernels.vectors import BLOCK_BYTES, VECTOR_BYTES

__all__ = ["build_table"]


@compiled_function
def build_table(unit, words, scratch, tile, real_bytes):
    """Build a diagonal group's table of blocks for one tile.

    1. The group's ``2**k`` factors begin as those at ``constant``, or as 1.
    2. A *run* is a sequence of terms on the same ``p`` of the group's bits. Each run multiplies
       the factors by the product of its terms whose condition this tile meets; factor ``e`` takes
       entry ``where[e]`` of the product.
    3. The factors are spread to ``2**kh`` blocks, one for each value of the group's high bits, and
       one more block that is 1. A compact table has one complex number in place of each block.

    Args:
        unit: a real number of the precision.
        words: address of int64 words: ``k, kh, lanes, target, factors, product, constant, runs,
            compact``; then for each run ``p, where, terms``, and for each of its terms ``mask,
            value, table, m``, and ``m`` outer bits. ``target``, ``factors`` and ``product`` are
            byte offsets in the scratch. ``constant`` and ``table`` are addresses of complex
            numbers, ``where`` of int32. ``lanes`` is the address of an int32 for each lane, which
            it adds to the factor's index, -1 where its factor is 1; 0 if all lanes are alike.
        scratch: address of this thread's memory.
        tile: the tile's number.
        real_bytes: bytes of a real number.
    """
    k = get_long(words)
    kh = get_long(words + 8)
    lanes = get_long(words + 16)
    target = scratch + get_long(words + 24)
    factors = scratch + get_long(words + 32)
    product = scratch + get_long(words + 40)
    constant = get_long(words + 48)
    runs = get_long(words + 56)
    pair = 2 * real_bytes
    one = unit * 0 + 1
    zero = unit * 0

    # 1. The factors that do not depend on the tile.
    for e in range(1 << k):
        if constant:
            put(unit, factors + e * pair, get(unit, constant + e * pair))
            put(
                unit,
                factors + e * pair + real_bytes,
                get(unit, constant + e * pair + real_bytes),
            )
        else:
            put(unit, factors + e * pair, one)
            put(unit, factors + e * pair + real_bytes, zero)
    compact = get_long(words + 64)
    word = words + 72

    # 2. One run after the other; the product of its terms is built in ``product``.
    for _ in range(runs):
        p = get_long(word)
        where = get_long(word + 8)
        terms = get_long(word + 16)
        word += 24
        for e in range(1 << p):
            put(unit, product + e * pair, one)
            put(unit, product + e * pair + real_bytes, zero)
        met = 0
        for _ in range(terms):
            mask = get_long(word)
            value = get_long(word + 8)
            table = get_long(word + 16)
            m = get_long(word + 24)
            word += 32
            if tile & mask == value:
                met += 1
                number = 0
                for j in range(m):
                    number |= ((tile >> get_long(word + 8 * j)) & 1) << j
                _multiply(unit, product, table + (number << p) * pair, 1 << p, 0, real_bytes)
            word += 8 * m
        if met:
            _multiply(unit, factors, product, 1 << k, where, real_bytes)

    # 3. Factors to blocks.
    width = VECTOR_BYTES // real_bytes
    if compact:
        for h in range(1 << kh):
            put(unit, target + h * pair, get(unit, factors + h * pair))
            put(unit, target + h * pair + real_bytes, get(unit, factors + h * pair + real_bytes))
        put(unit, target + (1 << kh) * pair, one)
        put(unit, target + (1 << kh) * pair + real_bytes, zero)
        return
    for h in range(1 << kh):
        block = target + h * BLOCK_BYTES
        if not lanes:
            at = factors + h * pair
            fill_block(unit, block, get(unit, at), get(unit, at + real_bytes))
            continue
        first = h << (k - kh)
        for lane in range(width):
            sub = get_word(lanes + 4 * lane)
            if sub < 0:
                put(unit, block + lane * real_bytes, one)
                put(unit, block + VECTOR_BYTES + lane * real_bytes, zero)
            else:
                at = factors + (first + sub) * pair
                put(unit, block + lane * real_bytes, get(unit, at))
                put(unit, block + VECTOR_BYTES + lane * real_bytes, get(unit, at + real_bytes))
    fill_block(unit, target + (1 << kh) * BLOCK_BYTES, one, zero)


@compiled_function
def _multiply(unit, target, source, count, where, real_bytes):
    """Multiply the ``count`` complex numbers at ``target`` by numbers at ``source``.

    Number ``e`` is multiplied by number ``where[e]``; by number ``e`` if ``where``, the address of
    int32 numbers, is 0."""
    pair = 2 * real_bytes
    for e in range(count):
        other = source + (get_word(where + 4 * e) if where else e) * pair
        at = target + e * pair
        a, b = get(unit, at), get(unit, at + real_bytes)
        c, d = get(unit, other), get(unit, other + real_bytes)
        put(unit, at, a * c - b * d)
        put(unit, at + real_bytes, a * d + b * c)
