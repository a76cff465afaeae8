"""How a worker process watches the run that its main thread does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from simquay.jobs.external.watch import FIRST_LOOK, TICK, Ended, ForeignRun, StatusTeller
from simquay.jobs.workers.channel import ChannelClosed

__all__ = ["ALIVE", "Watch"]

ALIVE = 0.1
"""Seconds between two signs of life, about."""


class Watch:
    """A thread that looks, while a run is on, whether it is still wanted, and tells its status.

    It also gives signs of life: where they stay away, foreign code keeps the interpreter's lock.

    ``with watch:`` surrounds the work for one request; the runs in it are done by :meth:`attempt`,
    in the thread that calls it. A run that is over before the first look is never disturbed.

    Invariant: the status of a run is told before its ``with`` block ends, or not at all; so the
    message that ends a run is the last one of it.

    Args:
        check: raises ``ChannelClosed`` when nobody waits for the run any more.
        report: told the status when it is another one; may raise ``ChannelClosed``.
        leave: ends the process; called with an exit code.
        alive: the sign of life; may raise ``ChannelClosed``.
    """

    def __init__(
        self,
        check: Callable[[], object],
        report: Callable[[Any], object],
        leave: Callable[[int], object],
        alive: Callable[[], object],
    ) -> None:
        self._check = check
        self._report = report
        self._leave = leave
        self._alive = alive
        self._next_sign = 0.0
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._on = False
        self._teller: StatusTeller | None = None
        threading.Thread(target=self._live, name="simquay-watch", daemon=True).start()

    def __enter__(self) -> None:
        with self._lock:
            self._on = True
            self._wanted.set()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._on = False
            self._teller = None

    def attempt(self, start: Callable[[], Any]) -> Ended:
        """Do one run, in this thread.

        Raises:
            Cancelled: the backend cancelled the job by itself.
        """
        run = ForeignRun(start)
        with self._lock:
            self._teller = StatusTeller(run, self._report, grace=0.0)
        run.do()
        with self._lock:
            self._teller = None
        return run.ended()

    def _live(self) -> None:
        """The life of the thread. It sleeps without end only while there is nothing to watch."""
        while True:
            self._wanted.wait()
            time.sleep(FIRST_LOOK)
            while self._look():
                time.sleep(TICK)

    def _look(self) -> bool:
        """Look once; returns whether there is more to watch."""
        with self._lock:
            if not self._on:
                self._wanted.clear()
                return False
            try:
                self._check()
                now = time.monotonic()
                if now >= self._next_sign:
                    self._next_sign = now + ALIVE
                    self._alive()
                if self._teller is not None:
                    self._teller.look()
            except ChannelClosed:
                self._leave(0)
            return True
