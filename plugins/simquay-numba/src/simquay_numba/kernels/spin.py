"""A compiled loop that waits for other threads, without the interpreter's lock."""

from __future__ import annotations

from simquay_numba.kernels.functions import compiled_function
from simquay_numba.kernels.scalars import load_acquire, yield_cpu
from simquay_numba.kernels.vectors import LINE_BYTES

__all__ = ["spin_until"]


@compiled_function
def spin_until(counters, count, wanted, turns):
    """Wait until counters add up to ``wanted`` or more. Returns whether they do.

    Args:
        counters: address of the first counter, an int64; the next one is a cache line later.
        count: how many counters there are.
        wanted: the sum to wait for.
        turns: how often the CPU is yielded before giving up. The counters are read 64 times
            between two yields: a thread that waits for this CPU may be the one that is waited for.
    """
    for _ in range(turns):
        for _ in range(64):
            total = 0
            for number in range(count):
                total += load_acquire(counters + LINE_BYTES * number)
            if total >= wanted:
                return True
        yield_cpu()
    return False
