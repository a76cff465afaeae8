"""How much memory this host, its container or the process may have, and has left."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

from simquay.system.cgroups import control_groups, read_file
from simquay.system.lifecycle import Actions

__all__ = [
    "format_bytes",
    "host_available_bytes",
    "host_limit",
    "host_spare_bytes",
    "host_total_bytes",
    "register_cache",
]

_CGROUP_FILES = {
    1: (("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file"),
    2: (("memory.max", "memory.high"), "memory.current", "inactive_file"),
}
"""By version: the files with the limits and the file with the use, and the line of ``memory.stat``
with the bytes of the file cache that the kernel takes back before it refuses memory.

Above ``memory.high`` the kernel refuses nothing, but lets a thread that touches new pages sleep for
up to two seconds each time: a run would hardly get on, so this is a limit too."""


def host_total_bytes(root: Path = Path("/")) -> int:
    """The memory that this process could have at most: physical, or the limit of its control groups
    or of the process.

    Args:
        root: where ``proc`` and ``sys`` are found; other than ``/`` in tests alone.
    """
    total: int = psutil.virtual_memory().total
    return min([total, *(one.most for one in _limits(root))])


def host_available_bytes(root: Path = Path("/")) -> int:
    """The memory that this process could take now without swapping, as far as one can know.

    Args:
        root: where ``proc`` and ``sys`` are found; other than ``/`` in tests alone.
    """
    for drop in _caches:
        drop()
    available: int = psutil.virtual_memory().available
    return min([available, *(one.left for one in _limits(root))])


def host_limit(root: Path = Path("/")) -> str:
    """The limit, in words, that leaves this process the least memory; empty where none leaves less
    than the machine has available."""
    available: int = psutil.virtual_memory().available
    tightest = min(_limits(root), key=lambda one: one.left, default=None)
    return tightest.name if tightest is not None and tightest.left < available else ""


_caches = Actions()


def register_cache(drop: Callable[[], None]) -> None:
    """Call ``drop()`` before each reading of the available memory, for the rest of the process;
    a method does not keep its object alive.

    For an engine that caches memory which no run uses: dropped, it counts as available. ``drop``
    returns soon, raises nothing, and may be called from any thread.
    """
    _caches.add(drop)


class _Limit(NamedTuple):
    """A limit of memory.

    Attributes:
        name: in words.
        most: the bytes that runs could have at most.
        left: the bytes that they could have now.
    """

    name: str
    most: int
    left: int


def _limits(root: Path) -> Iterator[_Limit]:
    """The limits of this process's control groups, and of the process itself."""
    yield from _cgroup_limits(root)
    for limit, name, used in _process_limits():
        taken: int = getattr(psutil.Process().memory_info(), used, 0)
        words = f"the limit of {format_bytes(limit)} for the process's {name}"
        yield _Limit(words, limit, max(limit - taken, 0))


def _process_limits() -> Iterator[tuple[int, str, str]]:
    """The bytes, the name in words, and psutil's name for the use of each limit of the process."""
    if sys.platform == "win32":
        return
    import resource

    for number, name, used in (
        (resource.RLIMIT_AS, "address space (ulimit -v)", "vms"),
        (resource.RLIMIT_DATA, "data (ulimit -d)", "data"),
    ):
        limit, _ = resource.getrlimit(number)
        if limit != resource.RLIM_INFINITY:
            yield limit, name, used


_SPARE_BYTES = 128 << 20
"""What the threads of a CPU may reserve of the address space for their stacks and arenas."""


def host_spare_bytes() -> int:
    """Bytes that runs side by side leave alone: where the process has a limit, threads that are
    still to come take some of it. A run that has it all to itself may take them."""
    spare = _SPARE_BYTES * (os.cpu_count() or 1)
    return min((min(limit // 8, spare) for limit, *_ in _process_limits()), default=0)


def _cgroup_limits(root: Path) -> Iterator[_Limit]:
    """The limits of each control group that bounds this process; file cache that can be reclaimed
    does not count as used."""
    for version, group in control_groups("memory", root):
        limit_files, used_file, cache_line = _CGROUP_FILES[version]
        used, stat = read_file(group / used_file), read_file(group / "memory.stat")
        for limit_file in limit_files:
            limit = read_file(group / limit_file)
            if limit is None or limit == "max" or used is None or stat is None:
                continue
            lines = dict(line.partition(" ")[::2] for line in stat.splitlines())
            try:
                most, taken = int(limit), max(int(used) - int(lines.get(cache_line, 0)), 0)
            except ValueError:  # a container that fakes these files says nothing about us
                continue
            words = f"the limit of {format_bytes(most)} for its control group ({limit_file})"
            yield _Limit(words, most, max(most - taken, 0))


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
