"""Loading plugins: each entry point on its own, so that one failure is one record.

pluggy validates each plugin against the hook's specification. Each plugin gets a manager of its
own and is called on its own, since in a shared one the first that raises would end the call for
all.
"""

from __future__ import annotations

import logging
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import pluggy

from simquay.plugin import PLUGIN_API, BackendSpec
from simquay.registry import environment, hookspecs
from simquay.registry.discovery import Found, find_plugins
from simquay.registry.guard import Failure, guarded
from simquay.registry.names import Catalogue
from simquay.registry.records import PluginRecord, PluginStatus, Registered, normalized

__all__ = ["OWN_DISTRIBUTION", "Loaded", "load_plugins"]

OWN_DISTRIBUTION = "simquay"

_MOST_BACKENDS = 1000  # a generator that never ends must not hang every program

# As the packaging specification has it; the extras in brackets are of the past.
_OBJECT_REFERENCE = re.compile(r"[\w.]+\s*(:\s*[\w.]+)?\s*(\[.*\])?")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one round of loading brought.

    Attributes:
        plugins: a record for each entry point, sorted by distribution and name.
        catalogue: the registered backends by name.
        problems: one line for each plugin or name that is not as it should be.
        errors: the exceptions behind the problems, where there is one.
    """

    plugins: tuple[PluginRecord, ...]
    catalogue: Catalogue
    problems: tuple[str, ...]
    errors: Mapping[str, BaseException]


class _WrongPluginError(Exception):
    """What the plugin did against the rules; the message is the record's error."""


class _OtherVersionError(Exception):
    """The plugin is built for another version of the plugin interface."""


def load_plugins() -> Loaded:
    """Find and load every plugin that the environment lets through. It raises for none of them."""
    found, records = find_plugins()
    registered: list[Registered] = []
    problems = [f"plugin {record.label}: {record.error}" for record in records]
    errors: dict[str, BaseException] = {}
    allowed = _Selection.from_environment()
    allowed.log_unmatched(found)
    taken: set[tuple[str, str]] = set()
    for one in found:
        blocked = allowed.why_blocked(one)
        if blocked:
            records.append(one.record(PluginStatus.BLOCKED, blocked))
            continue
        specs = guarded(partial(_specs_of, one))
        if isinstance(specs, Failure):
            record, problem = _failed(one, specs)
            records.append(record)
            problems.append(problem)
            errors[problem] = specs.error
            continue
        # ``distribution:name`` must find one backend, so within a distribution the first entry
        # point (by name) keeps a name and a later one that repeats it is left out.
        repeated = sorted(s.name for s in specs if (one.distribution, s.name) in taken)
        if repeated:
            reason = f"its distribution registers {', '.join(repeated)} in another entry point"
            records.append(one.record(PluginStatus.CONFLICT, reason))
            problems.append(f"plugin {_label(one)}: {reason}")
            continue
        taken.update((one.distribution, spec.name) for spec in specs)
        names = tuple(sorted(spec.name for spec in specs))
        records.append(one.record(PluginStatus.ACTIVE, backends=names))
        registered += [
            Registered(spec, one.distribution, one.version, one.entry_point.name) for spec in specs
        ]
        _log.debug("plugin %s registers %s", _label(one), ", ".join(names) or "nothing")
    catalogue = Catalogue(registered)
    conflicts = catalogue.conflicts()
    problems += [
        f"backend name {name!r} is claimed by {_providers(claims)}; "
        f"use {' or '.join(repr(claim.qualified) for claim in claims)}"
        for name, claims in conflicts.items()
    ]
    marked = sorted(
        (_with_conflicts(record, conflicts) for record in records),
        key=lambda record: (record.distribution, record.name, record.target),
    )
    return Loaded(tuple(marked), catalogue, tuple(problems), errors)


@dataclass(frozen=True, slots=True)
class _Selection:
    """Which plugins the environment lets through."""

    disabled: frozenset[str]
    only: frozenset[str]

    @classmethod
    def from_environment(cls) -> _Selection:
        def read(variable: environment.Variable) -> frozenset[str]:
            return frozenset(normalized(item) for item in environment.read_list(variable))

        return cls(read(environment.DISABLE_PLUGINS), read(environment.LOAD_PLUGINS))

    def why_blocked(self, one: Found) -> str:
        """The reason why a plugin is not loaded; empty where it is."""
        names = _names_of(one)
        if names & self.disabled:
            return f"blocked by {environment.DISABLE_PLUGINS.name}"
        # The allow-list shields from other people's plugins. Without Simquay's own there would
        # be no backend to fall back on; who wants that can still disable it by name.
        if self.only and one.distribution != OWN_DISTRIBUTION and not names & self.only:
            return f"not in {environment.LOAD_PLUGINS.name}"
        return ""

    def log_unmatched(self, found: Iterable[Found]) -> None:
        """A name that no plugin has may be a slip of the pen: say so to whoever listens."""
        known = frozenset[str]().union(*(_names_of(one) for one in found))
        for variable, names in (
            (environment.DISABLE_PLUGINS, self.disabled),
            (environment.LOAD_PLUGINS, self.only),
        ):
            for name in sorted(names - known):
                _log.info("%s names %r, which is not an installed plugin", variable.name, name)


