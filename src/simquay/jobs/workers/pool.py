"""Worker processes, kept warm: started before they are needed, used again, killed to cancel.

Workers belong to the process that started them. A forked child forgets its parent's (their pipes
are closed there, so that they still end with the parent) and starts its own. When the interpreter
exits, all are killed and waited for.
"""

from __future__ import annotations

import atexit
import queue
import subprocess
import threading
import time
import weakref
from collections.abc import Callable

from simquay.jobs.workers.messages import BackendSource
from simquay.jobs.workers.process import Worker, WorkerDiedError
from simquay.system.lifecycle import after_fork, before_exit

__all__ = ["ProcessPool", "default_workers"]

_KEPT_IDLE = 2
"""How many idle workers are kept; each holds Qiskit and a simulator, some 150 MB."""

_SPARE_AFTER = 3.0
"""Seconds that a pool without an idle worker must be left alone before it starts a spare one: who
cancels a run wants to see the machine idle, and who runs for long may cancel."""

_TICK = 0.02


class _Order:
    """A worker that was asked for: it, or the reason why there is none.

    ``abandoned``: nobody waits for it, so it becomes idle. ``wanted``: else it is no order, and
    only wakes the starter.
    """

    def __init__(self, source: BackendSource | None, *, wanted: bool = True) -> None:
        self.source = source
        self.wanted = wanted
        self.delivered = threading.Event()
        self.worker: Worker | None = None
        self.error: OSError | None = None
        self.abandoned = False


