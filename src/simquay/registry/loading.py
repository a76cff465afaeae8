"""Loading all plugins: one record for each, and the catalog of the backends that they register."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from simquay.registry import environment
from simquay.registry.catalog import (
    Catalog,
    PluginRecord,
    PluginStatus,
    RegisteredBackend,
    normalize_distribution,
)
from simquay.registry.entry_points import (
    EntryPointInfo,
    IncompatiblePluginError,
    InvalidPluginError,
    find_entry_points,
    load_specs,
)
from simquay.registry.guard import Failure, guarded

__all__ = ["OWN_DISTRIBUTION", "LoadedPlugins", "load_plugins"]

OWN_DISTRIBUTION = "simquay"

_log = logging.getLogger(__name__)


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


def load_plugins() -> LoadedPlugins:
    """Find and load every plugin that the environment does not exclude.

    A plugin that fails is recorded, and the others load. This raises for none of them.
    """
    found, records = find_entry_points()
    registered: list[RegisteredBackend] = []
    problems = [f"plugin {record.label}: {record.error}" for record in records]
    errors: dict[str, BaseException] = {}
    permissions = _Permissions.from_environment()
    permissions.log_unmatched(found)
    taken: set[tuple[str, str]] = set()
    for info in found:
        reason = permissions.why_blocked(info)
        if reason:
            records.append(info.record(PluginStatus.BLOCKED, reason))
            continue
        specs = guarded(partial(load_specs, info))
        if isinstance(specs, Failure):
            record = _record_of_failure(info, specs)
            problem = f"plugin {record.label} is not used: {record.error}"
            records.append(record)
            problems.append(problem)
            errors[problem] = specs.error
            continue
        # ``distribution:name`` must find one backend. So within a distribution the first entry
        # point (by name) keeps a name, and a later one that repeats it is left out.
        repeated = sorted(s.name for s in specs if (info.distribution, s.name) in taken)
        if repeated:
            reason = f"its distribution registers {', '.join(repeated)} in another entry point"
            record = info.record(PluginStatus.CONFLICT, reason)
            records.append(record)
            problems.append(f"plugin {record.label}: {reason}")
            continue
        taken.update((info.distribution, spec.name) for spec in specs)
        names = tuple(sorted(spec.name for spec in specs))
        record = info.record(PluginStatus.ACTIVE, backends=names)
        records.append(record)
        registered += [
            RegisteredBackend(spec, info.distribution, info.version, info.entry_point.name)
            for spec in specs
        ]
        _log.debug("plugin %s registers %s", record.label, ", ".join(names) or "nothing")
    catalog = Catalog(registered)
    conflicts = catalog.conflicts()
    problems += [
        f"backend name {name!r} is claimed by {_providers(claims)}; "
        f"use {' or '.join(repr(claim.qualified) for claim in claims)}"
        for name, claims in conflicts.items()
    ]
    marked = sorted(
        (_with_conflicts(record, conflicts) for record in records),
        key=lambda record: (record.distribution, record.name, record.target),
    )
    return LoadedPlugins(tuple(marked), catalog, tuple(problems), errors)


@dataclass(frozen=True, slots=True)
class _Permissions:
    """The plugins that the environment excludes, and the only ones that it permits.

    Attributes:
        disabled: normalized names of plugins that are not loaded.
        only: normalized names of the only plugins that are loaded; empty: all are.
    """

    disabled: frozenset[str]
    only: frozenset[str]

    @classmethod
    def from_environment(cls) -> _Permissions:
        def read(variable: str) -> frozenset[str]:
            return frozenset(map(normalize_distribution, environment.read_list(variable)))

        return cls(read(environment.DISABLE_PLUGINS), read(environment.LOAD_PLUGINS))

    def why_blocked(self, info: EntryPointInfo) -> str:
        """The reason why a plugin is not loaded; empty if it is."""
        if info.names & self.disabled:
            return f"blocked by {environment.DISABLE_PLUGINS}"
        # The allow-list keeps other people's plugins out. Without Simquay's own there would be no
        # backend to fall back on; a user who wants that can still disable it by name.
        if self.only and info.distribution != OWN_DISTRIBUTION and not info.names & self.only:
            return f"not in {environment.LOAD_PLUGINS}"
        return ""

    def log_unmatched(self, found: Iterable[EntryPointInfo]) -> None:
        """Log the names in the variables that match no installed plugin (probably typos)."""
        known = frozenset[str]().union(*(info.names for info in found))
        for variable, names in (
            (environment.DISABLE_PLUGINS, self.disabled),
            (environment.LOAD_PLUGINS, self.only),
        ):
            for name in sorted(names - known):
                _log.info("%s names %r, which is not an installed plugin", variable, name)


def _record_of_failure(info: EntryPointInfo, failure: Failure) -> PluginRecord:
    if isinstance(failure.error, IncompatiblePluginError):
        return info.record(PluginStatus.INCOMPATIBLE, str(failure.error))
    if isinstance(failure.error, InvalidPluginError):
        return info.record(PluginStatus.BROKEN, str(failure.error))
    return info.record(PluginStatus.BROKEN, failure.text, traceback=failure.details)


def _with_conflicts(
    record: PluginRecord, conflicts: Mapping[str, tuple[RegisteredBackend, ...]]
) -> PluginRecord:
    """``record``, marked if another plugin claims one of its plugin's names too."""
    lines = [
        f"{name!r} is also claimed by {_providers(others)}"
        for name, claims in conflicts.items()
        if any(_is_of(claim, record) for claim in claims)
        and (others := tuple(claim for claim in claims if not _is_of(claim, record)))
    ]
    if not lines:
        return record
    return replace(record, status=PluginStatus.CONFLICT, error="; ".join(lines))


def _is_of(claim: RegisteredBackend, record: PluginRecord) -> bool:
    return (claim.distribution, claim.plugin) == (record.distribution, record.name)


def _providers(claims: Iterable[RegisteredBackend]) -> str:
    return " and ".join(claim.provider for claim in claims)
