"""The numbers of cuda/opcodes.cuh, for the host; a test compares the two files."""

from __future__ import annotations

import enum

__all__ = ["HEADER_WORDS", "OPERAND_WORDS", "PAIRS", "TRIPLES", "Op"]

HEADER_WORDS = 8
OPERAND_WORDS = 9

PAIRS = {(0, 1): 0, (0, 2): 1, (1, 2): 2, (0, 3): 3, (1, 3): 4, (2, 3): 5}
"""What a pair of register bits adds to a two-qubit opcode."""

TRIPLES = {(0, 1, 2): 0, (0, 1, 3): 1, (0, 2, 3): 2, (1, 2, 3): 3}


class Op(enum.IntEnum):
    """Opcodes; one that acts on register bits has their place added."""

    DENSE1 = 0
    DENSE1_REAL = 4
    CROSS = 8
    DENSE2 = 12
    DENSE2_REAL = 18
    DENSE3 = 24
    ROTATE = 28
    ROTATE_CROSS = 32
    SUM_DIFFERENCE = 36
    SCALE = 40
    REGISTER_TABLE = 41
    PHASE = 42
    DIAGONAL = 43
    GATHER = 44
    FLIP = 48
    CONDITIONAL = 64
