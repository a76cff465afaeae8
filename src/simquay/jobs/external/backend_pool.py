"""The objects of one foreign backend, lent to one run each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from simquay.control import Control
from simquay.jobs.timing import TICK

__all__ = ["BackendPool", "Lease"]


class BackendPool:
    """The foreign backend objects of one adapted backend, for runs in threads.

    A backend object keeps the state of a run, so no two runs share one. Where no more can be made,
    there is one object, and runs take turns.

    Args:
        first: the backend.
        another: makes one more, or None.
    """

    def __init__(self, first: Any, another: Callable[[], Any] | None) -> None:
        self._another = another
        self._free = [first]
        self._lock = threading.Lock()

    def lease(self, control: Control) -> Lease:
        """Lend an object to one run; waits until one is free if no more can be made.

        Raises:
            Cancelled: if the control says so.
        """
        while True:
            control.check()
            with self._lock:
                if self._free:
                    return Lease(self._free.pop(), self._free, self._lock)
            if self._another is not None:
                return Lease(self._another(), self._free, self._lock)
            control.wait(TICK)


class Lease:
    """The use of a backend object, which ends when every holder has released it."""

    def __init__(self, backend: Any, free: list[Any], lock: threading.Lock) -> None:
        self.backend = backend
        self._free = free
        self._lock = lock
        self._holders = 1

    def hold(self) -> Callable[[], None]:
        """Add a holder; returns the function that releases it."""
        with self._lock:
            self._holders += 1
        return self.release

    def release(self) -> None:
        """End the use by one holder."""
        with self._lock:
            self._holders -= 1
            if not self._holders:
                self._free.append(self.backend)
