"""How much memory this host, or the container that the process runs in, has and has left."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["host_available_bytes", "host_total_bytes", "when_asked"]

_UNKNOWN_TOTAL = 4 << 30
"""Assumed where the system does not say how much memory it has."""

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_PROC = Path("/proc")


def host_total_bytes() -> int:
    """The memory that this process could have at most: physical, or its cgroup's limit."""
    total = _physical_total()
    limits = [limit for limit, _ in _cgroup_limits()]
    return min([total, *limits])


def host_available_bytes() -> int:
    """The memory that this process could take now without swapping, as far as one can know."""
    for give_back in _givers:
        give_back()
    available = _physical_available()
    left = [max(limit - used, 0) for limit, used in _cgroup_limits()]
    return min([available, *left])


_givers: list[Callable[[], None]] = []


def when_asked(give_back: Callable[[], None]) -> None:
    """Call ``give_back()`` before each look at what is available, for the rest of the process.

    For an engine that keeps memory which no run uses: so it is counted as what it is, free.
    ``give_back`` returns soon, raises nothing, and may be called from any thread.
    """
    _givers.append(give_back)


def _physical_total() -> int:
    value = _meminfo("MemTotal")
    if value is None:
        value = _sysconf_bytes("SC_PHYS_PAGES")
    if value is None:
        value = _windows_memory()[0]
    return value


def _physical_available() -> int:
    value = _meminfo("MemAvailable")
    if value is None:
        value = _sysconf_bytes("SC_AVPHYS_PAGES")
    if value is None:
        # macOS does not say; half of what there is leaves room for the others.
        total = _sysconf_bytes("SC_PHYS_PAGES")
        value = total // 2 if total is not None else _windows_memory()[1]
    return value


def _meminfo(field: str) -> int | None:
    """A field of ``/proc/meminfo`` in bytes; None where there is no such file or field."""
    try:
        text = (_PROC / "meminfo").read_text()
    except OSError:
        return None
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        if name == field:
            return int(rest.split()[0]) * 1024
    return None


def _sysconf_bytes(name: str) -> int | None:
    """A number of pages, from ``os.sysconf``, in bytes; None where the system has no such name."""
    if name not in getattr(os, "sysconf_names", {}):
        return None
    pages = os.sysconf(name)
    return pages * os.sysconf("SC_PAGE_SIZE") if pages > 0 else None


def _windows_memory() -> tuple[int, int]:
    """Total and available bytes as Windows says; a cautious guess elsewhere."""
    if sys.platform != "win32":
        return _UNKNOWN_TOTAL, _UNKNOWN_TOTAL // 2
    import ctypes

    class Status(ctypes.Structure):
        # MEMORYSTATUSEX, as Microsoft documents it for GlobalMemoryStatusEx.
        _fields_ = [
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            ("total", ctypes.c_ulonglong),
            ("available", ctypes.c_ulonglong),
            ("total_page_file", ctypes.c_ulonglong),
            ("available_page_file", ctypes.c_ulonglong),
            ("total_virtual", ctypes.c_ulonglong),
            ("available_virtual", ctypes.c_ulonglong),
            ("available_extended", ctypes.c_ulonglong),
        ]

    status = Status()
    status.length = ctypes.sizeof(Status)
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return _UNKNOWN_TOTAL, _UNKNOWN_TOTAL // 2
    return int(status.total), int(status.available)


def _cgroup_limits() -> list[tuple[int, int]]:
    """``(limit, used)`` in bytes of every cgroup that bounds this process; reclaimable file cache
    does not count as used.

    A limit holds for the whole subtree of a cgroup, so each ancestor's is read as well.
    """
    try:
        lines = (_PROC / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return []
    limits = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2: one hierarchy
            names = ("memory.max", "memory.current", "inactive_file")
            root = _CGROUP_ROOT
        elif "memory" in controllers.split(","):  # version 1
            names = (
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                "total_inactive_file",
            )
            root = _CGROUP_ROOT / "memory"
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(len(parts), -1, -1):
            entry = _cgroup_entry(root.joinpath(*parts[:depth]), *names)
            if entry is not None:
                limits.append(entry)
    return limits


def _cgroup_entry(
    folder: Path, limit_name: str, used_name: str, cache_name: str
) -> tuple[int, int] | None:
    try:
        limit = (folder / limit_name).read_text().strip()
        if limit == "max":
            return None
        used = int((folder / used_name).read_text())
        for line in (folder / "memory.stat").read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == cache_name:
                used -= int(value)
        return int(limit), max(used, 0)
    except (OSError, ValueError):
        # Not mounted in this container, or not readable: then it says nothing about us.
        return None
