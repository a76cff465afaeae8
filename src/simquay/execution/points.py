"""Points: one program at many sets of angles, as programs of a job."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from simquay.program import Program
from simquay.program.packing import pack_programs, unpack_programs

__all__ = ["Group", "Points", "pack", "unbound", "unpack"]

Group: TypeAlias = tuple[Program, NDArray[np.float64]]
"""A program, and the angles of its points: shape ``(points, num_angles)``."""

_NONE = np.zeros((1, 0))


class Points(Sequence[Program]):
    """Programs in order, many of which may be one program at several sets of angles.

    As a sequence it has a program for each point, which is made when it is asked for.

    Args:
        program: the program of all points.
        angles: finite, shape ``(points, program.num_angles)``.

    Attributes:
        groups: consecutive points, of one program each.
    """

    __slots__ = ("_ends", "groups")

    def __init__(self, program: Program, angles: NDArray[np.float64]) -> None:
        self._take([(program, angles)])

    @classmethod
    def joined(cls, lists: Iterable[Sequence[Program]]) -> Points:
        """The programs of several lists, which may be points, one list after the other."""
        groups: list[Group] = []
        for one in lists:
            groups += one.groups if isinstance(one, Points) else [(each, _NONE) for each in one]
        return cls.of(groups)

    @classmethod
    def of(cls, groups: Sequence[Group]) -> Points:
        """The points of ``groups``, in order."""
        made = cls.__new__(cls)
        made._take(groups)
        return made

    def _take(self, groups: Sequence[Group]) -> None:
        self.groups = groups
        self._ends = [*accumulate([len(angles) for _, angles in groups])]

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Program: ...
    @overload
    def __getitem__(self, index: slice) -> Points: ...
    def __getitem__(self, index: int | slice) -> Program | Points:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                raise ValueError("points are taken in order, one after the other")
            return self.part(start, max(stop - start, 0))
        number, place = self.place(range(len(self))[index])
        program, angles = self.groups[number]
        return program.at(angles[place])

    def place(self, index: int) -> tuple[int, int]:
        """The number of the group that a point is in, and its place there."""
        number = bisect_right(self._ends, index)
        return number, index - self._ends[number] + len(self.groups[number][1])

    def part(self, first: int, count: int) -> Points:
        """``count`` of the points, from ``first`` on; their angles are views."""
        groups = []
        start = 0
        for (program, angles), end in zip(self.groups, self._ends, strict=True):
            some = angles[max(first - start, 0) : max(first + count - start, 0)]
            if len(some):
                groups.append((program, some))
            start = end
        return Points.of(groups)


def pack(programs: Sequence[Program]) -> bytes:
    """Programs, which may be points, as bytes; see :mod:`simquay.program.packing`."""
    return pack_programs(programs.groups if isinstance(programs, Points) else programs)


def unpack(data: bytes) -> Sequence[Program]:
    """The programs that :func:`pack` packed.

    Raises:
        ProgramError: if the bytes are no such programs, or of another format version.
    """
    found = unpack_programs(data)
    return Points.joined([[one] if isinstance(one, Program) else Points(*one) for one in found])


def unbound(programs: Sequence[Program]) -> Sequence[Program]:
    """For each program one with the same operations, whose angles may not be given."""
    if not isinstance(programs, Points):
        return programs
    return [program for program, angles in programs.groups for _ in range(len(angles))]
