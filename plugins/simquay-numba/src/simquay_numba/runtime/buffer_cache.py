"""The memory of the state that was released last, kept for a while for the next one.

The first touch of fresh memory costs as much as a pass or more (a virtual machine may even have to
ask its host for it), and runs of one size tend to follow each other. So one region is kept. After
some seconds in which no run wanted it, the system may take its pages wherever it needs memory, but
those that it left are still there for a run that comes. The region is given back altogether

- after a minute in which no run wanted it, or, where a system cannot do that, at once,
- when somebody asks how much memory the host has left, as the ledger does before a large run,
- when the system refuses memory to a state,
- in a forked child.

Small states are not kept, nor are those that take a larger share of the host's memory. A region is
either a state's or the spare one, never both.
"""

from __future__ import annotations

import mmap
import threading
import time

from simquay.system.lifecycle import after_fork
from simquay.system.memory import host_total_bytes, register_cache
from simquay_numba.runtime.buffers import HUGE_PAGE, offer, state_region

__all__ = ["Spare", "spare"]

_SHARE = 16
"""The most that is kept: this part of the host's memory."""

_IDLE = 3.0
"""Seconds after which the system may have the pages of what nobody wanted."""

_OFFERED = 60.0
"""Seconds after which it is given back, whoever needs it or not."""


class Spare:
    """At most one region. Any thread may call any method.

    Args:
        most: the most bytes to keep; by default a sixteenth of the host's memory.
        idle: seconds after which the system may have the region's pages.
        offered: seconds after which the region is given back.
    """

    def __init__(
        self, most: int | None = None, idle: float = _IDLE, offered: float = _OFFERED
    ) -> None:
        self._most = host_total_bytes() // _SHARE if most is None else most
        self._idle = idle
        self._offered = offered
        self._reset()
        register_cache(self.drop)
        after_fork(self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._region: mmap.mmap | None = None
        self._since = 0.0
        self._is_offered = False
        self._watched = False

    @property
    def size(self) -> int:
        """Bytes that are kept now."""
        region = self._region
        return 0 if region is None else len(region)

    def region(self, count: int) -> mmap.mmap:
        """A region for ``count`` bytes: the spare one if it fits, or else a new one.

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
            self.drop()
            return state_region(count)

    def keep(self, region: mmap.mmap) -> None:
        """Take a region that no state uses any more; the one that was kept is given back."""
        if len(region) > self._most:
            return
        with self._lock:
            before, self._region = self._region, region
            self._since = time.monotonic()
            self._is_offered = False
            start, self._watched = not self._watched, True
        del before  # to unmap takes a while: not under the lock
        if start:
            watch = threading.Thread(target=self._watch, name="simquay-spare", daemon=True)
            try:
                watch.start()
            except RuntimeError:  # no thread to be had, or the interpreter exits: keep nothing
                self._watched = False
                self.drop()

    def drop(self) -> None:
        """Give the region back."""
        with self._lock:
            region, self._region = self._region, None
        del region

    def _watch(self) -> None:
        """Offer the region to the system, and give it back, in time; ends when there is none."""
        while True:
            with self._lock:
                idle = time.monotonic() - self._since
                region = self._region
                if region is not None and not self._is_offered and idle >= self._idle:
                    # Under the lock: what a run has taken must not be offered any more.
                    self._is_offered = offer(region)
                    if not self._is_offered:
                        self._region = region = None
                end = self._offered if self._is_offered else self._idle
                if region is None or idle >= end:
                    self._region = None
                    self._watched = False
                    return
            del region
            time.sleep(end - idle)


spare = Spare()
"""The process's own."""
