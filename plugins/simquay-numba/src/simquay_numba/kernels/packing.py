"""The last step of assembling, compiled: it makes coefficients, and puts their addresses into
words."""

from __future__ import annotations

from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.run import CHAIN, TABLE, WORDS
from simquay_numba.kernels.scalars import get_word, put
from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = ["MOST_WANTED", "ONE", "WANTED", "ZERO", "pack"]

WANTED = -(1 << 62)
"""``WANTED + n`` in a word stands for the address of the coefficients of the next ``n`` fills. No
other word is near it: addresses are positive, and offsets in the scratch are above ``-2**40``."""

MOST_WANTED = 8
"""The most fills of one word."""

ZERO, ONE = -1, -2
"""Codes of a fill that take no number."""


@compiled_function
def pack(unit, words, lines, fills, numbers, target, notes):
    """Make all coefficients, and put their addresses into the words.

    Args:
        unit: a real number of the precision.
        words: int64: ``lines`` instructions of ``WORDS`` words, and then the notes. Changed in
            place.
        lines: how many instructions there are.
        fills: int64, shape ``(count, 4)``, in the order of the words; see :mod:`~.template`.
        numbers: the sources, reals of the precision, in the order of the fills.
        target: address of the memory for coefficients.
        notes: address of the first note: a ``TABLE`` or ``CHAIN`` instruction has its length in
            word 2, and gets its address in word 1.

    Returns:
        The address after the last coefficient.
    """
    real_bytes = 4 if numbers.itemsize == 4 else 8
    fill = 0
    source = 0
    at = target
    for line in range(lines):
        first = line * WORDS
        if words[first] == TABLE or words[first] == CHAIN:
            words[first + 1] = notes
            notes += 8 * words[first + 2]
    for word in range(len(words)):
        wanted = words[word] - WANTED
        if wanted < 1 or wanted > MOST_WANTED:
            continue
        words[word] = at
        for _ in range(wanted):
            codes = fills[fill, 0]
            count = fills[fill, 1]
            rx_like = fills[fill, 2]
            for i in range(count):
                code = get_word(codes + 4 * i) if codes else i
                value = unit * 0
                if code >= 0:
                    value = numbers[source + code]
                    if rx_like:
                        value += numbers[source + code + 1]
                elif code == ONE:
                    value = unit * 0 + 1
                put(unit, at, value)
                at += real_bytes
            source += fills[fill, 3]
            fill += 1
        at = (at + VECTOR_BYTES - 1) // VECTOR_BYTES * VECTOR_BYTES
    return at
