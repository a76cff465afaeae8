"""The thread team of one run: its threads stay from pass to pass, and share the tiles of each.

To wake a thread takes as long as a small pass does, or longer where its CPU had fallen asleep. So
helpers are called once a run, before the first pass is assembled. Between passes they spin on a
counter, in a compiled loop without the interpreter's lock; after a millisecond or two they sleep
for a tenth of a millisecond between looks. A run of a few milliseconds cannot wait for the
scheduler to give each thread a CPU of its own either: see :mod:`simquay_numba.runtime.affinity`.

The tiles of a pass are dealt out in chunks, in order, to whoever asks next.

*Invariants:*

1. A chunk of a pass is handed out once, and only when the pass before is complete.
2. The run's own thread waits for chunks that helpers have taken, never for helpers to come. They
   may leave after any chunk.
3. Helpers wait for the run's own thread, which always goes on or ends.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import ComplexArray, Control, run_side_by_side, yield_to_others
from simquay_numba.assembly.assemble import TileProgram
from simquay_numba.buffers import address, aligned_bytes
from simquay_numba.kernels.run import STREAM
from simquay_numba.kernels.scalars import spin_until
from simquay_numba.kernels.vectors import LINE_BYTES, VECTOR_BYTES
from simquay_numba.runtime.affinity import current_cpu, excluded_from, pinned

__all__ = ["ThreadTeam"]

# Work is counted in amplitudes times stages (of a chunk: times instructions).

_CHUNK_WORK = 1 << 23
"""Work of a chunk at most: two or three milliseconds, after which a thread looks at its control."""

_SINGLE_THREAD_WORK = 1 << 23
"""Work up to which a run is over before a helper has come."""

_PINNED_WORK = 1 << 30
"""Work up to which a run does not wait for the scheduler to move its threads apart."""

_STREAMED_BYTES = 8 << 20
"""Bytes from which on a pass that enlarges a state writes past the caches. They hold little of such
a state until the next pass, and would first read each line that is written over."""

_SPIN_TURNS = 400
"""Turns of one call of ``spin_until``: a tenth of a millisecond or two."""

_SPINS_BEFORE_SLEEP = 8
"""Calls of ``spin_until`` in a row, after which a thread sleeps between calls."""

_SLEEP_SECONDS = 1e-4

_FIRST_TURNS = 3
"""Turns that a run's own thread yields its CPU for once helpers were called. A helper that was
woken on this CPU gets it, and moves to another one; otherwise it would wait for milliseconds."""

_LINE_WORDS = LINE_BYTES // 8
"""Int64 words of a cache line. Each thread's counter has a line of its own."""


_kept_buffers: deque[NDArray[np.uint8]] = deque(maxlen=16)
"""Tile buffers of earlier runs, for any thread; each fills half of a core's second-level cache. A
kept buffer has been written to, so the next run does not wait for its pages."""


def _tile_buffer(size: int, alignment: int) -> NDArray[np.uint8]:
    """A buffer of at least ``size`` bytes, whose address is a multiple of ``alignment``."""
    with suppress(IndexError):  # none is kept
        buffer = _kept_buffers.pop()
        if _serves(buffer, size, alignment):
            return buffer
    return aligned_bytes(size, alignment)


def _serves(buffer: NDArray[np.uint8] | None, size: int, alignment: int) -> bool:
    return buffer is not None and len(buffer) >= size and not address(buffer) % alignment


@dataclass(slots=True, eq=False)
class _RunningPass:
    """A pass that is under way.

    Attributes:
        program: of the pass.
        fresh: as in :func:`~simquay_numba.kernels.run.run_tiles`.
        tiles: of all vectors.
        chunk: tiles of a chunk; the last chunk may have fewer.
        starts: the first tile of each chunk that nobody has taken.
        control: of the pass.
    """

    program: TileProgram
    fresh: int
    tiles: int
    chunk: int
    starts: Iterator[int]
    control: Control


