"""A plan on the device: its programs, and the arrays that they point into, in one buffer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simquay_cupy.encoding.programs import Launch, PlanPrograms
from simquay_cupy.graphs import MOST_LAUNCHES, PlanGraphs, ReplayRule

if TYPE_CHECKING:  # it imports CuPy
    from simquay_cupy.device.cuda import CudaDevice

__all__ = ["UploadedPlan"]

ALIGNMENT = 256
"""Bytes: the address of each array in the buffer is a multiple of this."""


class UploadedPlan:
    """Programs, and their arrays on the device, which are uploaded in one copy.

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
        arrays: tuple[NDArray[Any], ...] = (
            programs.words,
            programs.tables,
            programs.ints,
            programs.angles,
        )
        starts, size = [], 0
        for array in arrays:
            starts.append(size)
            size += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
        host = np.zeros(size, dtype=np.uint8)
        for start, array in zip(starts, arrays, strict=True):
            host[start : start + array.nbytes] = array.view(np.uint8)
        with on.active():
            self.buffer = on.upload(host)
            self.words, self.tables, self.ints, self.angles = (
                self.buffer[start : start + array.nbytes].view(array.dtype)
                for start, array in zip(starts, arrays, strict=True)
            )
        launches = [len(step) for step in programs.passes if isinstance(step, tuple)]
        short = len(launches) == len(programs.passes) and 1 < sum(launches) <= MOST_LAUNCHES
        self.graphs: PlanGraphs | None = PlanGraphs(on, rule) if short else None

    def launches(self) -> list[tuple[int, Launch]]:
        """All launches in order, with the numbers of their windows."""
        return [each for step in self.programs.passes if isinstance(step, tuple) for each in step]
