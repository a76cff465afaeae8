"""A cache of one region of memory: that of the state that was released last.

The first touch of fresh memory costs as much as a pass or more (a virtual machine may even have to
ask its host for it), and runs of one size tend to follow each other. So one region is kept for the
next state. After some seconds without use it is *offered*: the system may take its pages wherever
it needs memory, and pages that it has not taken are still there for the next run. The region is
freed

- after a minute without use, or, where a system cannot take pages back, when it would be offered;
- when somebody asks how much memory the host has left, as the ledger does before a large run;
- when the system refuses memory to a state;
- in a forked child.

Small states are not kept, nor are those that take a larger share of the host's memory. A region
belongs to a state or to the cache, never to both.
"""

from __future__ import annotations

import mmap
import threading
import time

from simquay.engine_api import after_fork, host_total_bytes, register_cache, start_thread
from simquay_numba.buffers import HUGE_PAGE, advise_free, state_region

__all__ = ["BufferCache", "state_buffers"]

_HOST_SHARE = 16
"""The most that is kept is the host's memory divided by this."""

_OFFERED_AFTER = 3.0
"""Seconds without use after which the system may take the pages."""

_FREED_AFTER = 60.0
"""Seconds without use after which the region is freed, whether anybody needs memory or not."""


class BufferCache:
    """Keeps at most one region. Any thread may call any method.

    Args:
        most: the most bytes to keep; by default a sixteenth of the host's memory.
        offered_after: seconds without use after which the system may take the region's pages.
        freed_after: seconds without use after which the region is freed.
    """

    def __init__(
        self,
        most: int | None = None,
        offered_after: float = _OFFERED_AFTER,
        freed_after: float = _FREED_AFTER,
    ) -> None:
        self._most = host_total_bytes() // _HOST_SHARE if most is None else most
        self._offered_after = offered_after
        self._freed_after = freed_after
        self._reset()
        after_fork(self._reset)
        register_cache(self.clear)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._region: mmap.mmap | None = None
        self._last_used = 0.0
        self._is_offered = False
        self._is_watched = False

    @property
    def kept_bytes(self) -> int:
        """Bytes that are kept now."""
        region = self._region
        return 0 if region is None else len(region)

    def take(self, count: int) -> mmap.mmap:
        """A region for ``count`` bytes: the kept one if it fits, or else a new one.

        Raises:
            MemoryError: if the system has no room.
        """
        with self._lock:
            region = self._region
            # A much larger one would keep from others what this state does not need.
            if region is not None and count + HUGE_PAGE <= len(region) <= 2 * count + HUGE_PAGE:
                self._region = None
                return region
        del region
        try:
            return state_region(count)
        except MemoryError:
            self.clear()
            return state_region(count)

    def give(self, region: mmap.mmap) -> None:
        """Keep a region that no state uses any more, and free the one that was kept before."""
        if len(region) > self._most:
            return
        with self._lock:
            before, self._region = self._region, region
            self._last_used = time.monotonic()
            self._is_offered = False
            start, self._is_watched = not self._is_watched, True
        del before  # to unmap takes a while: not under the lock
        if start:
            watch = threading.Thread(target=self._watch, name="simquay-buffer-cache", daemon=True)
            try:
                start_thread(watch)
            except RuntimeError:  # no thread to be had, or the interpreter exits: keep nothing
                self._is_watched = False
                self.clear()

    def clear(self) -> None:
        """Free the region."""
        with self._lock:
            region, self._region = self._region, None
        del region

    def _watch(self) -> None:
        """Offer and free the region in time; a thread's work, which ends when there is none."""
        try:
            while (pause := self._look()) is not None:
                # Not until the end: a run may take the region meanwhile and give it back, so that
                # it has to be offered anew.
                time.sleep(pause)
        except MemoryError:  # a region that nobody watches would stay
            self._is_watched = False
            self.clear()

    def _look(self) -> float | None:
        """Offer or free the region if it is time; gives the seconds until the next look."""
        with self._lock:
            idle = time.monotonic() - self._last_used
            region = self._region
            if region is not None and not self._is_offered and idle >= self._offered_after:
                # Under the lock: a region that a run has taken must not be offered any more.
                self._is_offered = advise_free(region)
                if not self._is_offered:
                    self._region = region = None
            end = self._freed_after if self._is_offered else self._offered_after
            if region is None or idle >= end:
                self._region = None
                self._is_watched = False
                return None
        return min(end - idle, self._offered_after)


state_buffers = BufferCache()
"""The process's cache."""
