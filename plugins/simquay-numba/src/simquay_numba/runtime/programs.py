"""A cache of assembled passes, by plan: branches and repeated runs apply the same plan again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

from simquay.engine_api import Plan, Precision, TilePass, after_fork
from simquay_numba.assembly.assemble import TileProgram, assemble

__all__ = ["ProgramCache"]


class _Entry(NamedTuple):
    plan: Plan  # kept alive, so that no other plan gets its id
    passes: dict[int, TileProgram]


class ProgramCache:
    """The programs of the plans that were applied last. Any thread may call any method.

    Args:
        plans: the most plans to keep.
        size: the most bytes of programs to keep; those of the last plan are kept in any case.
    """

    def __init__(self, plans: int = 64, size: int = 16 << 20) -> None:
        self._most_plans = plans
        self._most_bytes = size
        self._entries: OrderedDict[tuple[int, Precision], _Entry] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        after_fork(self._renew_lock)

    def program(
        self, plan: Plan, number: int, pass_: TilePass, precision: Precision
    ) -> TileProgram:
        """The program of ``plan.passes[number]``, which is ``pass_``; assembled if it is new."""
        key = (id(plan), precision)
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
                program = entry.passes.get(number)
                if program is not None:
                    return program
        # Outside of the lock: two threads may assemble the same pass, and the first one is kept.
        program = assemble(pass_, precision)
        with self._lock:
            entry = self._entries.setdefault(key, _Entry(plan, {}))
            if number not in entry.passes:
                entry.passes[number] = program
                self._bytes += program.size
            while len(self._entries) > 1 and (
                len(self._entries) > self._most_plans or self._bytes > self._most_bytes
            ):
                oldest = next(iter(self._entries))
                if oldest == key:
                    break
                self._bytes -= sum(old.size for old in self._entries.pop(oldest).passes.values())
        return program

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()  # another thread of the parent may have held it