def _names_of(one: Found) -> frozenset[str]:
    """A plugin answers to its distribution's name and to its entry point's."""
    return frozenset((one.distribution, normalized(one.entry_point.name)))


def _specs_of(one: Found) -> list[BackendSpec]:
    """Load one entry point and call its hook. It may raise whatever the plugin raises."""
    if not _OBJECT_REFERENCE.fullmatch(one.entry_point.value):
        raise _WrongPluginError(
            f"its entry point {one.entry_point.value!r} is not 'module' or 'module:object'"
        )
    plugin = one.entry_point.load()
    version = getattr(plugin, "SIMQUAY_PLUGIN_API", None)
    if version is None:  # an object that is no module: its module may say it
        module = sys.modules.get(one.entry_point.module)
        version = getattr(module, "SIMQUAY_PLUGIN_API", PLUGIN_API)
    if version != PLUGIN_API:
        raise _OtherVersionError(
            f"it is built for version {version!r} of the plugin interface, and this Simquay "
            f"has version {PLUGIN_API}; install versions that fit"
        )
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name=f"{one.distribution}:{one.entry_point.name}")
    manager.check_pending()
    hook = manager.hook.simquay_register_backends
    implementations = len(hook.get_hookimpls())
    if not implementations:
        raise _WrongPluginError(
            f"{one.entry_point.value} implements no hook: expected a function "
            "simquay_register_backends marked with simquay.plugin.hookimpl"
        )
    returned = hook()
    if len(returned) < implementations:  # pluggy leaves out None
        raise _WrongPluginError(
            "simquay_register_backends returned None, not an iterable of BackendSpec"
        )
    specs: list[BackendSpec] = []
    for iterable in returned:
        if isinstance(iterable, BackendSpec) or not isinstance(iterable, Iterable):
            raise _WrongPluginError(
                f"simquay_register_backends returned a {type(iterable).__name__}, "
                "not an iterable of BackendSpec"
            )
        for spec in islice(iterable, _MOST_BACKENDS + 1):
            if not isinstance(spec, BackendSpec):
                raise _WrongPluginError(
                    f"simquay_register_backends yielded a {type(spec).__name__}, not a BackendSpec"
                )
            specs.append(spec)
    if len(specs) > _MOST_BACKENDS:
        raise _WrongPluginError(f"it registers more than {_MOST_BACKENDS} backends")
    for what, names in (
        ("name", Counter(spec.name for spec in specs)),
        ("alias", Counter(alias for spec in specs for alias in spec.aliases)),
    ):
        twice = sorted(name for name, times in names.items() if times > 1)
        if twice:
            raise _WrongPluginError(f"it registers the {what} {', '.join(twice)} twice")
    return specs


def _failed(one: Found, failure: Failure) -> tuple[PluginRecord, str]:
    """The record and the one line of a plugin that did not load."""
    if isinstance(failure.error, _OtherVersionError):
        record = one.record(PluginStatus.INCOMPATIBLE, str(failure.error))
    elif isinstance(failure.error, _WrongPluginError):
        record = one.record(PluginStatus.BROKEN, str(failure.error))
    else:
        record = one.record(PluginStatus.BROKEN, failure.text, traceback=failure.details)
    return record, f"plugin {record.label} is not used: {record.error}"


def _with_conflicts(
    record: PluginRecord, conflicts: Mapping[str, tuple[Registered, ...]]
) -> PluginRecord:
    """``record``, marked where one of its plugin's names is claimed by another as well."""
    lines = [
        f"{name!r} is also claimed by {_providers(others)}"
        for name, claims in conflicts.items()
        if any(_is_of(claim, record) for claim in claims)
        and (others := tuple(claim for claim in claims if not _is_of(claim, record)))
    ]
    if not lines:
        return record
    return replace(record, status=PluginStatus.CONFLICT, error="; ".join(lines))


def _is_of(claim: Registered, record: PluginRecord) -> bool:
    return (claim.distribution, claim.plugin) == (record.distribution, record.name)


def _providers(claims: Iterable[Registered]) -> str:
    return " and ".join(f"{claim.distribution} {claim.version}".strip() for claim in claims)


def _label(one: Found) -> str:
    return f"{one.distribution} {one.version}".strip()
