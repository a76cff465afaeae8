"""The numbers of cuda/opcodes.cuh, for the host; a test compares the two files."""

from __future__ import annotations

import enum

__all__ = ["HEADER_WORDS", "OPERAND_WORDS", "PAIRS", "TRIPLES", "Op"]

HEADER_WORDS = 8
"""Words of a program before its rounds."""

OPERAND_WORDS = 9
"""Words that every instruction has."""

PAIRS = {(0, 1): 0, (0, 2): 1, (1, 2): 2, (0, 3): 3, (1, 3): 4, (2, 3): 5}
"""The number that a pair of register bits adds to a two-qubit opcode."""

TRIPLES = {(0, 1, 2): 0, (0, 1, 3): 1, (0, 2, 3): 2, (1, 2, 3): 3}
"""Likewise, for three register bits and a three-qubit opcode."""


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
