"""Entry points of the group ``simquay``: found, loaded, called, and recorded.

``importlib.metadata.entry_points`` reads all distributions in one call, so that one damaged
``entry_points.txt`` anywhere would hide every plugin; and the first plugin that raises would end a
call of the hook for all. Here each distribution is read, and each plugin loaded and called, in its
own guard. pluggy keeps the plugins, and checks each against the hook's specification.
"""

from __future__ import annotations

import logging
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
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
from simquay.registry.catalog import (
    Catalog,
    PluginRecord,
    PluginStatus,
    RegisteredBackend,
    normalize_distribution,
)
from simquay.registry.guard import Failure, guarded
from simquay.registry.requests import DISABLE_PLUGINS, LOAD_PLUGINS, read_list

__all__ = ["OWN_DISTRIBUTION", "PluginManager", "find_entry_points"]

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


class PluginManager(pluggy.PluginManager):
    """The plugins of one registry.

    Attributes:
        records: one for each entry point, sorted by distribution and name.
        catalog: the registered backends by name.
        problems: for each plugin that is not used and each ambiguous name, one line, and the
            exception that caused it, if one did.
    """

    def __init__(self) -> None:
        super().__init__(hookspecs.PROJECT)
        self.add_hookspecs(hookspecs)
        self.records: list[PluginRecord] = []
        self.catalog = Catalog(())
        self.problems: list[tuple[str, BaseException | None]] = []

    def load(self) -> None:
        """Find and load every plugin that the environment does not exclude.

        A plugin that fails is recorded, and the others load. This raises for none of them.
        """
        found = find_entry_points()
        excluded = _excluded(record for record in found if not record.error)
        registered: list[RegisteredBackend] = []
        for record in found:
            if record.error:
                self.records.append(record)
                self.problems.append((f"plugin {record.label}: {record.error}", None))
            elif record in excluded:
                reason = excluded[record]
                self.records.append(replace(record, status=PluginStatus.BLOCKED, error=reason))
            else:
                self.records.append(self._load_one(record, registered))
        self.catalog = Catalog(registered)
        conflicts = self.catalog.conflicts()
        for name, claims in conflicts.items():
            choices = " or ".join(repr(claim.qualified) for claim in claims)
            text = f"backend name {name!r} is claimed by {_providers(claims)}; use {choices}"
            self.problems.append((text, None))
        self.records = [_with_conflicts(record, conflicts) for record in self.records]
        self.records.sort(key=lambda record: record.sort_key)

    def _load_one(self, record: PluginRecord, registered: list[RegisteredBackend]) -> PluginRecord:
        """Load one entry point, add its backends to ``registered``, and return its record."""
        taken = {entry.name for entry in registered if entry.distribution == record.distribution}
        specs = guarded(partial(self._specs, record, taken))
        if isinstance(specs, Failure):
            error = specs.error
            if isinstance(error, PluginRuleError):
                record = replace(record, status=error.status, error=str(error))
            else:
                status = PluginStatus.BROKEN
                record = replace(record, status=status, error=specs.text, traceback=specs.details)
            self.problems.append((f"plugin {record.label} is not used: {record.error}", error))
            return record
        registered += [
            RegisteredBackend(spec, record.distribution, record.version, record.name)
            for spec in specs
        ]
        names = sorted(spec.name for spec in specs)
        _log.debug("plugin %s registers %s", record.label, ", ".join(names) or "nothing")
        return replace(record, backends=tuple(names))

    def _specs(self, record: PluginRecord, taken: set[str]) -> list[BackendSpec]:
        """Load one entry point, call its hook, and check the specs that it gives.

        Raises:
            PluginRuleError: the plugin breaks a rule.
            BaseException: any that the plugin raises. Call this inside the guard.
        """
        loaded = _load_plugin(record)
        if not any(loaded is known for known in self.get_plugins()):  # two may name one object
            label = f"{record.distribution}:{record.name}"
            try:
                self.register(loaded, label)
                self.check_pending()
            except pluggy.PluginValidationError:
                self.unregister(name=label)
                raise
        hook = self.hook.simquay_register_backends
        calls = [one.function for one in hook.get_hookimpls() if one.plugin is loaded]
        if not calls:
            raise PluginRuleError(
                f"{record.target} implements no hook: expected a function "
                "simquay_register_backends marked with simquay.plugin.hookimpl"
            )
        given = (spec for call in calls for spec in _checked(call()))
        specs = list(islice(given, _MOST_BACKENDS + 1))
        if len(specs) > _MOST_BACKENDS:
            raise PluginRuleError(f"it registers more than {_MOST_BACKENDS} backends")
        for kind, names in (
            ("name", Counter(spec.name for spec in specs)),
            ("alias", Counter(alias for spec in specs for alias in spec.aliases)),
        ):
            if repeated := sorted(name for name, count in names.items() if count > 1):
                raise PluginRuleError(f"it registers the {kind} {', '.join(repeated)} twice")
        # ``distribution:name`` must find one backend. So within a distribution the first entry
        # point (by name) keeps a name, and a later one that repeats it is left out.
        if repeated := sorted(taken.intersection(spec.name for spec in specs)):
            raise PluginRuleError(
                f"its distribution registers {', '.join(repeated)} in another entry point",
                PluginStatus.CONFLICT,
            )
        return specs


