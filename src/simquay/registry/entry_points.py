"""Entry points of the group ``simquay``, read from the metadata of the installed distributions.

``importlib.metadata.entry_points`` reads all distributions in one call, so that one damaged
``entry_points.txt`` anywhere would hide every plugin. Here each distribution is read in its own
guard.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.metadata import (
    Distribution,
    EntryPoint,
    PackageNotFoundError,
    distribution,
    distributions,
)
from typing import NamedTuple

from simquay.plugin import ENTRY_POINT_GROUP
from simquay.registry.catalog import PluginRecord, PluginStatus, normalize_distribution
from simquay.registry.guard import Failure, guarded

__all__ = ["FoundPlugin", "find_entry_points"]


class FoundPlugin(NamedTuple):
    """An entry point. Nothing of it is loaded.

    Attributes:
        entry_point: the entry point.
        record: says where it comes from; its status holds if the entry point loads.
    """

    entry_point: EntryPoint
    record: PluginRecord

    @property
    def names(self) -> frozenset[str]:
        """The names of the plugin in environment variables: its distribution's and its own."""
        return frozenset((self.record.distribution, normalize_distribution(self.record.name)))


def find_entry_points() -> tuple[list[FoundPlugin], list[PluginRecord]]:
    """The entry points of every installed distribution, and records of unreadable ones.

    The order is by name: neither the order of installation nor of the search path matters. If a
    distribution is on the path twice, the first counts, as it does for ``import``.
    """
    found: list[FoundPlugin] = []
    unreadable: list[PluginRecord] = []
    names = {guarded(partial(_name_of_plugin, installed)) for installed in distributions()}
    # A Failure among them: no readable metadata, so no distribution.
    for name in sorted(name for name in names if isinstance(name, str)):
        plugins = guarded(lambda name=name: list(_plugins_of(name)))  # type: ignore[misc]
        if isinstance(plugins, Failure):
            error = f"its entry points cannot be read: {plugins.text}"
            unreadable.append(
                PluginRecord(name, name, "", "", PluginStatus.BROKEN, error, (), plugins.details)
            )
        else:
            found += plugins
    return sorted(found, key=lambda plugin: plugin.record.sort_key), unreadable


def _name_of_plugin(installed: Distribution) -> str | None:
    """The distribution's name, normalized, if it may have entry points of the group."""
    text = installed.read_text("entry_points.txt")
    if text is None or ENTRY_POINT_GROUP not in text:  # parsing metadata costs far more
        return None
    return normalize_distribution(installed.metadata["Name"])


def _plugins_of(name: str) -> Iterator[FoundPlugin]:
    """The entry points of the distribution that ``import`` would find under this name."""
    try:
        chosen = distribution(name)
    except PackageNotFoundError:  # half removed, such as pip's ``~name-1.0.dist-info``
        return
    for one in chosen.entry_points:
        if one.group == ENTRY_POINT_GROUP:
            version = chosen.version or ""
            yield FoundPlugin(
                one, PluginRecord(one.name, name, version, one.value, PluginStatus.ACTIVE)
            )
