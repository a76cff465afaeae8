"""A plan on the device: its programs in one buffer, and its CUDA graphs where they are faster.

Queueing a launch from Python takes some microseconds, and on a small state the launch itself takes
no longer. A graph has all launches of a short plan, and one call queues it. Whether that is faster
is measured for each plan, on its first applications.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from simquay_cupy.encoding.programs import Launch, PlanPrograms

if TYPE_CHECKING:  # it imports CuPy
    from simquay_cupy.device.cuda import CudaDevice

__all__ = ["MOST_AMPLITUDES", "PlanGraphs", "ReplayRule", "UploadedPlan"]

ALIGNMENT = 256
"""Bytes: the address of each array in a plan's buffer is a multiple of this."""

ReplayRule = Literal["measured", "always", "never"]
"""When a plan's graph is replayed: where it was measured to be faster, or, for benchmarks and
tests, always or never."""

MOST_AMPLITUDES = 1 << 23
"""Amplitudes, of all vectors, of the largest state that graphs are made for: 23 qubits. Launches on
a larger state take longer than queueing them: 30 µs and more, by the memory's rate."""

MOST_LAUNCHES = 256
"""Launches of the largest graph. A run cannot be cancelled between the launches of a graph."""

TRIALS = 3
"""How often each way is timed. The shortest time counts: other processes may use the device."""

GRAPHS_KEPT = 2
"""Graphs of one plan, for different states, that are kept."""

GraphKey = tuple[int, int, int]
"""The state that a graph is for: its address, its batch and its stride."""


class PlanGraphs:
    """The graphs of one plan, and whether they are used. Any thread may call :meth:`run`.

    Args:
        on: the device.
        rule: when a graph is replayed.
    """

    def __init__(self, on: CudaDevice, rule: ReplayRule) -> None:
        self._on = on
        self._lock = threading.Lock()
        self._last: GraphKey | None = None
        self._graphs: OrderedDict[GraphKey, Any] = OrderedDict()
        self._times: dict[bool, list[float]] = {False: [], True: []}
        self.faster: bool | None = {"measured": None, "always": True, "never": False}[rule]
        """Whether a graph is faster; None until that is known."""

    def run(self, key: GraphKey, queue: Callable[[], None], launches: Callable[[], None]) -> bool:
        """Queue the plan's work for the state ``key``; returns whether as a graph.

        ``queue()`` queues it launch by launch. ``launches()`` does the same and nothing else, so
        that it can be captured. A graph is made when a state comes twice in a row: a single
        application, or one for each of many states, is not worth it.
        """
        with self._lock:
            again = key == self._last
            self._last = key
        if self.faster is False or not (again or key in self._graphs):
            queue()
            return False
        graph = self._graphs.get(key)
        timed = self.faster is None and graph is not None
        if timed and len(self._times[True]) >= len(self._times[False]):
            self._timed(False, queue)
            return False
        if graph is None:
            graph = self._capture(key, launches)
            if graph is None:  # the device cannot
                queue()
                return False
        if timed:
            self._timed(True, lambda: self._on.replay(graph))
        else:
            self._on.replay(graph)
        return True

    def _capture(self, key: GraphKey, launches: Callable[[], None]) -> Any:
        graph = self._on.capture(launches)
        with self._lock:
            if graph is None:
                self.faster = False
            else:
                self._graphs[key] = graph
                while len(self._graphs) > GRAPHS_KEPT:
                    self._graphs.popitem(last=False)
        return graph

    def _timed(self, replayed: bool, work: Callable[[], None]) -> None:
        """Do ``work`` on an idle device, and note how long that takes until all is done."""
        self._on.wait(self._on.mark())
        seconds = self._on.timed(work)
        with self._lock:
            times = self._times
            times[replayed].append(seconds)
            if self.faster is None and min(map(len, times.values())) >= TRIALS:
                self.faster = min(times[True]) < min(times[False])
                if not self.faster:
                    self._graphs.clear()


class UploadedPlan:
    """Programs, and the arrays that they point into, on the device; they are uploaded in one copy.

    Attributes:
        programs: what was uploaded.
        words, tables, ints, angles: views of the buffer; see
            :class:`simquay_cupy.encoding.programs.PlanPrograms`.
        graphs: of the launches; None where a graph does not pay: a single launch, very many, or a
            pass that the tile interpreter does not run.
    """

    __slots__ = ("angles", "buffer", "graphs", "ints", "programs", "tables", "words")

    def __init__(self, on: CudaDevice, programs: PlanPrograms, rule: ReplayRule) -> None:
        self.programs = programs
        arrays = (programs.words, programs.tables, programs.ints, programs.angles)
        sizes = [-(-array.nbytes // ALIGNMENT) * ALIGNMENT for array in arrays]
        starts = accumulate([0, *sizes[:-1]])
        parts = [(slice(at, at + one.nbytes), one) for at, one in zip(starts, arrays, strict=True)]
        host = np.zeros(sum(sizes), dtype=np.uint8)
        for place, array in parts:
            host[place] = array.view(np.uint8)
        with on.active():
            self.buffer = on.upload(host)
            self.words, self.tables, self.ints, self.angles = (
                self.buffer[place].view(array.dtype) for place, array in parts
            )
        wide = not all(isinstance(step, tuple) for step in programs.passes)
        short = not wide and 1 < len(self.launches()) <= MOST_LAUNCHES
        self.graphs: PlanGraphs | None = PlanGraphs(on, rule) if short else None

    def launches(self) -> list[Launch]:
        """All launches in order."""
        return [each for step in self.programs.passes if isinstance(step, tuple) for each in step]
