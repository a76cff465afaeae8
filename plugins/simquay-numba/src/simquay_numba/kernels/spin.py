"""A compiled loop that waits for other threads, without the interpreter's lock."""

from __future__ import annotations

from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.scalars import look, step_aside
from simquay_numba.kernels.vectors import LINE_BYTES

__all__ = ["arrived"]


@compiled_function
def arrived(words, count, wanted, turns):
    """Whether the int64 numbers at ``words``, one a cache line, add up to ``wanted`` or more.

    It looks 64 times so many ``turns``, or until they do; between turns whoever waits for this CPU
    may have it, which may be the one that is waited for.
    """
    for _ in range(turns):
        for _ in range(64):
            total = 0
            for number in range(count):
                total += look(words + LINE_BYTES * number)
            if total >= wanted:
                return True
        step_aside()
    return False
