"""How many CPUs this process, or its container, may use: the budget of jobs and kernels."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cpu_budget"]


def cpu_budget(root: Path = Path("/")) -> int:
    """CPUs that this process may use, at least 1.

    The least of the machine's CPUs, the process's affinity and its control group's quota (Linux,
    cgroup v2 ``cpu.max``, or v1 ``cpu.cfs_quota_us``), rounded up.

    Args:
        root: where ``proc`` and ``sys`` are found; other than ``/`` in tests alone.
    """
    cpus = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cpus = min(cpus, len(os.sched_getaffinity(0)))
    quota = _quota(root)
    if quota is not None:
        cpus = min(cpus, int(-(-quota // 1)))
    return max(1, cpus)


def _quota(root: Path) -> float | None:
    """The tightest CPU quota over this process's control groups, in CPUs; None if there is none."""
    quotas = []
    for line in (_read(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        group = base / path.lstrip("/")
        for folder in (group, *group.parents):  # a quota on a parent group counts as well
            if not folder.is_relative_to(base):
                break
            quota = _quota_v1(folder) if controllers else _quota_v2(folder)
            if quota is not None:
                quotas.append(quota)
    return min(quotas, default=None)


def _quota_v2(folder: Path) -> float | None:
    text = _read(folder / "cpu.max")
    if text is None or text.startswith("max"):
        return None
    quota, period = text.split()
    return int(quota) / int(period)


def _quota_v1(folder: Path) -> float | None:
    quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
    if quota is None or period is None or int(quota) <= 0:
        return None
    return int(quota) / int(period)


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:  # not Linux, or a container that hides it
        return None
