"""The control groups of this process: how Linux bounds the CPUs and the memory of a container.

Source: cgroups(7), and cgroup-v1 and cgroup-v2 in the kernel's administration guide.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

__all__ = ["control_groups", "read_file"]


def control_groups(
    controller: Literal["cpu", "memory"], root: Path = Path("/")
) -> Iterator[tuple[int, Path]]:
    """The version, 1 or 2, and the folder of each control group that bounds this process.

    A group's limit bounds its whole subtree, so its ancestors follow it. Some of the folders may
    not exist: a container may see only a part of the tree. Where the system has no control groups,
    there are none.

    Args:
        controller: whose limits are wanted.
        root: where ``proc`` and ``sys`` are found; other than ``/`` in tests alone.
    """
    for line in (read_file(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        top = root / "sys/fs/cgroup"
        if not controllers:
            version = 2  # one tree for all controllers
        elif controller in controllers.split(","):
            version, top = 1, top / controller
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(len(parts), -1, -1):
            yield version, top.joinpath(*parts[:depth])


def read_file(path: Path) -> str | None:
    """A file's text without the white space around it; None where it cannot be read."""
    try:
        return path.read_text().strip()
    except OSError:  # not Linux, or a container that hides it
        return None
