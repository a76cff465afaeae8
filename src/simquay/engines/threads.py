"""Threads of the CPU engines: independent pieces of one pass, side by side, within one budget.

NumPy releases the interpreter's lock inside its loops and BLAS calls, and so do compiled kernels,
so plain threads use all cores. A run's own thread always works on its pieces. Helpers join it, as
many as the process's budget allows (:func:`~simquay.system.cpus.cpu_budget`).

*Invariant:* of the threads that work on pieces, all runs together, there are no more than the
budget, or no more than runs if there are more runs. A run that begins while others have helpers
waits until one of them has left, a second at most; helpers leave at the end of a piece, or where a
piece calls :func:`yield_to_others`, as long ones do every few milliseconds.

Helpers are daemon threads, started when first needed, and started anew in a forked process: a child
has none of its parent's threads.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence

from simquay.system.cpus import cpu_budget
from simquay.system.lifecycle import after_fork
from simquay.system.starting import start_thread

__all__ = ["HelperPool", "run_side_by_side", "yield_to_others"]

_Call = Callable[[], None]

_PATIENCE = 1.0
"""Seconds after which a run begins though the helpers of others have not left."""


class _Pieces:
    """The calls of one run that no thread has taken yet, its helpers, and the first error."""

    def __init__(self, calls: Sequence[_Call]) -> None:
        self._left = deque(calls)
        self._helpers = 0
        self._lock = threading.Lock()
        self._alone = threading.Event()
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
            del call  # an idle thread must not keep a run's objects alive

    def helper_called(self) -> None:
        """Count a helper in, which cannot leave yet."""
        self._helpers += 1

    def helper_left(self) -> None:
        """One of the helpers has left."""
        with self._lock:
            self._helpers -= 1
            if not self._helpers:
                self._alone.set()

    def wait(self) -> None:
        """Wait until all helpers have left."""
        if self._helpers:
            self._alone.wait()


class HelperPool:
    """Helper threads and the budget that they share with the runs' own threads.

    Args:
        budget: how many threads may work on pieces at once; by default the process's CPUs, counted
            at the first run.
    """

    def __init__(self, budget: int | None = None) -> None:
        self._budget = budget
        self._changed = threading.Condition(threading.Lock())
        self._queue: queue.SimpleQueue[_Pieces] = queue.SimpleQueue()
        self._threads = 0
        # Thread idents, not a number: if an interrupt keeps a run from leaving, the next run in
        # its thread puts that right.
        self._runs: set[int] = set()
        self._helping = 0

    @property
    def budget(self) -> int:
        """How many threads may work on pieces at once."""
        if self._budget is None:
            self._budget = cpu_budget()
        return self._budget

    def run(self, calls: Sequence[_Call]) -> None:
        """See :func:`run_side_by_side`."""
        pieces = _Pieces(calls[1:])
        try:
            self._enter(pieces, len(calls) - 1)
            try:
                calls[0]()
                pieces.work(lambda: False)
            finally:
                pieces.wait()
        finally:
            self._leave()
        if pieces.error is not None:
            raise pieces.error

    def yield_to_others(self) -> bool:
        """See :func:`yield_to_others`."""
        if not self._crowded or not getattr(_this, "helps", False):
            return False
        with self._changed:
            if not self._crowded:
                return False
            self._stop_helping()
        return True

    @property
    def _crowded(self) -> bool:
        """Whether a helper should leave."""
        return self._helping > 0 and len(self._runs) + self._helping > self.budget

    def _enter(self, pieces: _Pieces, wanted: int) -> None:
        """Count this thread's run in, and call as many of the ``wanted`` helpers as it gets.

        Where the system refuses a thread or memory for one, the run does with fewer: helpers that
        were called may wait for its own thread."""
        with self._changed:
            self._runs.add(threading.get_ident())
            if self._crowded:
                self._changed.wait_for(lambda: not self._crowded, _PATIENCE)
            helpers = max(0, min(wanted, self.budget - len(self._runs) - self._helping))
            for _ in range(self._helping + helpers - self._threads):
                name = f"simquay-dense-{self._threads + 1}"
                try:
                    start_thread(threading.Thread(target=self._serve, name=name, daemon=True))
                except RuntimeError:
                    helpers = self._threads - self._helping
                    break
                self._threads += 1
            for _ in range(helpers):
                try:
                    self._queue.put(pieces)
                except MemoryError:
                    break
                # It leaves with the lock that is held here, so it is counted in before.
                pieces.helper_called()
                self._helping += 1

    def _leave(self) -> None:
        """Count this thread's run out; its helpers have left before."""
        with self._changed:
            self._runs.discard(threading.get_ident())
            self._changed.notify_all()

    def _stop_helping(self) -> None:
        """Count the calling thread out as a helper; the lock is held."""
        self._helping -= 1
        _this.helps = False
        self._changed.notify_all()

    def _serve(self) -> None:
        """The loop of a helper thread. It ends for no want of memory, since runs count on it."""
        while True:
            pieces = self._queue.get()
            try:
                try:
                    _this.helps = True
                    pieces.work(lambda: not _this.helps or self.yield_to_others())
                finally:
                    with self._changed:
                        if getattr(_this, "helps", True):
                            self._stop_helping()
            except MemoryError:
                pass  # the run's own thread does what is left
            pieces.helper_left()
            del pieces  # an idle thread must not keep a state alive


_this = threading.local()
_pool = HelperPool()


def _forget_threads() -> None:
    global _pool
    _pool = HelperPool()
    _this.helps = False


after_fork(_forget_threads)


def yield_to_others() -> bool:
    """Whether the piece that calls this should end early, in favour of another run.

    For pieces that take portions of common work, to be called before each portion: the run's own
    thread, which is never told to end, does the portions that are left.
    """
    return _pool.yield_to_others()


def run_side_by_side(calls: Sequence[Callable[[], None]]) -> None:
    """Run all ``calls``, the first in this thread, as many at once as the budget allows.

    Returns when all have ended. Calls must not wait for each other, and must not call this.

    Raises:
        BaseException: the first error that one of them raised; no call begins after it, and those
            that had begun have ended.
    """
    _pool.run(calls)