class ThreadTeam:
    """Up to ``threads`` threads for a run over ``vectors``.

    Args:
        vectors: shape ``(batch, 2**capacity)``.
        threads: the most threads; no more than a pass has tiles.
        run_tiles: the kernel :func:`~simquay_numba.kernels.run.run_tiles`, compiled for them.
        work: amplitudes times stages of all passes.
        lists: int64, shape ``(batch,)``: which list of a program's instructions each vector takes;
            None for the first.
    """

    def __init__(
        self,
        vectors: ComplexArray,
        threads: int,
        run_tiles: Callable[..., Any],
        work: int,
        lists: NDArray[np.int64] | None = None,
    ) -> None:
        self._vectors = vectors
        self._threads = threads = threads if work > _SINGLE_THREAD_WORK else 1
        self._pinned = threads > 1 and work <= _PINNED_WORK
        self._run_tiles = run_tiles
        self._lists = np.zeros(len(vectors), dtype=np.int64) if lists is None else lists
        # Word 0: passes that were announced. Then, in a line each: chunks that a thread has done.
        self._words = aligned_bytes(LINE_BYTES * (1 + threads), LINE_BYTES).view(np.int64)
        self._words[:] = 0
        self._announced = address(self._words)
        self._counts = self._announced + LINE_BYTES
        self._wanted = 0  # chunks of all passes so far
        self._passes = 0
        self._current: _RunningPass | None = None
        self._over = False
        self._failed = False
        self._cpu = -1
        self._buffers: list[NDArray[np.uint8] | None] = [None] * threads

    def run(self, passes: Callable[[], None]) -> None:
        """Call ``passes``, which calls :meth:`run_pass` for each pass, in this thread.

        Raises:
            BaseException: the first error of ``passes`` or of a helper.
        """
        self._cpu = current_cpu() if self._pinned else -1
        helpers = [partial(self._help, thread) for thread in range(1, self._threads)]
        try:
            run_side_by_side([partial(self._lead, passes), *helpers])
        finally:
            _kept_buffers.extend([buffer for buffer in self._buffers if buffer is not None])

    def run_pass(self, program: TileProgram, control: Control) -> bool:
        """Run a pass on all tiles of all vectors.

        Returns False if a helper failed: nothing else may be done then, and :meth:`run` raises the
        helper's error."""
        vectors = self._vectors
        tiles = vectors.shape[0] * len(program.trip.tile_offsets)
        tile_size = program.buffer_bytes // vectors.itemsize
        threads = max(1, min(self._threads, tiles))
        most = _CHUNK_WORK // (tile_size * (1 + program.lines))
        chunk = max(1, min(most, -(-tiles // (8 * threads))))
        fresh = int(program.fresh)
        written = tiles * tile_size * vectors.itemsize
        if fresh and written >= _STREAMED_BYTES and not address(vectors) % VECTOR_BYTES:
            fresh = STREAM
        current = _RunningPass(program, fresh, tiles, chunk, itertools.count(0, chunk), control)
        self._wanted += -(-tiles // chunk)
        self._current = current
        if tiles > chunk:
            self._passes += 1
        self._work(current, 0)
        return self._complete()

    def _lead(self, passes: Callable[[], None]) -> None:
        """The work of the run's own thread."""
        try:
            if self._pinned:
                with pinned() as self._cpu:
                    spin_until(self._announced, 1, 1, _FIRST_TURNS)
                    passes()
            else:
                passes()
        finally:
            self._over = True
            self._words[0] = self._passes + 1

    def _help(self, thread: int) -> None:
        """A helper's work. Where the run's own thread calls it, after all else, nothing is left."""
        succeeded = False
        try:
            with excluded_from(self._cpu):
                self._help_passes(thread)
            succeeded = True
        finally:
            self._failed |= not succeeded

    def _help_passes(self, thread: int) -> None:
        seen = spins = 0
        while not self._over:
            if spin_until(self._announced, 1, seen + 1, _SPIN_TURNS):
                seen, spins = int(self._words[0]), 0
                current = self._current
                if current is not None and not self._over and not self._work(current, thread):
                    return
                continue
            spins += 1
            if spins > _SPINS_BEFORE_SLEEP:
                time.sleep(_SLEEP_SECONDS)
            if yield_to_others():
                return

    def _work(self, current: _RunningPass, thread: int) -> bool:
        """Run chunks of a pass until none is left; False if this helper must leave."""
        program, vectors, tiles = current.program, self._vectors, current.tiles
        # The scratch follows the tile, whose blocks are whole vectors.
        size = program.buffer_bytes + program.scratch_bytes
        memory = self._buffers[thread]
        if memory is None or not _serves(memory, size, program.buffer_bytes):
            memory = self._buffers[thread] = _tile_buffer(size, program.buffer_bytes)
        buffer = address(memory)
        real_bytes = vectors.real.itemsize
        unit = vectors.real.dtype.type(0)
        # The run's own thread announces the pass from inside the kernel, without the interpreter's
        # lock: else helpers would stop at that lock right away.
        announced = self._announced if thread == 0 else 0
        own = _LINE_WORDS * (1 + thread)
        while not yield_to_others():
            first = next(current.starts)  # one bytecode into C: no two threads get the same
            if first >= tiles:
                return True
            current.control.check()
            last = min(first + current.chunk, tiles)
            # Threads that are equally fast take chunks by turns.
            following = last + current.chunk * (self._threads - 1)
            self._run_tiles(
                unit,
                program.code,
                program.lines,
                self._lists,
                address(vectors),
                *program.trip[:5],
                current.fresh,
                buffer,
                buffer + program.buffer_bytes,
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
            current.control.report(last / tiles)
        return False

    def _complete(self) -> bool:
        """Wait for the chunks that helpers have taken; False if one of them failed."""
        spins = 0
        while not spin_until(self._counts, self._threads, self._wanted, _SPIN_TURNS):
            if self._failed:
                return False
            spins += 1
            if spins > _SPINS_BEFORE_SLEEP:
                time.sleep(_SLEEP_SECONDS)
        return True
