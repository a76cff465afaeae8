"""The plugin manager: loads entry points, and keeps a record of each and the specs that it gives.

One :class:`PluginManager` holds the plugins of a registry. pluggy checks each against the hook's
specification. Each is loaded and called in its own guard: in one call for all, the first plugin
that raises would end the call for the others.
"""

from __future__ import annotations

import logging
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import pluggy

from simquay.plugin import PLUGIN_API, BackendSpec
from simquay.registry import environment, hookspecs
from simquay.registry.catalog import (
    Catalog,
    PluginRecord,
    PluginStatus,
    RegisteredBackend,
    normalize_distribution,
)
from simquay.registry.entry_points import FoundPlugin, find_entry_points
from simquay.registry.guard import Failure, guarded

__all__ = ["OWN_DISTRIBUTION", "LoadedPlugins", "PluginManager"]

OWN_DISTRIBUTION = "simquay"

_MOST_BACKENDS = 1000  # a generator that never ends must not hang every program

# As the packaging specification has it; the extras in brackets are obsolete.
_OBJECT_REFERENCE = re.compile(r"[\w.]+\s*(:\s*[\w.]+)?\s*(\[.*\])?")

_log = logging.getLogger(__name__)


class PluginRuleError(Exception):
    """The plugin breaks a rule of the plugin interface.

    Args:
        message: becomes the record's error.
        status: becomes the record's status.
    """

    def __init__(self, message: str, status: PluginStatus = PluginStatus.BROKEN) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class LoadedPlugins:
    """The result of loading all plugins.

    Attributes:
        plugins: a record for each entry point, sorted by distribution and name.
        catalog: the registered backends by name.
        problems: one line for each plugin that is not used and each ambiguous name.
        errors: by problem, the exception that caused it, where there is one.
    """

    plugins: tuple[PluginRecord, ...]
    catalog: Catalog
    problems: tuple[str, ...]
    errors: Mapping[str, BaseException]


class PluginManager(pluggy.PluginManager):
    """The plugins of one registry."""

    def __init__(self) -> None:
        super().__init__(hookspecs.PROJECT)
        self.add_hookspecs(hookspecs)

    def load(self) -> LoadedPlugins:
        """Find and load every plugin that the environment does not exclude.

        A plugin that fails is recorded, and the others load. This raises for none of them.
        """
        found, records = find_entry_points()
        problems = [f"plugin {record.label}: {record.error}" for record in records]
        errors: dict[str, BaseException] = {}
        registered: dict[tuple[str, str], RegisteredBackend] = {}
        excluded = _excluded(found)
        for plugin in found:
            record = plugin.record
            if plugin in excluded:
                record = replace(record, status=PluginStatus.BLOCKED, error=excluded[plugin])
                records.append(record)
                continue
            given = guarded(partial(self._backends_of, plugin, registered))
            if isinstance(given, Failure):
                record = _record_of_failure(record, given)
                problems.append(f"plugin {record.label} is not used: {record.error}")
                errors[problems[-1]] = given.error
            else:
                registered |= given
                record = replace(record, backends=tuple(sorted(name for _, name in given)))
                names = ", ".join(record.backends) or "nothing"
                _log.debug("plugin %s registers %s", record.label, names)
            records.append(record)
        catalog = Catalog(registered.values())
        conflicts = catalog.conflicts()
        problems += [
            f"backend name {name!r} is claimed by {_providers(claims)}; "
            f"use {' or '.join(repr(claim.qualified) for claim in claims)}"
            for name, claims in conflicts.items()
        ]
        records = [_with_conflicts(record, conflicts) for record in records]
        records.sort(key=lambda record: record.sort_key)
        return LoadedPlugins(tuple(records), catalog, tuple(problems), errors)

    def _backends_of(
        self, plugin: FoundPlugin, registered: Mapping[tuple[str, str], RegisteredBackend]
    ) -> dict[tuple[str, str], RegisteredBackend]:
        """Load one entry point, call its hook, and check the specs that it gives.

        Raises:
            PluginRuleError: the plugin breaks a rule.
            BaseException: any that the plugin raises. Call this inside the guard.
        """
        record = plugin.record
        specs = self._specs(plugin)
        if len(specs) > _MOST_BACKENDS:
            raise PluginRuleError(f"it registers more than {_MOST_BACKENDS} backends")
        for kind, names in (
            ("name", Counter(spec.name for spec in specs)),
            ("alias", Counter(alias for spec in specs for alias in spec.aliases)),
        ):
            if repeated := sorted(name for name, count in names.items() if count > 1):
                raise PluginRuleError(f"it registers the {kind} {', '.join(repeated)} twice")
        given = {
            (record.distribution, spec.name): RegisteredBackend(
                spec, record.distribution, record.version, record.name
            )
            for spec in specs
        }
        # ``distribution:name`` must find one backend. So within a distribution the first entry
        # point (by name) keeps a name, and a later one that repeats it is left out.
        if repeated := sorted(name for _, name in given.keys() & registered.keys()):
            raise PluginRuleError(
                f"its distribution registers {', '.join(repeated)} in another entry point",
                PluginStatus.CONFLICT,
            )
        return given

    def _specs(self, plugin: FoundPlugin) -> list[BackendSpec]:
        """The specs that the hook of one entry point returns, one more than allowed at most."""
        entry_point = plugin.entry_point
        if not _OBJECT_REFERENCE.fullmatch(entry_point.value):
            raise PluginRuleError(
                f"its entry point {entry_point.value!r} is not 'module' or 'module:object'"
            )
        loaded = entry_point.load()
        version = getattr(loaded, "SIMQUAY_PLUGIN_API", None)
        if version is None:  # an object that is not a module: its module may name the version
            module = sys.modules.get(entry_point.module)
            version = getattr(module, "SIMQUAY_PLUGIN_API", PLUGIN_API)
        if version != PLUGIN_API:
            raise PluginRuleError(
                f"it is built for version {version!r} of the plugin interface, and this Simquay "
                f"has version {PLUGIN_API}; install versions that fit",
                PluginStatus.INCOMPATIBLE,
            )
        if not any(loaded is known for known in self.get_plugins()):  # two may name one object
            label = f"{plugin.record.distribution}:{entry_point.name}"
            try:
                self.register(loaded, label)
                self.check_pending()
            except pluggy.PluginValidationError:
                self.unregister(name=label)
                raise
        implementations = [
            one
            for one in self.hook.simquay_register_backends.get_hookimpls()
            if one.plugin is loaded
        ]
        if not implementations:
            raise PluginRuleError(
                f"{entry_point.value} implements no hook: expected a function "
                "simquay_register_backends marked with simquay.plugin.hookimpl"
            )
        specs = (spec for one in implementations for spec in _checked(one.function()))
        return list(islice(specs, _MOST_BACKENDS + 1))


