"""The threads of one run: they stay from pass to pass, and share out the tiles of each.

To call a thread takes as long as a small pass does, or longer where its CPU had fallen asleep. So
helpers are called once a run, before the first pass is assembled, and between passes they look for
the next one in a loop that needs no lock of the interpreter; for a moment only, and then from time
to time. A run of a few milliseconds cannot wait for the scheduler to give each thread a CPU of its
own either (:mod:`simquay_numba.runtime.affinity`).

*Invariants:* a portion of a pass is handed out once, and only when the pass before is complete. The
run's own thread waits for portions that helpers have taken, never for helpers to come; they may
leave after any portion. Helpers wait for the run's own thread, which always goes on or ends.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.numpy.state import ComplexArray
from simquay.engines.threads import run_side_by_side, yield_to_others
from simquay_numba.assembly.assemble import TileProgram
from simquay_numba.kernels.run import STREAM
from simquay_numba.kernels.spin import arrived
from simquay_numba.kernels.vectors import LINE_BYTES, VECTOR_BYTES
from simquay_numba.runtime.affinity import away_from, current_cpu, staying
from simquay_numba.runtime.buffers import address, aligned_bytes

__all__ = ["Crew"]

_PORTION = 1 << 23
"""Amplitudes times instructions that a thread works on between two looks at the control: two or
three milliseconds."""

_STREAMED = 8 << 20
"""Bytes from which on a pass that enlarges a state writes past the caches: these hold little of it
until the next pass, and otherwise would first read what is written over."""

_TURNS = 400
"""Turns of waiting in a row: a tenth of a millisecond or two."""

_PATIENCE = 8
"""So many times ``_TURNS`` turns, before a thread that waits begins to nap."""

_ALONE = 1 << 23
"""Amplitudes times stages up to which a run is over before a helper has come."""

_SHORT = 1 << 30
"""Amplitudes times stages up to which a run does not wait for the scheduler to part its threads."""

_COURTESY = 3
"""Turns of waiting after helpers were called. One that was woken on this CPU gets it, and leaves
for another; it would wait for milliseconds else."""

_NAP = 1e-4

_LINE = LINE_BYTES // 8
"""Words of a cache line: each thread's counter has one of its own."""


class _Buffers:
    """Memory of threads, kept from run to run. Any thread may call any method.

    Buffers of a size have been written to, so the next run need not wait for their pages.
    """

    def __init__(self, most: int) -> None:
        self._kept: deque[NDArray[np.uint8]] = deque(maxlen=most)

    def take(self, size: int) -> NDArray[np.uint8]:
        """A piece of at least ``size`` bytes."""
        try:
            piece = self._kept.pop()
        except IndexError:
            return aligned_bytes(size)
        return piece if len(piece) >= size else aligned_bytes(size)

    def give(self, piece: NDArray[np.uint8]) -> None:
        """Take a piece back; more than the most are forgotten."""
        self._kept.append(piece)


_buffers = _Buffers(16)
"""The tiles' buffers: half of a core's second-level cache each."""


@dataclass(slots=True, eq=False)
class _Stretch:
    """A pass that is under way."""

    program: TileProgram
    fresh: int
    tiles: int
    portion: int
    starts: Iterator[int]
    control: Control


