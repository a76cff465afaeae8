"""Which CPUs threads run on: those of one short run must not share one while another is idle.

A thread that is woken comes to run on the CPU of the thread that woke it, unless the system knows a
better one; a virtual machine's idle CPU often does not count as one. The scheduler parts such
threads after some milliseconds, and a run may take less. So while it lasts, its own thread stays
where it is, and helpers stay away from there.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterator

__all__ = ["away_from", "current_cpu", "staying"]


def _unknown() -> int:
    return -1


def _finder() -> Callable[[], int]:
    if sys.platform != "linux":
        return _unknown
    try:
        find = ctypes.CDLL(None).sched_getcpu
    except (OSError, AttributeError):  # a C library without it
        return _unknown
    find.restype, find.argtypes = ctypes.c_int, ()
    found: Callable[[], int] = find
    return found


current_cpu = _finder()
"""The number of the CPU that the calling thread runs on; -1 where that cannot be known."""


@contextlib.contextmanager
def staying() -> Iterator[int]:
    """Keep the calling thread on its CPU, whose number this gives; -1 where that cannot be."""
    cpu = current_cpu()
    with _only({cpu} if cpu >= 0 else set()) as kept:
        yield cpu if kept else -1


@contextlib.contextmanager
def away_from(cpu: int) -> Iterator[None]:
    """Keep the calling thread off ``cpu``, if it may use any other; -1 is no CPU."""
    others = set() if cpu < 0 or sys.platform != "linux" else os.sched_getaffinity(0) - {cpu}
    with _only(others):
        yield


@contextlib.contextmanager
def _only(cpus: set[int]) -> Iterator[bool]:
    """Keep the calling thread on these CPUs; whether that is so. Its affinity is as before then."""
    if sys.platform != "linux" or not cpus:
        yield False
        return
    before = os.sched_getaffinity(0)  # of the calling thread alone
    try:
        os.sched_setaffinity(0, cpus)
    except OSError:  # the system does not let it
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):  # its CPUs were taken from the process meanwhile
            os.sched_setaffinity(0, before)