def _checked(returned: object) -> Iterator[BackendSpec]:
    """The specs that the hook returned."""
    if returned is None or isinstance(returned, BackendSpec) or not isinstance(returned, Iterable):
        what = "None" if returned is None else f"a {type(returned).__name__}"
        raise PluginRuleError(
            f"simquay_register_backends returned {what}, not an iterable of BackendSpec"
        )
    for spec in returned:
        if not isinstance(spec, BackendSpec):
            raise PluginRuleError(
                f"simquay_register_backends yielded a {type(spec).__name__}, not a BackendSpec"
            )
        yield spec


def _excluded(found: Iterable[FoundPlugin]) -> dict[FoundPlugin, str]:
    """The plugins that the environment excludes, and why.

    Names in the variables that match no installed plugin (probably typos) are logged.
    """
    disabled, only = (
        frozenset(map(normalize_distribution, environment.read_list(variable)))
        for variable in (environment.DISABLE_PLUGINS, environment.LOAD_PLUGINS)
    )
    excluded = {}
    known: set[str] = set()
    for plugin in found:
        known |= plugin.names
        if plugin.names & disabled:
            excluded[plugin] = f"blocked by {environment.DISABLE_PLUGINS}"
        # The allow-list keeps other people's plugins out. Without Simquay's own there would be no
        # backend to fall back on; a user who wants that can still disable it by name.
        elif only and plugin.record.distribution != OWN_DISTRIBUTION and not plugin.names & only:
            excluded[plugin] = f"not in {environment.LOAD_PLUGINS}"
    for variable, names in (
        (environment.DISABLE_PLUGINS, disabled),
        (environment.LOAD_PLUGINS, only),
    ):
        for name in sorted(names - known):
            _log.info("%s names %r, which is not an installed plugin", variable, name)
    return excluded


def _record_of_failure(record: PluginRecord, failure: Failure) -> PluginRecord:
    error = failure.error
    if isinstance(error, PluginRuleError):
        return replace(record, status=error.status, error=str(error))
    return replace(
        record, status=PluginStatus.BROKEN, error=failure.text, traceback=failure.details
    )


def _with_conflicts(
    record: PluginRecord, conflicts: Mapping[str, tuple[RegisteredBackend, ...]]
) -> PluginRecord:
    """``record``, marked if another plugin claims one of its plugin's names too."""
    own = (record.distribution, record.name)
    lines = []
    for name, claims in conflicts.items():
        others = [claim for claim in claims if (claim.distribution, claim.plugin) != own]
        if others and len(others) < len(claims):
            lines.append(f"{name!r} is also claimed by {_providers(others)}")
    if not lines:
        return record
    return replace(record, status=PluginStatus.CONFLICT, error="; ".join(lines))


def _providers(claims: Iterable[RegisteredBackend]) -> str:
    return " and ".join(claim.provider for claim in claims)
