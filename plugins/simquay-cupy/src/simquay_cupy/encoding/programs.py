"""Programs of the tile interpreter, in constant memory, and the buffers that they point into.

cuda/opcodes.cuh describes a program. A pass of a plan becomes one program, or several where it
holds more than constant memory does; each program is one launch over the whole state.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import Precision, WidePass
from simquay_cupy.encoding.geometry import Geometry

__all__ = ["MAX_FORMS", "PROGRAM_BYTES", "Launch", "PlanPrograms", "ProgramBuffers", "Window"]

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
        start: of the program in its window, in units of 16 bytes.
        tiles: how many tiles a vector has.
        forms: angles in shared memory behind the tile.
        width: qubits that are stored afterwards.
        vector: in a sweep, the vector that it is for; None for all vectors of the state.
    """

    start: int
    tiles: int
    forms: int
    width: int
    vector: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Programs that are in constant memory at one time: words ``start`` to ``stop``."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class PlanPrograms:
    """A tiled plan for the GPU.

    Attributes:
        words: all programs, uint32.
        windows: parts of ``words``, each at most ``PROGRAM_BYTES``.
        passes: for each pass of the plan, its launches with the number of their window, or the
            wide pass, which the interpreter does not run.
        geometry: of the kernel that runs them.
        tables, ints, angles: arrays that programs point into, complex, int32, and uint32 or
            uint64; each has at least one entry.
    """

    geometry: Geometry
    words: NDArray[np.uint32]
    windows: tuple[Window, ...]
    passes: tuple[tuple[tuple[int, Launch], ...] | WidePass, ...]
    tables: NDArray[np.complexfloating[Any]]
    ints: NDArray[np.int32]
    angles: NDArray[np.unsignedinteger[Any]]


class ProgramBuffers:
    """Collects the programs of a plan, and the arrays that they point into."""

    def __init__(self, precision: Precision, geometry: Geometry) -> None:
        self.precision = precision
        self.geometry = geometry
        self.angle_bits = 32 if precision is Precision.SINGLE else 64
        self._tables: list[NDArray[np.complexfloating[Any]]] = []
        self._table_size = 0
        self._ints: list[int] = []
        self._angles: list[Angle] = []
        self._thread_tables: dict[tuple[tuple[int, float], ...], int] = {}
        self._factor_tables: dict[tuple[tuple[int, float], ...], int] = {}
        self._words: list[NDArray[np.uint32]] = []
        self._size = 0
        self._windows: list[Window] = []

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
        starts = [0]
        for form in forms:
            starts.append(starts[-1] + len(form))
        at = self.add_ints(starts)
        angles_at = len(self._angles)
        for form in forms:
            self._ints += [mask for mask, _ in form]
            self._angles += [angle for _, angle in form]
        return at, angles_at

    def add_thread_table(self, terms: tuple[tuple[int, float], ...]) -> int:
        """Add a table with the sum of ``terms`` for each thread; returns its start in ``angles``.

        A term is a mask on the thread's number and an angle in radians, which counts where the
        thread has all bits of the mask.
        """
        start = self._thread_tables.get(terms)
        if start is None:
            start = len(self._angles)
            self._thread_tables[terms] = start
            sums = [0]
            for bit in range(self.geometry.thread):
                # The upper half adds what needs this bit; a term is added at its highest bit.
                sums += sums
                half = 1 << bit
                for mask, radians in terms:
                    if mask.bit_length() == bit + 1:
                        angle = self.angle(radians)
                        rest = mask ^ half
                        for index in range(half):
                            if index & rest == rest:
                                sums[half | index] += angle
            base = sum(self.angle(radians) for mask, radians in terms if mask == 0)
            whole = (1 << self.angle_bits) - 1
            self._angles += [value + base & whole for value in sums]
        return start

    def add_factor_table(self, terms: tuple[tuple[int, float], ...]) -> int | None:
        """Add a table of exp(i angle) for each thread, with the angles of :meth:`add_thread_table`.

        Returns its start in ``tables``; None if there are too many such tables.
        """
        start = self._factor_tables.get(terms)
        if start is None and len(self._factor_tables) < MAX_FACTOR_TABLES:
            threads = np.arange(1 << self.geometry.thread)
            angles = np.zeros(len(threads))
            for mask, radians in terms:
                angles[threads & mask == mask] += radians
            start = self._factor_tables[terms] = self.add_table(np.exp(1j * angles))
        return start

    def add_program(self, words: NDArray[np.uint32]) -> tuple[int, int]:
        """Add a program, whose length is a multiple of 16 bytes; returns its window and its
        start."""
        size = len(words)
        last = self._windows[-1] if self._windows else None
        if last is None or 4 * (self._size + size - last.start) > PROGRAM_BYTES:
            last = Window(self._size, self._size)
            self._windows.append(last)
        start = self._size - last.start
        self._words.append(words)
        self._size += size
        self._windows[-1] = Window(last.start, self._size)
        return len(self._windows) - 1, start // 4

    def finish(self, passes: Sequence[tuple[tuple[int, Launch], ...] | WidePass]) -> PlanPrograms:
        """Everything, as arrays."""
        complex_dtype = self.precision.complex_dtype
        angle_dtype = np.uint32 if self.angle_bits == 32 else np.uint64
        empty = np.zeros(1, dtype=complex_dtype)
        return PlanPrograms(
            geometry=self.geometry,
            words=np.concatenate(self._words) if self._words else np.zeros(4, dtype=np.uint32),
            windows=tuple(self._windows),
            passes=tuple(passes),
            tables=np.concatenate(self._tables) if self._tables else empty,
            ints=np.array(self._ints or [0], dtype=np.int32),
            angles=np.array(self._angles or [0], dtype=angle_dtype),
        )
