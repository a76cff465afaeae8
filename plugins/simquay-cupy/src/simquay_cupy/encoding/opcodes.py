"""The numbers of cuda/opcodes.cuh, for the host; a test compares the two files."""

from __future__ import annotations

import enum
from itertools import combinations

__all__ = ["HEADER_WORDS", "OPERAND_WORDS", "PLACES", "Op"]

HEADER_WORDS = 8
"""Words of a program before its rounds."""

OPERAND_WORDS = 9
"""Words that every instruction has."""

PLACES = {
    bits: place
    for count in (1, 2, 3)
    for place, bits in enumerate(sorted(combinations(range(4), count), key=lambda bits: bits[::-1]))
}
"""The number that register bits add to an opcode that acts on so many of them: for two, the pairs
01 02 12 03 13 23 are 0 to 5."""


class Op(enum.IntEnum):
    """Opcodes. To those that act on register bits, the number of the bits is added."""

    DENSE2 = 0
    DENSE1 = 6
    DENSE1_REAL = 10
    RX_LIKE = 14
    DENSE2_REAL = 18
    DENSE3 = 24
    ROTATE = 28
    ROTATE_RX = 32
    SUM_DIFFERENCE = 36
    ROTATE_ALL = 40
    ROTATE_RX_ALL = 41
    SCALE = 42
    REGISTER_TABLE = 43
    CX = 44
    PHASE = 56
    PHASE_TREE = 57
    DIAGONAL = 58
    GATHER = 59
    FLIP = 60
    FLIP_WHERE = 64
    CONDITIONAL = 128
