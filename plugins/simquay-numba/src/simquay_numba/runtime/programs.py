"""A cache of assembled passes, by plan: branches and repeated runs apply the same plan again.

Plans with other numbers, as those of a sweep, have passes of the same structure: what is assembled
of these is kept too, without numbers.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from simquay.engine_api import Plan, Precision, TilePass, after_fork
from simquay_numba.assembly.assemble import Assembly, TileProgram, assemble

__all__ = ["ProgramCache"]


_Made = TypeVar("_Made", Assembly, TileProgram)


class _Entry(NamedTuple):
    owner: object  # kept alive, so that no other object gets its id
    made: dict[tuple[int, bool], Any]
    work: dict[int, int]


_LARGE = 1 << 22
"""Amplitudes, of all vectors that it has been applied to, from which on a pass is assembled so that
flips move no blocks: this then saves more time than it takes."""


class ProgramCache:
    """The programs of the plans that were applied last, and the assemblies of their passes'
    structures. Any thread may call any method.

    Args:
        entries: the most plans and structures to keep.
        size: the most bytes of programs and assemblies to keep; those of the last plan are kept in
            any case.
    """

    def __init__(self, entries: int = 128, size: int = 16 << 20) -> None:
        self._most_entries = entries
        self._most_bytes = size
        self._entries: OrderedDict[tuple[int, Precision], _Entry] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        after_fork(self._renew_lock)

    def program(
        self, plan: Plan, number: int, pass_: TilePass, precision: Precision, batch: int = 1
    ) -> TileProgram:
        """The program of ``plan.passes[number]``, which is ``pass_``, for so many vectors;
        assembled if it is new."""
        work = batch << pass_.width
        make = partial(self._program, pass_, precision, work)
        return self._kept(plan, number, precision, work, make)

    def program_of_sweep(
        self, pass_: TilePass, precision: Precision, batch: int, lists: int
    ) -> TileProgram:
        """The program, for so many vectors, of a pass whose arrays have the numbers of so many gate
        lists."""
        return self._program(pass_, precision, batch << pass_.width, False, lists)

    def _program(
        self, pass_: TilePass, precision: Precision, work: int, large: bool, lists: int = 1
    ) -> TileProgram:
        make = partial(assemble, pass_, precision)
        if pass_.structure is None:
            return make(large).program(pass_, lists)
        made = self._kept(pass_.structure, 0, precision, _LARGE if large else work, make)
        return made.program(pass_, lists)

    def _kept(
        self,
        owner: object,
        number: int,
        precision: Precision,
        work: int,
        make: Callable[[bool], _Made],
    ) -> _Made:
        """The result of ``make``, which is kept as one of its ``owner``; for ``work`` amplitudes.

        It is made anew once when the work so far is large.
        """
        key = (id(owner), precision)
        with self._lock:
            entry = self._entries.setdefault(key, _Entry(owner, {}, {}))
            self._entries.move_to_end(key)
            entry.work[number] = entry.work.get(number, 0) + work
            large = entry.work[number] >= _LARGE
            found: _Made | None = entry.made.get((number, large))
            if found is not None:
                return found
        # Outside of the lock: two threads may assemble the same pass, and the first one is kept.
        made = make(large)
        with self._lock:
            entry = self._entries.setdefault(key, _Entry(owner, {}, {}))
            if (number, large) not in entry.made:
                entry.made[number, large] = made
                self._bytes += made.size
            while len(self._entries) > 1 and (
                len(self._entries) > self._most_entries or self._bytes > self._most_bytes
            ):
                oldest = next(iter(self._entries))
                if oldest == key:
                    break
                self._bytes -= sum(old.size for old in self._entries.pop(oldest).made.values())
        return made

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()  # another thread of the parent may have held it
