"""Short plans applied again and again: all their launches as one, where that is faster.

Queueing a launch from Python takes some microseconds, and on a small state the launch itself takes
no longer. A recording of all launches of a plan (on CUDA, a graph) is queued by one call. Whether
that is faster is measured on the first applications, for each plan.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from time import perf_counter
from typing import Any, Literal

from simquay_cupy.device.protocol import Device

__all__ = ["MOST_AMPLITUDES", "MOST_LAUNCHES", "ReplayRule", "Replays", "Where"]

ReplayRule = Literal["measured", "always", "never"]
"""When to replay; other than ``measured`` is for benchmarks and tests."""

MOST_AMPLITUDES = 1 << 19
"""Of all vectors of a state together: 19 qubits. Larger ones keep the device busy anyway."""

MOST_LAUNCHES = 256
"""Of one recording. Between a replay's launches nobody looks whether the run was cancelled."""

TRIALS = 3
"""How often each way is timed. The shortest time counts: others may use the device as well."""

RECORDINGS_KEPT = 2
"""Of one plan, for different states."""

Where = tuple[int, int, int]
"""What a recording holds for: the address of a state, its batch and its stride."""


class Replays:
    """The recordings of one plan, and whether they are used. Any thread may call :meth:`run`.

    Args:
        on: the device.
        rule: when to replay.
    """

    def __init__(self, on: Device, rule: ReplayRule) -> None:
        self._on = on
        self._lock = threading.Lock()
        self._last: Where | None = None
        self._recordings: OrderedDict[Where, Any] = OrderedDict()
        self._times: dict[bool, list[float]] = {False: [], True: []}
        self.faster: bool | None = {"measured": None, "always": True, "never": False}[rule]
        """Whether a replay is faster; None until that is known."""

    def run(self, where: Where, queue: Callable[[], None], launches: Callable[[], None]) -> bool:
        """Queue the plan's work for the state at ``where``; returns whether as a replay.

        ``queue()`` queues it launch by launch. ``launches()`` does, too, and nothing else, so that
        it can be recorded. A state is recorded when it comes twice in a row: not for one
        application alone, nor for each of many states.
        """
        with self._lock:
            again = where == self._last
            self._last = where
        if self.faster is False or not (again or where in self._recordings):
            queue()
            return False
        recording = self._recordings.get(where)
        timed = self.faster is None and recording is not None
        if timed and len(self._times[True]) >= len(self._times[False]):
            self._timed(False, queue)
            return False
        if recording is None:
            recording = self._record(where, launches)
            if recording is None:  # the device cannot
                queue()
                return False
        if timed:
            self._timed(True, lambda: self._on.replay(recording))
        else:
            self._on.replay(recording)
        return True

    def _record(self, where: Where, launches: Callable[[], None]) -> Any:
        recording = self._on.record(launches)
        with self._lock:
            if recording is None:
                self.faster = False
            else:
                self._recordings[where] = recording
                while len(self._recordings) > RECORDINGS_KEPT:
                    self._recordings.popitem(last=False)
        return recording

    def _timed(self, replayed: bool, work: Callable[[], None]) -> None:
        """Do ``work`` on an idle device, and note how long that takes until all is done."""
        self._on.wait(self._on.mark())
        started = perf_counter()
        work()
        self._on.wait(self._on.mark())
        seconds = perf_counter() - started
        with self._lock:
            times = self._times
            times[replayed].append(seconds)
            if self.faster is None and min(map(len, times.values())) >= TRIALS:
                self.faster = min(times[True]) < min(times[False])
                if not self.faster:
                    self._recordings.clear()
