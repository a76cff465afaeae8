"""CPU affinity: the threads of a short run must not share one CPU while another is idle.

Linux places a woken thread on the CPU of the thread that woke it, unless it knows a better one; a
virtual machine's idle CPU often does not count as one. The scheduler moves such threads apart after
some milliseconds, and a run may take less. So for as long as a short run takes, its own thread is
pinned to its CPU, and helpers are kept off that CPU.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterator

__all__ = ["current_cpu", "excluded_from", "pinned"]


current_cpu: Callable[[], int] = getattr(
    ctypes.CDLL(None) if sys.platform == "linux" else None, "sched_getcpu", lambda: -1
)
"""The number of the CPU that the calling thread runs on; -1 where that cannot be known."""


@contextlib.contextmanager
def pinned() -> Iterator[int]:
    """Pin the calling thread to its CPU. Yields the CPU's number; -1 where pinning failed."""
    cpu = current_cpu()
    with _restricted_to({cpu} if cpu >= 0 else set()) as done:
        yield cpu if done else -1


@contextlib.contextmanager
def excluded_from(cpu: int) -> Iterator[None]:
    """Keep the calling thread off ``cpu``, if it may use any other; nothing is done for -1."""
    others = set() if cpu < 0 or sys.platform != "linux" else os.sched_getaffinity(0) - {cpu}
    with _restricted_to(others):
        yield


@contextlib.contextmanager
def _restricted_to(cpus: set[int]) -> Iterator[bool]:
    """Restrict the calling thread to ``cpus``, and give it its affinity back at the end.

    Yields whether it is restricted."""
    if sys.platform != "linux" or not cpus:
        yield False
        return
    before = os.sched_getaffinity(0)  # of the calling thread alone
    try:
        os.sched_setaffinity(0, cpus)
    except OSError:  # not permitted
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):  # its CPUs were taken from the process meanwhile
            os.sched_setaffinity(0, before)
