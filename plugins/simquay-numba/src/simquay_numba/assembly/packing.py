"""The last step of assembling, compiled: numbers → coefficients, and their addresses → words."""

from __future__ import annotations

from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.run import CHAIN, TABLE, WORDS
from simquay_numba.kernels.scalars import get_word, put
from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = ["MOST_WANTED", "ONE", "WANTED", "ZERO", "pack"]

WANTED = -(1 << 62)
"""``WANTED + n`` in a word: the address of what the next ``n`` fills make. No other word is near
it: addresses are positive, and places in the scratch are minus less than 2**40."""

MOST_WANTED = 8

ZERO, ONE = -1, -2
"""Codes of a fill that take no number."""


@compiled_function
def pack(unit, words, lines, fills, numbers, target, notes):
    """Make all coefficients, and let the words point at them.

    Args:
        unit: a real number of the precision.
        words: ``lines`` instructions, and then the notes; changed in place.
        fills: shape ``(count, 4)``; see :mod:`~.template`. In the order of the words.
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
            cross = fills[fill, 2]
            for i in range(count):
                code = get_word(codes + 4 * i) if codes else i
                value = unit * 0
                if code >= 0:
                    value = numbers[source + code]
                    if cross:
                        value += numbers[source + code + 1]
                elif code == ONE:
                    value = unit * 0 + 1
                put(unit, at, value)
                at += real_bytes
            source += fills[fill, 3]
            fill += 1
        at = (at + VECTOR_BYTES - 1) // VECTOR_BYTES * VECTOR_BYTES
    return at
