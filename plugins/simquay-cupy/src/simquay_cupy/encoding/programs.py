"""Programs of the tile interpreter, in constant memory, and the buffers that they point into.

cuda/opcodes.cuh describes a program. A pass of a plan becomes one program, or several where it
holds more than constant memory does; each program is one launch over the whole state.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from simquay.engine_api import Precision, WidePass
from simquay_cupy.encoding.geometry import Geometry

__all__ = ["MAX_FORMS", "PROGRAM_BYTES", "Launch", "PlanPrograms", "ProgramBuffers"]

PROGRAM_BYTES = 61440
"""Constant memory for programs, as QS_PROGRAM_BYTES in cuda/platform.cuh."""

MAX_FORMS = 1024
"""Forms of one program: they and a tile must fit 48 KiB of shared memory."""

MAX_FACTOR_TABLES = 1024
"""Factor tables of a plan; each takes 2 KiB."""

Angle = int
"""An angle in fixed point: 2**32 (single) or 2**64 (double precision) is a whole turn."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch of the tile interpreter.

    Attributes:
        window: the number of its program's window.
        start: of the program in its window, in units of 16 bytes.
        tiles: how many tiles a vector has.
        forms: angles in shared memory behind the tile.
        vector: in a sweep, the vector that it is for; None for all vectors of the state.
    """

    window: int
    start: int
    tiles: int
    forms: int
    vector: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PlanPrograms:
    """A tiled plan for the GPU.

    Attributes:
        words: all programs, uint32.
        windows: parts of ``words`` that are in constant memory at one time, each at most
            ``PROGRAM_BYTES``.
        passes: for each pass of the plan, its launches, or the wide pass, which the interpreter
            does not run.
        geometry: of the kernel that runs them.
        tables, ints, angles: arrays that programs point into, complex, int32, and uint32 or
            uint64; each has at least one entry.
    """

    geometry: Geometry
    words: NDArray[np.uint32]
    windows: tuple[slice, ...]
    passes: tuple[tuple[Launch, ...] | WidePass, ...]
    tables: NDArray[np.complexfloating[Any]]
    ints: NDArray[np.int32]
    angles: NDArray[np.unsignedinteger[Any]]


class ProgramBuffers:
    """Collects the programs of a plan, and the arrays that they point into."""

    def __init__(self, precision: Precision, geometry: Geometry) -> None:
        self.precision = precision
        self.geometry = geometry
        self.angle_bits = 32 if precision is Precision.SINGLE else 64
        self.angle_dtype = np.dtype(f"u{self.angle_bits // 8}")
        self._tables: list[NDArray[np.complexfloating[Any]]] = []
        self._table_size = 0
        self._ints: list[int] = []
        self._angles: list[Angle] = []
        self._thread_tables: dict[tuple[tuple[int, float], ...], int] = {}
        self._factor_tables: dict[tuple[tuple[int, float], ...], int] = {}
        self._words: list[NDArray[np.uint32]] = []
        self._size = 0
        self._windows: list[slice] = []

    def angle(self, radians: float) -> Angle:
        """``radians`` in fixed point."""
        turns = radians / math.tau
        return round((turns - math.floor(turns)) * 2.0**self.angle_bits) % (1 << self.angle_bits)

    def add_table(self, table: NDArray[np.complexfloating[Any]]) -> int:
        """Add ``table``; returns its start in ``tables``, in complex numbers."""
        start = self._table_size
        self._tables.append(table.astype(self.precision.complex_dtype).ravel())
        self._table_size += table.size
        return start

    def add_ints(self, values: Sequence[int]) -> int:
        """Add ``values``; returns their start in ``ints``."""
        start = len(self._ints)
        self._ints += values
        return start

    def add_forms(self, forms: Sequence[tuple[tuple[int, Angle], ...]]) -> tuple[int, int]:
        """Add ``forms``, each a sequence of (mask on the tile number, angle).

        Returns the start of their starts and masks in ``ints``, and of their angles in ``angles``.
        """
        starts = accumulate(map(len, forms), initial=0)
        at = self.add_ints([*starts, *(mask for form in forms for mask, _ in form)])
        angles_at = len(self._angles)
        self._angles += [angle for form in forms for _, angle in form]
        return at, angles_at

    def add_thread_table(self, terms: tuple[tuple[int, float], ...]) -> int:
        """Add a table with the sum of ``terms`` for each thread; returns its start in ``angles``.

        A term is a mask on the thread's number and an angle in radians, which counts where the
        thread has all bits of the mask.
        """
        start = self._thread_tables.get(terms)
        if start is None:
            start = self._thread_tables[terms] = len(self._angles)
            fixed = [(mask, self.angle(radians)) for mask, radians in terms]
            self._angles += self._thread_sums(fixed, self.angle_dtype).tolist()
        return start

    def _thread_sums(
        self, terms: Sequence[tuple[int, float]], dtype: DTypeLike
    ) -> NDArray[np.number[Any]]:
        """For each thread, the sum of the terms' numbers whose mask's bits the thread has all."""
        threads = np.arange(1 << self.geometry.thread)
        sums = np.zeros(len(threads), dtype=dtype)
        for mask, number in terms:
            sums[threads & mask == mask] += sums.dtype.type(number)
        return sums

    def add_factor_table(self, terms: tuple[tuple[int, float], ...]) -> int | None:
        """Add a table of exp(i angle) for each thread, with the angles of :meth:`add_thread_table`.

        Returns its start in ``tables``; None if there are too many such tables.
        """
        start = self._factor_tables.get(terms)
        if start is None and len(self._factor_tables) < MAX_FACTOR_TABLES:
            factors = np.exp(1j * self._thread_sums(terms, np.float64))
            start = self._factor_tables[terms] = self.add_table(factors)
        return start

    def add_program(self, words: NDArray[np.uint32]) -> tuple[int, int]:
        """Add a program, whose length is a multiple of 16 bytes; returns its window and its
        start."""
        size = len(words)
        at = self._size
        if not self._windows or 4 * (at + size - self._windows[-1].start) > PROGRAM_BYTES:
            self._windows.append(slice(at, at))
        begin = self._windows[-1].start
        self._words.append(words)
        self._size += size
        self._windows[-1] = slice(begin, self._size)
        return len(self._windows) - 1, (at - begin) // 4

    def finish(self, passes: Sequence[tuple[Launch, ...] | WidePass]) -> PlanPrograms:
        """Everything, as arrays."""
        empty = np.zeros(1, dtype=self.precision.complex_dtype)
        return PlanPrograms(
            geometry=self.geometry,
            words=np.concatenate(self._words) if self._words else np.zeros(4, dtype=np.uint32),
            windows=tuple(self._windows),
            passes=tuple(passes),
            tables=np.concatenate(self._tables) if self._tables else empty,
            ints=np.array(self._ints or [0], dtype=np.int32),
            angles=np.array(self._angles or [0], dtype=self.angle_dtype),
        )
