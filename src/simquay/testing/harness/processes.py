"""Processor time and memory of this process and its descendants."""

from __future__ import annotations

from contextlib import suppress

import psutil

__all__ = ["CpuMeter", "resident_bytes"]


def _tree() -> list[psutil.Process]:
    process = psutil.Process()
    return [process, *process.children(recursive=True)]


def resident_bytes() -> int:
    """Resident memory of this process and its descendants, in bytes."""
    total = 0
    for process in _tree():
        with suppress(psutil.Error):  # it has ended
            total += process.memory_info().rss
    return total


class CpuMeter:
    """Processor seconds that this process and its descendants use from here on."""

    def __init__(self) -> None:
        self._before = self._now()

    def seconds(self) -> float:
        """Seconds used since the meter was made, by the processes that still exist."""
        return sum(used - self._before.get(key, 0.0) for key, used in self._now().items())

    @staticmethod
    def _now() -> dict[tuple[int, float], float]:
        """By process id and start time, since ids are used again."""
        found = {}
        for process in _tree():
            with suppress(psutil.Error):  # it has ended
                times = process.cpu_times()
                found[process.pid, process.create_time()] = times.user + times.system
        return found
