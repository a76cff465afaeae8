"""Threads of the CPU engines: independent pieces of one pass, side by side, within one budget.

NumPy lets go of the interpreter's lock inside its loops and BLAS calls, and so do compiled kernels,
so plain threads use all cores. A run's own thread always works on its pieces. Others help it, as
many as the budget of the process has places left (:func:`~simquay.system.cpus.cpu_budget`).

*Invariant:* of the threads that work on pieces, all runs together, there are no more than the
budget, or no more than runs if there are more runs. A run that begins while others have helpers
waits until one of them has left, a second at most; helpers leave at the end of a piece, or where a
piece asks :func:`yield_to_others`, as long ones do every few milliseconds.

Helpers are daemons of a pool that is made when first needed, and made anew in a process that
forked: a child has none of its parent's threads.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence

from simquay.system.cpus import cpu_budget
from simquay.system.lifecycle import after_fork

__all__ = ["run_side_by_side", "yield_to_others"]

_Call = Callable[[], None]

_PATIENCE = 1.0
"""Seconds after which a run begins though the helpers of others have not left."""


class _Pieces:
    """The calls of one run that nobody has taken yet, its helpers, and the first error."""

    def __init__(self, calls: Sequence[_Call], helpers: int) -> None:
        self._left = deque(calls)
        self._helpers = helpers
        self._lock = threading.Lock()
        self._alone = threading.Event()
        if not helpers:
            self._alone.set()
        self.error: BaseException | None = None

    def work(self, stop: Callable[[], bool]) -> None:
        """Run calls until none is left, or until ``stop()`` before one; none after an error."""
        while not stop() and self.error is None:
            try:
                call = self._left.popleft()
            except IndexError:
                return
            try:
                call()
            except BaseException as error:  # noqa: BLE001 - raised again in the run's own thread
                with self._lock:
                    if self.error is None:
                        self.error = error
            del call  # nothing of a run outlives it in an idle thread

    def helper_left(self) -> None:
        """One of the helpers has gone."""
        with self._lock:
            self._helpers -= 1
            if not self._helpers:
                self._alone.set()

    def wait(self) -> None:
        """Wait until all helpers have gone."""
        self._alone.wait()


class _Pool:
    """The places of the budget, and the helpers: daemon threads, made as they are needed."""

    def __init__(self, places: int | None = None) -> None:
        self._places = places
        self._changed = threading.Condition(threading.Lock())
        self._queue: queue.SimpleQueue[_Pieces] = queue.SimpleQueue()
        self._threads = 0
        # Thread idents, not a number: what an interrupt left behind, the thread's next run mends.
        self._runs: set[int] = set()
        self._helping = 0

    @property
    def places(self) -> int:
        """How many threads may work on pieces at once."""
        if self._places is None:
            self._places = cpu_budget()
        return self._places

    @property
    def _crowded(self) -> bool:
        """Whether a helper should leave."""
        return self._helping > 0 and len(self._runs) + self._helping > self.places

    def enter(self, wanted: int) -> int:
        """A run begins in this thread, and would like so many helpers; how many it gets."""
        with self._changed:
            self._runs.add(threading.get_ident())
            if self._crowded:
                self._changed.wait_for(lambda: not self._crowded, _PATIENCE)
            helpers = max(0, min(wanted, self.places - len(self._runs) - self._helping))
            for _ in range(self._helping + helpers - self._threads):
                name = f"simquay-dense-{self._threads + 1}"
                try:
                    threading.Thread(target=self._serve, name=name, daemon=True).start()
                except RuntimeError:  # the system gives no more threads: do with fewer
                    helpers = self._threads - self._helping
                    break
                self._threads += 1
            self._helping += helpers
            return helpers

    def leave(self) -> None:
        """The run in this thread has ended; its helpers have gone before."""
        with self._changed:
            self._runs.discard(threading.get_ident())
            self._changed.notify_all()

    def call(self, pieces: _Pieces, helpers: int) -> None:
        """Let so many helpers, which :meth:`enter` granted, work on these pieces."""
        for _ in range(helpers):
            self._queue.put(pieces)

    def yield_to_others(self) -> bool:
        """Whether the calling thread is a helper that must leave; its place is free then."""
        if not self._crowded or not getattr(_this, "helps", False):
            return False
        with self._changed:
            if not self._crowded:
                return False
            self._stop_helping()
        return True

    def _stop_helping(self) -> None:
        """The calling thread gives its place back; the lock is held."""
        _this.helps = False
        self._helping -= 1
        self._changed.notify_all()

    def _serve(self) -> None:
        """A helper's life."""
        while True:
            pieces = self._queue.get()
            _this.helps = True
            pieces.work(lambda: not _this.helps or self.yield_to_others())
            with self._changed:
                if _this.helps:
                    self._stop_helping()
            pieces.helper_left()
            del pieces  # an idle thread must not keep a state alive


_this = threading.local()
_pool = _Pool()


def _forget_threads() -> None:
    global _pool
    _pool = _Pool()
    _this.helps = False


after_fork(_forget_threads)


def yield_to_others() -> bool:
    """Whether the piece that asks should end early, in favour of another run.

    For pieces that take portions of a common work, to be asked before each portion: what is left,
    the run's own thread does, which is never told to end.
    """
    return _pool.yield_to_others()


def run_side_by_side(calls: Sequence[Callable[[], None]]) -> None:
    """Run all ``calls``, the first in this thread, as many at once as the budget has places.

    Returns when all have ended. Calls must not wait for each other, and must not call this.

    Raises:
        BaseException: the first error that one of them raised; no call begins after it, and those
            that had begun have ended.
    """
    pool = _pool
    try:
        helpers = pool.enter(len(calls) - 1)
        pieces = _Pieces(calls[1:], helpers)
        pool.call(pieces, helpers)
        try:
            calls[0]()
            pieces.work(_never)
        finally:
            pieces.wait()
    finally:
        pool.leave()
    if pieces.error is not None:
        raise pieces.error


def _never() -> bool:
    return False