class ProcessPool:
    """Warm worker processes.

    One thread starts them all, and lives as long as the process: Linux tells a child that its
    parent is gone when the *thread* that started it is.

    A pool that was used, has no idle worker and is then left alone for a while starts a spare one.
    So after a long run that was cancelled, the next run does not wait for a process to start.

    Args:
        kept: how many idle workers to keep.
        spare_after: for how many seconds it must be left alone.
    """

    def __init__(self, kept: int = _KEPT_IDLE, spare_after: float = _SPARE_AFTER) -> None:
        self._kept = kept
        self._spare_after = spare_after
        self._renew()
        _pools.add(self)

    def _renew(self) -> None:
        self._lock = threading.RLock()  # a signal handler may cancel a job in this very thread
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._starter: threading.Thread | None = None
        self._stopping = False
        self._last: BackendSource | None = None  # the backend asked for last
        self._touched = 0.0  # when the pool was used last
        self._watching = False  # the starter looks now and then whether a spare is due

    def lease(self, source: BackendSource, check: Callable[[], object]) -> Worker:
        """A worker for one use, one that has the backend if possible; it may not be ready yet.

        Give it back with :meth:`give_back`, or :meth:`drop` it.

        Raises:
            WorkerDiedError: none can be started.
        """
        key = source.key
        with self._lock:
            self._last = source
            self._touched = time.monotonic()
            for worker in [one for one in self._idle if not one.alive]:
                self._idle.remove(worker)
                self._all.discard(worker)
                worker.end()
            if self._idle:
                knowing = [one for one in self._idle if one.knows(key)]
                worker = (knowing or self._idle)[-1]
                self._idle.remove(worker)
                self._watch_for_spare()
                return worker
        order = self._order(source)
        try:
            while not order.delivered.wait(_TICK):
                check()
        except BaseException:
            self._abandon(order)
            raise
        if order.worker is None:
            raise WorkerDiedError(f"no worker process can be started: {order.error}")
        return order.worker

    def give_back(self, worker: Worker) -> None:
        """``worker`` is idle again."""
        with self._lock:
            self._touched = time.monotonic()
            if worker in self._all and not self._stopping and len(self._idle) < self._kept:
                self._idle.append(worker)
                return
        self.drop(worker)

    def drop(self, worker: Worker) -> None:
        """Kill ``worker``; returns when the process is gone."""
        with self._lock:
            self._all.discard(worker)
            self._touched = time.monotonic()
            self._watch_for_spare()
        worker.end()

    def stop(self) -> None:
        """Start no more workers, and kill those that run."""
        with self._lock:
            self._stopping = True
            workers = list(self._all)
            self._all.clear()
            self._idle.clear()
        for worker in workers:
            worker.signal_end()
        for worker in workers:
            worker.end()

    def pids(self) -> list[int]:
        """The process ids of all workers, idle or not."""
        with self._lock:
            return [worker.pid for worker in self._all]

    def warm_up(self, source: BackendSource) -> None:
        """Have an idle worker soon; returns at once. Does nothing where there is one."""
        with self._lock:
            if self._idle or self._stopping:
                return
        order = self._order(source)
        self._abandon(order)

    def _order(self, source: BackendSource | None) -> _Order:
        order = _Order(source)
        with self._lock:
            if self._starter is None:
                self._starter = threading.Thread(
                    target=self._start_workers, name="simquay-starter", daemon=True
                )
                self._starter.start()
        self._orders.put(order)
        return order

    def _abandon(self, order: _Order) -> None:
        """Nobody waits for ``order`` any more: its worker, when there is one, is idle."""
        with self._lock:
            if order.worker is None and order.error is None:
                order.abandoned = True
                return
            worker, order.worker = order.worker, None
        if worker is not None:
            self.give_back(worker)

    def _start_workers(self) -> None:
        """The life of the thread that starts workers."""
        orders = self._orders
        while True:
            try:
                order = orders.get(timeout=self._until_spare())
            except queue.Empty:
                if not self._spare_is_due():
                    continue
                order = _Order(self._last)
                order.abandoned = True  # whoever asks next gets it
            if order.wanted:
                self._start(order)
            del order

    def _start(self, order: _Order) -> None:
        worker, error = None, None
        if self._stopping:
            error = OSError("the interpreter is exiting")
        else:
            try:
                worker = Worker(order.source)
            except (OSError, subprocess.SubprocessError) as caught:
                error = OSError(str(caught))
        with self._lock:
            order.worker, order.error = worker, error
            if worker is not None:
                self._all.add(worker)
            unwanted = order.abandoned or self._stopping
        order.delivered.set()
        if worker is not None and unwanted:
            self.give_back(worker)

    # --- the spare worker ------------------------------------------------------------------

    def _watch_for_spare(self) -> None:
        """The pool may have no idle worker now; the lock is held. Wakes the starter only where it
        sleeps without end, so hardly ever: each run comes here."""
        if not self._idle and not self._watching and self._starter is not None:
            self._watching = True
            self._orders.put(_Order(None, wanted=False))

    def _until_spare(self) -> float | None:
        """Seconds until a spare worker may be due; None where none will be before the pool is used
        again. The starter asks, when it has nothing to do."""
        with self._lock:
            left = self._touched + self._spare_after - time.monotonic()
            # Runs that follow each other closely need the look again and again: no wakeups then.
            self._watching = left > 0 or self._lacks_spare()
            return max(0.0, left) if self._watching else None

    def _spare_is_due(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now < self._touched + self._spare_after or not self._lacks_spare():
                return False
            self._touched = now  # where none can be started, not again at once
            return True

    def _lacks_spare(self) -> bool:
        return not self._idle and not self._stopping and self._last is not None


_pools: weakref.WeakSet[ProcessPool] = weakref.WeakSet()
_default: ProcessPool | None = None
_default_lock = threading.Lock()


def default_workers() -> ProcessPool:
    """The process's own pool."""
    global _default
    with _default_lock:
        if _default is None:
            _default = ProcessPool()
        return _default


def _after_fork() -> None:
    global _default_lock
    _default_lock = threading.Lock()
    for pool in list(_pools):
        for worker in list(pool._all):
            worker.forget()
        pool._renew()


def _refuse_more() -> None:
    for pool in list(_pools):
        pool._stopping = True


def _at_exit() -> None:
    for pool in list(_pools):
        pool.stop()


after_fork(_after_fork)

# First no new ones, before the worker threads are told to stop, which drop theirs; in the end all.
before_exit(_refuse_more)
atexit.register(_at_exit)
