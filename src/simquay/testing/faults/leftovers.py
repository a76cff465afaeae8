"""A process's threads, descriptors, child processes, reserved memory and temporary files."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from simquay.execution import memory

__all__ = ["RESOURCES", "Census", "census", "more_than", "most_of"]

RESOURCES = ("threads", "descriptors", "processes", "memory", "files")

Census = Mapping[str, Mapping[str, int]]
"""How many the process holds of each resource, by what they are: names of threads, targets of
descriptors, states of child processes, devices, names of files; numbers in names are left out."""


def census() -> Census:
    """What this process holds now. Its temporary folder must be its own."""
    return {
        "threads": _counted(one.name for one in threading.enumerate()),
        "descriptors": _counted(_descriptors()),
        "processes": _counted(_children()),
        "memory": {name: one.reserved for name, one in memory._ledgers.items() if one.reserved},
        "files": _counted(
            path.relative_to(tempfile.gettempdir()).as_posix()
            for path in Path(tempfile.gettempdir()).rglob("*")
        ),
    }


def _counted(names: Iterable[str]) -> Mapping[str, int]:
    return Counter(re.sub(r"\d+", "N", name) for name in names)


def _descriptors() -> Iterable[str]:
    folder = Path("/proc/self/fd")
    for entry in os.listdir(folder):
        with suppress(OSError):  # that of listdir itself
            yield os.readlink(folder / entry)


def _children() -> Iterable[str]:
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # it has ended
            yield "ended, not waited for" if child.status() == "zombie" else child.name()


def most_of(*found: Census) -> Census:
    """The most of each that any of some censuses found."""
    most: dict[str, Counter[str]] = {name: Counter() for name in RESOURCES}
    for one in found:
        for name in RESOURCES:
            most[name] |= Counter(one[name])
    return most


def more_than(allowed: Census, found: Census) -> dict[str, dict[str, int]]:
    """What ``found`` has beyond ``allowed``, by resource."""
    return {name: dict(Counter(found[name]) - Counter(allowed[name])) for name in RESOURCES}
