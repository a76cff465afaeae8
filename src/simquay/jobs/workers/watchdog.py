"""A worker process watches the run that its main thread does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from simquay.jobs.external.watch import Ended, ForeignRun
from simquay.jobs.timing import FIRST_LOOK, HEARTBEAT_INTERVAL, TICK

__all__ = ["Watchdog"]


class Watchdog:
    """A thread that checks, during a run, whether the run is still wanted, and reports its status.

    It also reports heartbeats: where they stay away, foreign code keeps the interpreter's lock.

    ``with watchdog:`` surrounds the work for one request. In it, :meth:`attempt` does each run, in
    the thread that calls it. A run that is over before the first look is never disturbed.

    Invariant: the status of a run is reported before its ``with`` block ends, or not at all; so the
    message that ends a run is its last message.

    Args:
        wanted: whether anybody waits for the run.
        report: called with each new status, and with None as a heartbeat; raises ``OSError`` where
            nobody waits any more.
        leave: ends the process; called with an exit code.
    """

    def __init__(
        self,
        wanted: Callable[[], bool],
        report: Callable[[Any], object],
        leave: Callable[[int], object],
    ) -> None:
        self._wanted = wanted
        self._report = report
        self._leave = leave
        self._next_beat = 0.0
        self._lock = threading.Lock()
        self._working = threading.Event()
        self._run: ForeignRun | None = None
        threading.Thread(target=self._loop, name="simquay-watch", daemon=True).start()

    def __enter__(self) -> None:
        self._working.set()

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._working.clear()
            self._run = None

    def attempt(self, start: Callable[[], Any]) -> Ended:
        """Do one run, in this thread.

        Raises:
            Cancelled: the backend cancelled the job by itself.
        """
        run = ForeignRun(start, self._report)
        with self._lock:
            self._run = run
        run.do()
        with self._lock:
            self._run = None
        return run.ended()

    def _loop(self) -> None:
        """Run the thread. It sleeps without a limit only while there is nothing to watch."""
        while self._working.wait():
            time.sleep(FIRST_LOOK)
            while self._look():
                time.sleep(TICK)

    def _look(self) -> bool:
        """Look once; returns whether there is more to watch."""
        with self._lock:
            if not self._working.is_set():
                return False
            try:
                if not self._wanted():
                    self._leave(0)
                now = time.monotonic()
                if now >= self._next_beat:
                    self._next_beat = now + HEARTBEAT_INTERVAL
                    self._report(None)
                if self._run is not None:
                    self._run.poll()
            except OSError:
                self._leave(0)
            return True
