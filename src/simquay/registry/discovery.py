"""Finding plugins: the entry points of the group ``simquay``, one distribution at a time.

``importlib.metadata.entry_points`` reads every distribution in one go, so that one damaged
``entry_points.txt`` anywhere would hide every plugin. Here each distribution is read in its own
guard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import (
    Distribution,
    EntryPoint,
    PackageNotFoundError,
    distribution,
    distributions,
)

from simquay.plugin import ENTRY_POINT_GROUP
from simquay.registry.guard import Failure, guarded
from simquay.registry.records import PluginRecord, PluginStatus, normalized

__all__ = ["Found", "find_plugins"]


@dataclass(frozen=True, slots=True)
class Found:
    """An entry point, not loaded.

    Attributes:
        distribution: the distribution's name, normalized.
        version: its version.
        entry_point: the entry point.
    """

    distribution: str
    version: str
    entry_point: EntryPoint

    def record(
        self,
        status: PluginStatus,
        error: str = "",
        *,
        backends: tuple[str, ...] = (),
        traceback: str = "",
    ) -> PluginRecord:
        """The record of what became of it."""
        return PluginRecord(
            name=self.entry_point.name,
            distribution=self.distribution,
            version=self.version,
            target=self.entry_point.value,
            status=status,
            error=error,
            backends=backends,
            traceback=traceback,
        )


def find_plugins() -> tuple[list[Found], list[PluginRecord]]:
    """The entry points of every installed distribution, and records of unreadable ones.

    The order is that of the names: neither the order of installation nor of the search path
    matters. Where a distribution is found twice on the path, the first counts, as it does for
    ``import``.
    """
    found: list[Found] = []
    unreadable: list[PluginRecord] = []
    for name in sorted(set(_names())):
        entries = guarded(partial(_read, name))
        if isinstance(entries, Failure):
            unreadable.append(
                PluginRecord(
                    name=name,
                    distribution=name,
                    version="",
                    target="",
                    status=PluginStatus.BROKEN,
                    error=f"its entry points cannot be read: {entries.text}",
                    traceback=entries.details,
                )
            )
        else:
            found.extend(entries)
    found.sort(key=lambda one: (one.distribution, one.entry_point.name, one.entry_point.value))
    return found, unreadable


def _names() -> Iterator[str]:
    """The normalized names of the distributions that seem to have entry points for us."""
    for one in distributions():
        name = guarded(partial(_name_if_ours, one))
        if isinstance(name, str):  # a Failure: no readable metadata, so no distribution
            yield name


def _name_if_ours(one: Distribution) -> str | None:
    text = one.read_text("entry_points.txt")
    if text is None or ENTRY_POINT_GROUP not in text:  # parsing metadata costs far more
        return None
    return normalized(one.metadata["Name"])


def _read(name: str) -> list[Found]:
    """The entry points of the distribution that ``import`` would see under this name."""
    try:
        chosen = distribution(name)
    except PackageNotFoundError:  # a half-removed one, such as pip's ``~name-1.0.dist-info``
        return []
    version = chosen.version or ""
    return [
        Found(name, version, entry_point)
        for entry_point in chosen.entry_points
        if entry_point.group == ENTRY_POINT_GROUP
    ]
