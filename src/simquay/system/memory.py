"""How much memory this host, or the container that the process runs in, has and has left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from simquay.system.cgroups import control_groups, read_file
from simquay.system.lifecycle import Actions

__all__ = ["format_bytes", "host_available_bytes", "host_total_bytes", "register_cache"]

_CGROUP_FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}
"""By version: the files with the limit and the use, and the line of ``memory.stat`` with the bytes
of the file cache that the kernel takes back before it refuses memory."""


def host_total_bytes(root: Path = Path("/")) -> int:
    """The memory that this process could have at most: physical, or its control groups' limit.

    Args:
        root: where ``proc`` and ``sys`` are found; other than ``/`` in tests alone.
    """
    total: int = psutil.virtual_memory().total
    return min([total, *(limit for limit, _ in _cgroup_limits(root))])


def host_available_bytes(root: Path = Path("/")) -> int:
    """The memory that this process could take now without swapping, as far as one can know.

    Args:
        root: where ``proc`` and ``sys`` are found; other than ``/`` in tests alone.
    """
    for drop in _caches:
        drop()
    available: int = psutil.virtual_memory().available
    return min([available, *(max(limit - used, 0) for limit, used in _cgroup_limits(root))])


_caches = Actions()


def register_cache(drop: Callable[[], None]) -> None:
    """Call ``drop()`` before each reading of the available memory, for the rest of the process;
    a method does not keep its object alive.

    For an engine that caches memory which no run uses: dropped, it counts as available. ``drop``
    returns soon, raises nothing, and may be called from any thread.
    """
    _caches.add(drop)


def _cgroup_limits(root: Path) -> Iterator[tuple[int, int]]:
    """``(limit, used)`` in bytes of each control group that bounds this process; file cache that
    can be reclaimed does not count as used."""
    for version, group in control_groups("memory", root):
        limit_file, used_file, cache_line = _CGROUP_FILES[version]
        limit, used = read_file(group / limit_file), read_file(group / used_file)
        stat = read_file(group / "memory.stat")
        if limit is None or limit == "max" or used is None or stat is None:
            continue
        lines = dict(line.partition(" ")[::2] for line in stat.splitlines())
        try:
            yield int(limit), max(int(used) - int(lines.get(cache_line, 0)), 0)
        except ValueError:  # a container that fakes these files says nothing about us
            continue


_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")


def format_bytes(count: int) -> str:
    """``count`` bytes in human units, such as ``16 EiB``; three digits where they are needed."""
    value, unit = count, 0
    while value >= 1024 << 10 and unit + 2 < len(_UNITS):
        value, unit = value >> 10, unit + 1
    if value < 1024:
        return f"{value} {_UNITS[unit]}"
    number = value / 1024
    if number >= 1e6:
        return f"{number:.3g} {_UNITS[unit + 1]}"
    digits = f"{number:.1f}".removesuffix(".0") if number < 100 else f"{number:.0f}"
    return f"{digits} {_UNITS[unit + 1]}"
