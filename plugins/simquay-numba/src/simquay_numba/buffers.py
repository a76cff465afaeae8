"""Aligned memory for threads, coefficients and states."""

from __future__ import annotations

import mmap
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = [
    "HUGE_PAGE",
    "address",
    "advise_free",
    "aligned_bytes",
    "region_bytes",
    "second_level_cache",
    "state_region",
]

_SIZE = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")


def second_level_cache(size: Path = _SIZE) -> int:
    """Bytes of a core's second-level cache, cut to 256 KiB … 2 MiB; 512 KiB if it is not known.

    Args:
        size: the file in which Linux tells the size.
    """
    try:
        kibibytes = int(size.read_text().strip().removesuffix("K"))
    except (OSError, ValueError):  # not Linux, or a machine that hides it
        kibibytes = 512
    return min(max(kibibytes, 256), 2048) << 10


def aligned_bytes(count: int, alignment: int = VECTOR_BYTES) -> NDArray[np.uint8]:
    """``count`` uninitialised bytes at an address that is a multiple of ``alignment``."""
    raw = np.empty(count + alignment, dtype=np.uint8)
    start = -address(raw) % alignment
    return raw[start : start + count]


def address(array: NDArray[Any]) -> int:
    """The address of an array's first element."""
    return int(array.__array_interface__["data"][0])  # faster than its ctypes attribute


HUGE_PAGE = 2 << 20
"""Bytes of a huge page."""

_SLOW_PAGE = 1e-3
"""CPU seconds for the first touch of a huge page from which on small pages are taken. To clear one
takes a tenth of that."""


def state_region(count: int) -> mmap.mmap:
    """Memory for ``count`` bytes of a state, in huge pages where Linux has them at hand.

    A virtual machine may have returned its free huge pages to its host; then each takes
    milliseconds to come back, while small pages are still there. So a few are tried first.

    Raises:
        MemoryError: if the system has no room.
    """
    size = count + HUGE_PAGE
    try:
        if not hasattr(mmap, "MADV_HUGEPAGE"):
            return mmap.mmap(-1, size)
        region = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(f"the system has no {count} bytes for a state") from error
    memory = region_bytes(region, count)
    try:
        region.madvise(mmap.MADV_HUGEPAGE)
        for quarter in range(4):
            started = time.thread_time()
            memory[quarter * count // 4] = 0
            if time.thread_time() - started > _SLOW_PAGE:
                region.madvise(mmap.MADV_NOHUGEPAGE)
                break
    except OSError:  # a kernel without huge pages
        pass
    return region


def advise_free(region: mmap.mmap) -> bool:
    """Let the system take the region's pages whenever it needs memory (``MADV_FREE``).

    It may do so until they are written to again, and their contents may be lost at any moment.
    Returns whether the system can do that."""
    advice = getattr(mmap, "MADV_FREE", None)
    if advice is None:
        return False
    try:
        region.madvise(advice)
    except OSError:  # a kernel that does not know it
        return False
    return True


def region_bytes(region: mmap.mmap, count: int) -> NDArray[np.uint8]:
    """``count`` bytes of a region, from a huge page's start; they keep the region alive."""
    raw = np.frombuffer(region, dtype=np.uint8)
    start = -address(raw) % HUGE_PAGE
    memory: NDArray[np.uint8] = raw[start : start + count]
    return memory