class Crew:
    """Up to ``threads`` threads for a run over ``vectors``.

    Args:
        vectors: shape ``(batch, 2**capacity)``.
        threads: as many as there is ever work for.
        run_tiles: the executor, compiled for such vectors.
        work: amplitudes times stages of all passes.
    """

    def __init__(
        self, vectors: ComplexArray, threads: int, run_tiles: Callable[..., Any], work: int
    ) -> None:
        self._vectors = vectors
        self._threads = threads = threads if work > _ALONE else 1
        self._parted = threads > 1 and work <= _SHORT
        self._run_tiles = run_tiles
        # Word 0: how many passes were announced. Then, a line each: portions a thread has done.
        self._words = aligned_bytes(LINE_BYTES * (1 + threads), LINE_BYTES).view(np.int64)
        self._words[:] = 0
        self._announced = address(self._words)
        self._counts = self._announced + LINE_BYTES
        self._wanted = 0
        self._passes = 0
        self._stretch: _Stretch | None = None
        self._over = False
        self._failed = False
        self._cpu = -1
        self._buffers: list[NDArray[np.uint8] | None] = [None] * threads
        self._scratch: list[NDArray[np.uint8] | None] = [None] * threads

    def run(self, passes: Callable[[], None]) -> None:
        """Call ``passes``, which calls :meth:`share_out` for each pass, in this thread.

        Raises:
            BaseException: the first error of ``passes`` or of a helper.
        """
        self._cpu = current_cpu() if self._parted else -1
        helpers = [partial(self._follow, thread) for thread in range(1, self._threads)]
        try:
            run_side_by_side([partial(self._lead, passes), *helpers])
        finally:
            for piece in self._buffers:
                if piece is not None:
                    _buffers.give(piece)

    def share_out(self, program: TileProgram, control: Control) -> bool:
        """Run a pass on all tiles of all vectors; False if a helper failed, and nothing else may be
        done then: :meth:`run` raises its error."""
        vectors = self._vectors
        tiles = vectors.shape[0] * len(program.tile_offsets)
        tile_size = program.buffer_bytes // vectors.itemsize
        threads = max(1, min(self._threads, tiles))
        most = _PORTION // (tile_size * (1 + len(program.code)))
        portion = max(1, min(most, -(-tiles // (8 * threads))))
        fresh = int(program.fresh)
        written = tiles * tile_size * vectors.itemsize
        if fresh and written >= _STREAMED and not address(vectors) % VECTOR_BYTES:
            fresh = STREAM
        stretch = _Stretch(program, fresh, tiles, portion, itertools.count(0, portion), control)
        self._wanted += -(-tiles // portion)
        self._stretch = stretch
        if tiles > portion:
            self._passes += 1
        self._work(stretch, 0)
        return self._complete()

    def _lead(self, passes: Callable[[], None]) -> None:
        """The run's own thread."""
        try:
            if self._parted:
                with staying() as self._cpu:
                    arrived(self._announced, 1, 1, _COURTESY)
                    passes()
            else:
                passes()
        finally:
            self._over = True
            self._words[0] = self._passes + 1

    def _follow(self, thread: int) -> None:
        """A helper's part of the run; in the run's own thread, which comes last, there is none."""
        well = False
        try:
            with away_from(self._cpu):
                self._follow_passes(thread)
            well = True
        finally:
            self._failed |= not well

    def _follow_passes(self, thread: int) -> None:
        seen = patience = 0
        while not self._over:
            if arrived(self._announced, 1, seen + 1, _TURNS):
                seen, patience = int(self._words[0]), 0
                stretch = self._stretch
                if stretch is not None and not self._over and not self._work(stretch, thread):
                    return
                continue
            patience += 1
            if patience > _PATIENCE:
                time.sleep(_NAP)
            if yield_to_others():
                return

    def _work(self, stretch: _Stretch, thread: int) -> bool:
        """Take portions of a pass until none is left; False if this helper must leave."""
        program, vectors, tiles = stretch.program, self._vectors, stretch.tiles
        buffer = self._piece(self._buffers, thread, program.buffer_bytes, _buffers.take)
        scratch = self._piece(self._scratch, thread, program.scratch_bytes, aligned_bytes)
        real_bytes = vectors.real.itemsize
        unit = vectors.real.dtype.type(0)
        # The run's own thread announces the pass from inside the kernel, without the interpreter's
        # lock: else helpers would stop at that lock right away.
        announced = self._announced if thread == 0 else 0
        own = _LINE * (1 + thread)
        while not yield_to_others():
            first = next(stretch.starts)  # one bytecode into C: no two threads get the same
            if first >= tiles:
                return True
            stretch.control.check()
            last = min(first + stretch.portion, tiles)
            # Threads that keep step take portions by turns.
            following = last + stretch.portion * (self._threads - 1)
            self._run_tiles(
                unit,
                program.code,
                address(vectors),
                program.tile_offsets,
                program.load_from,
                program.load_to,
                program.load_few,
                program.store_to,
                stretch.fresh,
                buffer,
                scratch,
                first,
                last,
                following if following < tiles else -1,
                vectors.shape[1] * vectors.itemsize,
                real_bytes,
                announced,
                self._passes,
            )
            announced = 0
            self._words[own] += 1
            stretch.control.report(last / tiles)
        return False

    def _complete(self) -> bool:
        """Wait for the portions that helpers have taken; False if one of them failed."""
        patience = 0
        while not arrived(self._counts, self._threads, self._wanted, _TURNS):
            if self._failed:
                return False
            patience += 1
            if patience > _PATIENCE:
                time.sleep(_NAP)
        return True

    def _piece(
        self,
        pieces: list[NDArray[np.uint8] | None],
        thread: int,
        size: int,
        make: Callable[[int], NDArray[np.uint8]],
    ) -> int:
        """The address of a piece of at least ``size`` bytes, which is the thread's own."""
        piece = pieces[thread]
        if piece is None or len(piece) < size:
            piece = pieces[thread] = make(size)
        return address(piece)
