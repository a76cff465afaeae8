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
        quota = _quota_v1(group) if version == 1 else _quota_v2(group)
        if quota is not None:
            cpus = min(cpus, ceil(quota))
    return max(1, cpus)


def _quota_v2(group: Path) -> float | None:
    """The quota in CPUs; None for none."""
    text = read_file(group / "cpu.max")
    if text is None or text.startswith("max"):
        return None
    quota, period = text.split()
    return int(quota) / int(period)


def _quota_v1(group: Path) -> float | None:
    """The quota in CPUs; None for none."""
    quota = read_file(group / "cpu.cfs_quota_us")
    period = read_file(group / "cpu.cfs_period_us")
    if quota is None or period is None or int(quota) <= 0:
        return None
    return int(quota) / int(period)
