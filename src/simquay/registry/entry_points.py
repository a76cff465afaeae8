"""Entry points of the group ``simquay``: finding them, and the specs that each one gives.

``importlib.metadata.entry_points`` reads all distributions in one call, so that one damaged
``entry_points.txt`` anywhere would hide every plugin. Here each distribution is read in its own
guard.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import (
    Distribution,
    EntryPoint,
    PackageNotFoundError,
    distribution,
    distributions,
)
from itertools import islice

import pluggy

from simquay.plugin import ENTRY_POINT_GROUP, PLUGIN_API, BackendSpec
from simquay.registry import hookspecs
from simquay.registry.catalog import PluginRecord, PluginStatus, normalize_distribution
from simquay.registry.guard import Failure, guarded

__all__ = [
    "EntryPointInfo",
    "IncompatiblePluginError",
    "InvalidPluginError",
    "find_entry_points",
    "load_specs",
]

_MOST_BACKENDS = 1000  # a generator that never ends must not hang every program

# As the packaging specification has it; the extras in brackets are obsolete.
_OBJECT_REFERENCE = re.compile(r"[\w.]+\s*(:\s*[\w.]+)?\s*(\[.*\])?")


class InvalidPluginError(Exception):
    """The plugin breaks a rule of the plugin interface; the message becomes the record's error."""


class IncompatiblePluginError(Exception):
    """The plugin is built for another version of the plugin interface."""


@dataclass(frozen=True, slots=True)
class EntryPointInfo:
    """An entry point and its distribution. Nothing is loaded.

    Attributes:
        distribution: the distribution's name, normalized.
        version: its version.
        entry_point: the entry point.
    """

    distribution: str
    version: str
    entry_point: EntryPoint

    @property
    def names(self) -> frozenset[str]:
        """The names of the plugin in environment variables: its distribution's and its own."""
        return frozenset((self.distribution, normalize_distribution(self.entry_point.name)))

    def record(
        self,
        status: PluginStatus,
        error: str = "",
        *,
        backends: tuple[str, ...] = (),
        traceback: str = "",
    ) -> PluginRecord:
        """The record of the plugin with this outcome."""
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


def find_entry_points() -> tuple[list[EntryPointInfo], list[PluginRecord]]:
    """The entry points of every installed distribution, and records of unreadable ones.

    The order is by name: neither the order of installation nor of the search path matters. If a
    distribution is on the path twice, the first counts, as it does for ``import``.
    """
    found: list[EntryPointInfo] = []
    unreadable: list[PluginRecord] = []
    for name in sorted(set(_distribution_names())):
        entry_points = guarded(partial(_entry_points_of, name))
        if isinstance(entry_points, Failure):
            unreadable.append(
                PluginRecord(
                    name=name,
                    distribution=name,
                    version="",
                    target="",
                    status=PluginStatus.BROKEN,
                    error=f"its entry points cannot be read: {entry_points.text}",
                    traceback=entry_points.details,
                )
            )
        else:
            found.extend(entry_points)
    found.sort(key=lambda info: (info.distribution, info.entry_point.name, info.entry_point.value))
    return found, unreadable


def _distribution_names() -> Iterator[str]:
    """The normalized names of the distributions that may have entry points of the group."""
    for installed in distributions():
        name = guarded(partial(_name_of_plugin, installed))
        if isinstance(name, str):  # a Failure: no readable metadata, so no distribution
            yield name


def _name_of_plugin(installed: Distribution) -> str | None:
    text = installed.read_text("entry_points.txt")
    if text is None or ENTRY_POINT_GROUP not in text:  # parsing metadata costs far more
        return None
    return normalize_distribution(installed.metadata["Name"])


def _entry_points_of(name: str) -> list[EntryPointInfo]:
    """The entry points of the distribution that ``import`` would find under this name."""
    try:
        chosen = distribution(name)
    except PackageNotFoundError:  # half removed, such as pip's ``~name-1.0.dist-info``
        return []
    version = chosen.version or ""
    return [
        EntryPointInfo(name, version, entry_point)
        for entry_point in chosen.entry_points
        if entry_point.group == ENTRY_POINT_GROUP
    ]


def load_specs(info: EntryPointInfo) -> list[BackendSpec]:
    """Load one entry point, call its hook, and check the specs that it gives.

    pluggy validates the plugin against the hook's specification. Each plugin has its own manager
    and is called on its own: in a shared one, the first that raises would end the call for all.

    Raises:
        InvalidPluginError: the plugin breaks a rule.
        IncompatiblePluginError: it is built for another version of the plugin interface.
        BaseException: any that the plugin raises. Call this inside the guard.
    """
    if not _OBJECT_REFERENCE.fullmatch(info.entry_point.value):
        raise InvalidPluginError(
            f"its entry point {info.entry_point.value!r} is not 'module' or 'module:object'"
        )
    plugin = info.entry_point.load()
    version = getattr(plugin, "SIMQUAY_PLUGIN_API", None)
    if version is None:  # an object that is not a module: its module may name the version
        module = sys.modules.get(info.entry_point.module)
        version = getattr(module, "SIMQUAY_PLUGIN_API", PLUGIN_API)
    if version != PLUGIN_API:
        raise IncompatiblePluginError(
            f"it is built for version {version!r} of the plugin interface, and this Simquay "
            f"has version {PLUGIN_API}; install versions that fit"
        )
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name=f"{info.distribution}:{info.entry_point.name}")
    manager.check_pending()
    hook = manager.hook.simquay_register_backends
    implementations = len(hook.get_hookimpls())
    if not implementations:
        raise InvalidPluginError(
            f"{info.entry_point.value} implements no hook: expected a function "
            "simquay_register_backends marked with simquay.plugin.hookimpl"
        )
    returned = hook()
    if len(returned) < implementations:  # pluggy leaves out None
        raise InvalidPluginError(
            "simquay_register_backends returned None, not an iterable of BackendSpec"
        )
    specs = [spec for iterable in returned for spec in _checked(iterable)]
    if len(specs) > _MOST_BACKENDS:
        raise InvalidPluginError(f"it registers more than {_MOST_BACKENDS} backends")
    for kind, names in (
        ("name", Counter(spec.name for spec in specs)),
        ("alias", Counter(alias for spec in specs for alias in spec.aliases)),
    ):
        repeated = sorted(name for name, count in names.items() if count > 1)
        if repeated:
            raise InvalidPluginError(f"it registers the {kind} {', '.join(repeated)} twice")
    return specs


def _checked(iterable: object) -> Iterator[BackendSpec]:
    """The specs that one implementation of the hook returned, one more than allowed at most."""
    if isinstance(iterable, BackendSpec) or not isinstance(iterable, Iterable):
        raise InvalidPluginError(
            f"simquay_register_backends returned a {type(iterable).__name__}, "
            "not an iterable of BackendSpec"
        )
    for spec in islice(iterable, _MOST_BACKENDS + 1):
        if not isinstance(spec, BackendSpec):
            raise InvalidPluginError(
                f"simquay_register_backends yielded a {type(spec).__name__}, not a BackendSpec"
            )
        yield spec
