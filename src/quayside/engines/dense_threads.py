"""Threads of the NumPy engine: independent pieces of one pass, side by side.

NumPy lets go of the interpreter's lock inside its loops and BLAS calls, so plain threads use all
cores. The threads are daemons of a pool that is made when first needed, and made anew in a process
that forked: a child has none of its parent's threads.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable

__all__ = ["available_cpus", "run_side_by_side"]


def available_cpus() -> int:
    """The CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Latch:
    """Counts finished calls, and keeps the first error."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._done = threading.Event()
        self.error: BaseException | None = None

    def finish(self, error: BaseException | None) -> None:
        with self._lock:
            if error is not None and self.error is None:
                self.error = error
            self._count -= 1
            if not self._count:
                self._done.set()

    def wait(self) -> None:
        self._done.wait()


_Work = tuple[Callable[[], None], _Latch]


class _Pool:
    """Daemon threads that take work from one queue; they grow in number as asked."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._threads = 0

    def submit(self, work: _Work, threads: int) -> None:
        with self._lock:
            while self._threads < threads:
                self._threads += 1
                name = f"quayside-dense-{self._threads}"
                threading.Thread(target=self._serve, name=name, daemon=True).start()
        self._queue.put(work)

    def _serve(self) -> None:
        while True:
            call, latch = self._queue.get()
            try:
                call()
            except BaseException as error:  # noqa: BLE001 - carried to the caller's thread
                latch.finish(error)
            else:
                latch.finish(None)
            del call, latch  # an idle thread must not keep a state alive


_pool = _Pool()


def _forget_threads() -> None:
    global _pool
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


def run_side_by_side(calls: list[Callable[[], None]]) -> None:
    """Run all ``calls`` at once, the first in this thread; return when all have ended.

    Raises:
        BaseException: the first error that one of them raised, after all have ended.
    """
    latch = _Latch(len(calls) - 1)
    for call in calls[1:]:
        _pool.submit((call, latch), len(calls) - 1)
    try:
        calls[0]()
    finally:
        if len(calls) > 1:
            latch.wait()
    if latch.error is not None:
        raise latch.error
