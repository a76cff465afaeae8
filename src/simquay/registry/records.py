"""What the registry knows of plugins and backends, as plain frozen data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from simquay.plugin import BackendSpec

__all__ = ["BackendInfo", "PluginRecord", "PluginStatus", "Registered", "normalized"]


def normalized(distribution: str) -> str:
    """A distribution's name as package indexes compare it: ``My_Pkg`` is ``my-pkg``."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


class PluginStatus(str, Enum):
    """What became of a plugin."""

    ACTIVE = "active"
    """Loaded; its backends are registered."""
    BLOCKED = "blocked"
    """Not loaded, since the environment says so."""
    BROKEN = "broken"
    """It failed to load, or its hook raised or yielded something else than specs."""
    INCOMPATIBLE = "incompatible"
    """Built for another version of the plugin interface."""
    CONFLICT = "conflict"
    """Loaded, but a name of its own is claimed by another plugin as well."""

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """One entry point of the group ``simquay``, and what became of it.

    Attributes:
        name: the entry point's name.
        distribution: the distribution that installed it, normalized.
        version: that distribution's version.
        target: the entry point's value, ``module`` or ``module:object``.
        status: see :class:`PluginStatus`.
        error: why it is not active, in one line; empty where it is.
        backends: the canonical names that it registers, sorted; empty where it is not loaded.
        traceback: the traceback as text, where an exception is the reason.
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


@dataclass(frozen=True, slots=True)
class Registered:
    """A spec and who registered it. ``(distribution, spec.name)`` is unique in a registry.

    Attributes:
        spec: what the plugin registered.
        distribution: the plugin's distribution, normalized.
        version: its version.
        plugin: the entry point's name.
    """

    spec: BackendSpec
    distribution: str
    version: str
    plugin: str

    @property
    def name(self) -> str:
        """The backend's canonical name."""
        return self.spec.name

    @property
    def qualified(self) -> str:
        """``distribution:name``, which finds this backend and no other."""
        return f"{self.distribution}:{self.spec.name}"


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """A registered backend as listings show it. Nothing but the probe was loaded for it.

    Attributes:
        name: the canonical name.
        lookup: what to give to ``get_backend``: the name, or ``distribution:name`` where the
            name is ambiguous.
        aliases: the other names that find it.
        device: ``cpu`` or ``gpu``.
        priority: ``auto``, ``cpu`` and ``gpu`` take the highest that is available.
        available: what the probe says.
        ambiguous: whether another plugin claims the same name.
        reason: why it is not available; empty where it is.
        hint: what to do about it; empty where it is available.
        distribution: who registers it, normalized.
        version: that distribution's version.
        description: one line.
        details: what the probe tells of the device.
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
