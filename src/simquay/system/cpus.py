"""How many CPUs this process, or its container, may use: the budget of jobs and kernels."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

from simquay.system.cgroups import control_groups, read_file

__all__ = ["cpu_budget"]


def cpu_budget(root: Path = Path("/")) -> int:
    """CPUs that this process may use, at least 1.

    The least of the machine's CPUs, the process's affinity and the quotas of its control groups
    (Linux: cgroup v2 ``cpu.max``, or v1 ``cpu.cfs_quota_us``), rounded up.

    Args:
        root: where ``proc`` and ``sys`` are found; other than ``/`` in tests alone.
    """
    cpus = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cpus = min(cpus, len(os.sched_getaffinity(0)))
    for version, group in control_groups("cpu", root):
        quota = _quota(version, group)
        if quota is not None:
            cpus = min(cpus, ceil(quota))
    return max(1, cpus)


_QUOTA_FILES = {1: ("cpu.cfs_quota_us", "cpu.cfs_period_us"), 2: ("cpu.max",)}
"""By version: the files that hold the quota and its period, in microseconds."""


def _quota(version: int, group: Path) -> float | None:
    """The quota in CPUs; None for none."""
    text = " ".join(read_file(group / name) or "" for name in _QUOTA_FILES[version])
    try:
        quota, period = map(int, text.split())
    except ValueError:  # "max", or no such file
        return None
    return quota / period if quota > 0 else None
