"""A pool of worker processes: started ahead of need, used again, killed to cancel a run.

Workers belong to the process that started them. A forked child forgets its parent's (their pipes
are closed there, so that they still end with the parent) and starts its own. When the interpreter
exits, all are killed and waited for.
"""

from __future__ import annotations

import queue
import subprocess
import threading
import time
import weakref
from collections.abc import Callable

from simquay.jobs.timing import SPARE_AFTER, TICK
from simquay.jobs.workers.messages import BackendSource
from simquay.jobs.workers.process import Worker, WorkerDiedError
from simquay.system.lifecycle import after_fork, at_exit, before_exit

__all__ = ["ProcessPool", "default_workers"]

_KEPT_IDLE = 2
"""How many idle workers are kept; each holds Qiskit and a simulator, some 150 MB."""


class _Request:
    """A request for a new worker, and its answer: the worker, or the error that prevented it.

    Attributes:
        wanted: whether to start a worker; if not, the request only wakes the starter.
        abandoned: whether nobody waits for the worker, which then becomes idle.
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

    def __init__(self, kept: int = _KEPT_IDLE, spare_after: float = SPARE_AFTER) -> None:
        self._kept = kept
        self._spare_after = spare_after
        self._renew()
        _pools.add(self)

    def _renew(self) -> None:
        self._lock = threading.RLock()  # a signal handler may cancel a job in this very thread
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        self._starter: threading.Thread | None = None
        self._stopping = False
        self._last: BackendSource | None = None  # the backend asked for last
        self._touched = 0.0  # when the pool was used last
        self._watching = False  # the starter looks now and then whether a spare is due

    def lease(self, source: BackendSource, check: Callable[[], object]) -> Worker:
        """Lend a worker to one run, if possible one that has the backend; it may not be ready yet.

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
        request = self._request(source)
        try:
            while not request.delivered.wait(TICK):
                check()
        except BaseException:
            self._abandon(request)
            raise
        if request.worker is None:
            raise WorkerDiedError(f"no worker process can be started: {request.error}")
        return request.worker

    def give_back(self, worker: Worker) -> None:
        """Take ``worker`` back: it is idle again."""
        with self._lock:
            self._touched = time.monotonic()
            kept = self._keep(worker)
        if not kept:
            self.drop(worker)

    def _keep(self, worker: Worker) -> bool:
        """Make ``worker`` idle, if the pool has room for it. The lock is held."""
        room = worker in self._all and not self._stopping and len(self._idle) < self._kept
        if room:
            self._idle.append(worker)
        return room

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
        request = self._request(source)
        self._abandon(request)

    def _request(self, source: BackendSource | None) -> _Request:
        request = _Request(source)
        with self._lock:
            if self._starter is None:
                self._starter = threading.Thread(
                    target=self._start_workers, name="simquay-starter", daemon=True
                )
                self._starter.start()
        self._requests.put(request)
        return request

    def _abandon(self, request: _Request) -> None:
        """Nobody waits for ``request`` any more: its worker becomes idle, once there is one."""
        with self._lock:
            if request.worker is None and request.error is None:
                request.abandoned = True
                return
            worker, request.worker = request.worker, None
        if worker is not None:
            self.give_back(worker)

    def _start_workers(self) -> None:
        """Start workers; the starter thread runs this as long as the process lives."""
        requests = self._requests
        while True:
            try:
                request = requests.get(timeout=self._until_spare())
            except queue.Empty:
                if not self._spare_is_due():
                    continue
                request = _Request(self._last)
                request.abandoned = True  # the next run gets it
            if request.wanted:
                self._start(request)
            del request

    def _start(self, request: _Request) -> None:
        worker, error = None, None
        if self._stopping:
            error = OSError("the interpreter is exiting")
        else:
            try:
                worker = Worker(request.source)
            except (OSError, subprocess.SubprocessError) as caught:
                error = OSError(str(caught))
        with self._lock:
            request.worker, request.error = worker, error
            surplus = None
            if worker is not None:
                self._all.add(worker)
                # Idle at once: a run that finds the worker in pids() can lease it.
                if (request.abandoned or self._stopping) and not self._keep(worker):
                    surplus = worker
        request.delivered.set()
        if surplus is not None:
            self.drop(surplus)

    # --- the spare worker ------------------------------------------------------------------

    def _watch_for_spare(self) -> None:
        """Have the starter watch for a spare worker to be due, as there may be no idle one now.

        The lock is held. Each run comes here, so the starter is woken only if it sleeps without a
        limit, which is rare.
        """
        if not self._idle and not self._watching and self._starter is not None:
            self._watching = True
            self._requests.put(_Request(None, wanted=False))

    def _until_spare(self) -> float | None:
        """Seconds until a spare worker may be due; None if none is before the pool is used again.

        The starter asks when it has nothing to do.
        """
        with self._lock:
            left = self._touched + self._spare_after - time.monotonic()
            # While runs follow each other closely, the starter looks again by itself: no wakeups.
            self._watching = left > 0 or self._lacks_spare()
            return max(0.0, left) if self._watching else None

    def _spare_is_due(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now < self._touched + self._spare_after or not self._lacks_spare():
                return False
            self._touched = now  # so that a failed start is not tried again at once
            return True

    def _lacks_spare(self) -> bool:
        return not self._idle and not self._stopping and self._last is not None


_pools: weakref.WeakSet[ProcessPool] = weakref.WeakSet()
_default: ProcessPool | None = None
_default_lock = threading.Lock()


def default_workers() -> ProcessPool:
    """The pool that the whole process shares."""
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

# Start no more, before the worker threads are told to stop, which drop their workers. At the end,
# kill the rest.
before_exit(_refuse_more)

at_exit(_at_exit)