def find_entry_points() -> list[PluginRecord]:
    """A record of each entry point of every installed distribution. Nothing of them is loaded.

    First stand, with an error, the distributions that cannot be read. The order is by name:
    neither the order of installation nor of the search path matters. If a distribution is on the
    path twice, the first counts, as it does for ``import``.
    """
    found: list[PluginRecord] = []
    unreadable: list[PluginRecord] = []
    names = {guarded(partial(_name_of_plugin, installed)) for installed in distributions()}
    # A Failure among them: no readable metadata, so no distribution.
    for name in sorted(name for name in names if isinstance(name, str)):
        plugins = guarded(partial(_plugins_of, name))
        if isinstance(plugins, Failure):
            error = f"its entry points cannot be read: {plugins.text}"
            unreadable.append(
                PluginRecord(name, name, "", "", PluginStatus.BROKEN, error, (), plugins.details)
            )
        else:
            found += plugins
    return unreadable + sorted(found, key=lambda record: record.sort_key)


def _name_of_plugin(installed: Distribution) -> str | None:
    """The distribution's name, normalized, if it may have entry points of the group."""
    text = installed.read_text("entry_points.txt")
    if text is None or ENTRY_POINT_GROUP not in text:  # parsing metadata costs far more
        return None
    return normalize_distribution(installed.metadata["Name"])


def _plugins_of(name: str) -> list[PluginRecord]:
    """The entry points of the distribution that ``import`` would find under this name."""
    try:
        chosen = distribution(name)
    except PackageNotFoundError:  # half removed, such as pip's ``~name-1.0.dist-info``
        return []
    return [
        PluginRecord(one.name, name, chosen.version or "", one.value, PluginStatus.ACTIVE)
        for one in chosen.entry_points
        if one.group == ENTRY_POINT_GROUP
    ]


def _excluded(found: Iterable[PluginRecord]) -> dict[PluginRecord, str]:
    """The plugins that the environment excludes, and why.

    The variables name a plugin by its distribution or its entry point. Names that match no
    installed plugin (probably typos) are logged.
    """
    disabled, only = (
        frozenset(map(normalize_distribution, read_list(variable)))
        for variable in (DISABLE_PLUGINS, LOAD_PLUGINS)
    )
    excluded = {}
    known: set[str] = set()
    for record in found:
        names = {record.distribution, normalize_distribution(record.name)}
        known |= names
        if names & disabled:
            excluded[record] = f"blocked by {DISABLE_PLUGINS}"
        # The allow-list keeps other people's plugins out. Without Simquay's own there would be no
        # backend to fall back on; a user who wants that can still disable it by name.
        elif only and record.distribution != OWN_DISTRIBUTION and not names & only:
            excluded[record] = f"not in {LOAD_PLUGINS}"
    for variable, listed in ((DISABLE_PLUGINS, disabled), (LOAD_PLUGINS, only)):
        for name in sorted(listed - known):
            _log.info("%s names %r, which is not an installed plugin", variable, name)
    return excluded


def _load_plugin(record: PluginRecord) -> object:
    """The object that the entry point names, if it is built for this version of the interface."""
    if not _OBJECT_REFERENCE.fullmatch(record.target):
        raise PluginRuleError(
            f"its entry point {record.target!r} is not 'module' or 'module:object'"
        )
    entry_point = EntryPoint(record.name, record.target, ENTRY_POINT_GROUP)
    loaded: object = entry_point.load()
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
    return loaded


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
