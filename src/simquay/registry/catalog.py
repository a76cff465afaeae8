"""The catalog: plugins and backends as plain frozen data, and which backend a name means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from typing import Any

from simquay.plugin import BackendSpec

__all__ = [
    "BackendInfo",
    "Catalog",
    "PluginRecord",
    "PluginStatus",
    "RegisteredBackend",
    "Resolution",
    "normalize_distribution",
    "normalize_name",
]


def normalize_distribution(distribution: str) -> str:
    """A distribution's name, normalized as in PEP 503: ``My_Pkg`` becomes ``my-pkg``."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def normalize_name(name: str, argument: str = "name") -> str:
    """A backend's name, normalized for comparison: no surrounding blanks, lower case.

    Raises:
        TypeError: if it is not a string. The text names the ``argument``.
    """
    if not isinstance(name, str):
        raise TypeError(
            f"{argument} {name!r} is a {type(name).__name__}: expected a backend's name as a string"
        )
    return name.strip().lower()


class PluginStatus(str, Enum):
    """The outcome of loading a plugin."""

    ACTIVE = "active"
    """Loaded; its backends are registered."""
    BLOCKED = "blocked"
    """Not loaded, because an environment variable excludes it."""
    BROKEN = "broken"
    """It failed to load, or its hook raised or gave anything but specs."""
    INCOMPATIBLE = "incompatible"
    """Built for another version of the plugin interface."""
    CONFLICT = "conflict"
    """Loaded, but another plugin claims one of its names too."""

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """One entry point of the group ``simquay``, and the outcome of loading it.

    Attributes:
        name: the entry point's name.
        distribution: the distribution that installed it, normalized.
        version: that distribution's version.
        target: the entry point's value, ``module`` or ``module:object``.
        status: see :class:`PluginStatus`.
        error: why it is not active, in one line; empty if it is.
        backends: the canonical names that it registers, sorted; empty if it is not loaded.
        traceback: the traceback as text, if an exception is the reason.
    """

    name: str
    distribution: str
    version: str
    target: str
    status: PluginStatus
    error: str = ""
    backends: tuple[str, ...] = ()
    traceback: str = field(default="", repr=False)

    @property
    def label(self) -> str:
        """The plugin as messages name it: distribution and version."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def sort_key(self) -> tuple[str, str, str]:
        """Records are listed in this order."""
        return (self.distribution, self.name, self.target)


@dataclass(frozen=True, slots=True)
class RegisteredBackend:
    """A spec and the plugin that registered it; a registry has one for each distribution and name.

    Attributes:
        spec: the backend's description.
        distribution: the plugin's distribution, normalized.
        version: its version.
        plugin: the entry point's name.
    """

    spec: BackendSpec
    distribution: str
    version: str
    plugin: str

    def __str__(self) -> str:
        """The backend as messages name it."""
        return f"backend {self.name!r} ({self.provider})"

    @property
    def name(self) -> str:
        """The backend's canonical name."""
        return self.spec.name

    @property
    def names(self) -> frozenset[str]:
        """All names that the backend claims: the canonical one and the aliases."""
        return frozenset((self.spec.name, *self.spec.aliases))

    @property
    def provider(self) -> str:
        """The plugin as messages name it: distribution and version."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def qualified(self) -> str:
        """``distribution:name``, which finds this backend and no other."""
        return f"{self.distribution}:{self.spec.name}"


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """A registered backend as listings show it. Only its probe was loaded for this.

    Attributes:
        name: the canonical name.
        lookup: the name for ``get_backend``: ``name``, or ``distribution:name`` if ``name`` is
            ambiguous.
        aliases: the other names that find it.
        device: ``cpu`` or ``gpu``.
        priority: ``auto``, ``cpu`` and ``gpu`` take the highest that is available.
        available: whether the probe says that it can run here.
        ambiguous: whether another plugin claims the same name.
        reason: why it is not available; empty if it is.
        hint: what to do about it; empty if it is available.
        distribution: the distribution that registers it, normalized.
        version: that distribution's version.
        description: one line.
        details: the probe's facts about the device.
    """

    name: str
    lookup: str
    aliases: tuple[str, ...]
    device: str
    priority: int
    available: bool
    ambiguous: bool
    reason: str
    hint: str
    distribution: str
    version: str
    description: str
    details: Mapping[str, Any]

    @property
    def status(self) -> str:
        """``available`` or ``unavailable``."""
        return "available" if self.available else "unavailable"


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a backend was chosen. The provider stores it on the backend as
    ``simquay_resolution``; ``job.metadata`` is filled from it.

    Attributes:
        requested: the first name requested, before any fallback: a backend's name, ``auto``,
            ``cpu`` or ``gpu``.
        name: the canonical name of the chosen backend.
        distribution: the distribution that registers it.
        version: that distribution's version.
        device: ``cpu`` or ``gpu``.
        fallback_from: the requested name, if a fallback was chosen; otherwise ``None``.
        reason: why the requested backend was not chosen; empty without a fallback.
    """

    requested: str
    name: str
    distribution: str
    version: str
    device: str
    fallback_from: str | None = None
    reason: str = ""


class Catalog:
    """The registered backends by name.

    The rules:

    - A canonical name beats an alias.
    - Several claims of the same kind make that name, and only that name, ambiguous.
    - ``distribution:name`` applies the same rules to the backends of one distribution.
    - The order in which plugins were installed or loaded plays no part.
    """

    def __init__(self, registered: Iterable[RegisteredBackend]) -> None:
        #: All backends, sorted by name and distribution.
        self.entries = tuple(sorted(registered, key=lambda entry: (entry.name, entry.distribution)))

    def claims(self, name: str) -> tuple[RegisteredBackend, ...]:
        """The backends that ``name`` (normalized, perhaps qualified) means, if any."""
        distribution, colon, rest = name.rpartition(":")
        entries = self.entries
        if colon:
            owner = normalize_distribution(distribution)
            entries = tuple(entry for entry in entries if entry.distribution == owner)
        named = tuple(entry for entry in entries if entry.spec.name == rest)
        return named or tuple(entry for entry in entries if rest in entry.spec.aliases)

    def conflicts(self) -> dict[str, tuple[RegisteredBackend, ...]]:
        """The ambiguous names, sorted, and the backends that claim each."""
        counts = Counter(name for entry in self.entries for name in entry.names)
        claims = {name: self.claims(name) for name in sorted(counts) if counts[name] > 1}
        return {name: entries for name, entries in claims.items() if len(entries) > 1}

    def aliases(self, entry: RegisteredBackend) -> tuple[str, ...]:
        """The aliases that mean ``entry`` alone: neither ambiguous nor hidden by a name."""
        return tuple(alias for alias in entry.spec.aliases if self.claims(alias) == (entry,))

    def close_matches(self, name: str, more: Iterable[str] = ()) -> list[str]:
        """Up to three names, of the catalog's and of ``more``, that look like ``name``."""
        if ":" not in name:
            known = sorted({*more}.union(*(entry.names for entry in self.entries)))
            return get_close_matches(name, known, n=3, cutoff=0.6)
        same = [entry.qualified for entry in self.claims(name.rpartition(":")[2])]
        known = sorted(entry.qualified for entry in self.entries)
        close = get_close_matches(name, known, n=3, cutoff=0.6)
        return list(dict.fromkeys([*same, *close]))[:3]
