"""What this process and its children use: processor time and memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["CpuMeter", "descendants", "resident_bytes"]

_PROC = Path("/proc")


def _tree() -> dict[int, list[str]]:
    """The fields of ``/proc/PID/stat`` behind the name, for this process and all below it."""
    fields: dict[int, list[str]] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                text = (folder / "stat").read_text()
            except OSError:  # it has ended
                continue
            fields[int(folder.name)] = text.rpartition(")")[2].split()
    wanted = {os.getpid()}
    grown = True
    while grown:
        below = {pid for pid, one in fields.items() if int(one[1]) in wanted} | wanted
        grown = below != wanted
        wanted = below
    return {pid: fields[pid] for pid in wanted if pid in fields}


def _has_proc() -> bool:
    return (_PROC / "self" / "stat").exists()


def descendants() -> set[int]:
    """The processes below this one that have not ended; empty on a system without ``/proc``."""
    if not _has_proc():
        return set()
    return {pid for pid, one in _tree().items() if one[0] != "Z"} - {os.getpid()}


def resident_bytes() -> int | None:
    """Resident memory of this process and all below it; None on a system without ``/proc``."""
    if not _has_proc():
        return None
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(int(one[21]) * page for one in _tree().values())


class CpuMeter:
    """Processor seconds that this process and its children use from here on.

    On a system without ``/proc`` it sees this process alone.
    """

    def __init__(self) -> None:
        self._before = self._now()

    def seconds(self) -> float:
        """Used since it was made, by those processes that still exist."""
        return sum(used - self._before.get(pid, 0.0) for pid, used in self._now().items())

    @staticmethod
    def _now() -> dict[int, float]:
        if not _has_proc():
            return {os.getpid(): time.process_time()}
        tick = os.sysconf("SC_CLK_TCK")
        return {pid: (int(one[11]) + int(one[12])) / tick for pid, one in _tree().items()}
