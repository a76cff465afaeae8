"""The plugin interface: everything that a plugin's entry point imports.

A plugin is an installed distribution with an entry point in the group ``simquay``, whose module
(or object) implements the hook::

    from simquay.plugin import BackendSpec, hookimpl

    @hookimpl
    def simquay_register_backends():
        yield BackendSpec(
            name="mine",
            device="cpu",
            priority=10,
            factory="my_package.backend:make_backend",
            probe="my_package.probe:probe",
            install_hint="pip install my-package[fast]",
        )
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias, Union

import pluggy

__all__ = [
    "ENTRY_POINT_GROUP",
    "PLUGIN_API",
    "RESERVED_NAMES",
    "Available",
    "BackendSpec",
    "ProbeResult",
    "Unavailable",
    "hookimpl",
    "require",
]

ENTRY_POINT_GROUP = "simquay"

PLUGIN_API = 1
"""The version of the plugin interface. A plugin module may say ``SIMQUAY_PLUGIN_API = 1``; one that
names another version is recorded as incompatible and not used."""

hookimpl = pluggy.HookimplMarker("simquay")
"""Marks a plugin's implementation of a hook (see :mod:`simquay.registry.hookspecs`)."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")

RESERVED_NAMES = frozenset({"auto", "cpu", "gpu"})
"""Names that no backend can have, since they select among backends."""


@dataclass(frozen=True, slots=True)
class Available:
    """A probe's answer that the backend can run here.

    Attributes:
        details: facts that ``simquay doctor`` shows, such as the device's name and memory.
    """

    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A probe's answer that the backend cannot run here.

    Attributes:
        reason: why the backend cannot run here, in one line.
        hint: what to do about it; empty: the spec's install hint.
    """

    reason: str
    hint: str = ""


ProbeResult: TypeAlias = Union[Available, Unavailable]


def require(module: str, *, hint: str, title: str = "", distribution: str = "") -> ProbeResult:
    """Whether a package is installed, for use in a probe. The package is not imported.

    ::

        def probe():
            qiskit = require("qiskit", title="Qiskit", hint="pip install 'qiskit>=2.0'")
            if isinstance(qiskit, Unavailable):
                return qiskit
            return require("fastlib", hint="pip install fastlib", distribution="fastlib")

    Args:
        module: the name of a top-level module.
        hint: the command that installs it.
        title: the package's name in the reason; by default ``module``.
        distribution: the distribution whose version the details of the answer show; by default
            they are empty. They are empty too where no distribution of this name is installed.

    Raises:
        ValueError: ``module`` has a dot: looking for a submodule would import its package.
    """
    if "." in module:
        raise ValueError(f"module {module!r} is not a top-level module: give its package")
    try:
        found = find_spec(module) is not None
    except (ImportError, ValueError):  # an import hook refuses it, or its spec is damaged
        found = False
    if not found:
        return Unavailable(f"{title or module} is not installed", hint)
    if not distribution:
        return Available()
    try:
        return Available({distribution: metadata.version(distribution)})
    except metadata.PackageNotFoundError:  # a module without a distribution: it may work
        return Available()


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """The description of a backend that a plugin registers. Creating one loads nothing.

    Attributes:
        name: lower case letters, digits, ``.``, ``_``, ``-``; not ``auto``, ``cpu`` or ``gpu``.
        device: the kind of device that the backend computes on, ``cpu`` or ``gpu``.
        factory: ``module:callable``, called as ``factory(spec)``; it returns a ``BackendV2``,
            a new one each time. Its module is imported when the backend is requested, not before.
        probe: ``module:callable``, called without arguments; it returns :class:`Available` or
            :class:`Unavailable`, quickly and without starting a device. Empty: always available.
        priority: ``auto``, ``cpu`` and ``gpu`` take the available backend of highest priority.
            Simquay's own: reference 0, cupy 10, numpy 50, numba 60. Negative: chosen by
            name only.
        aliases: other names, under the same rules; a canonical name beats an alias.
        description: one line for listings.
        install_hint: the command that makes the backend available; error messages show it.

    Raises:
        ValueError, TypeError: for a field that breaks these rules.
    """

    name: str
    device: Literal["cpu", "gpu"]
    factory: str
    probe: str = ""
    priority: int = 0
    aliases: tuple[str, ...] = ()
    description: str = ""
    install_hint: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.aliases, str):  # else each letter would be an alias
            raise TypeError(f"backend {self.name}: aliases is a string; expected a tuple of names")
        object.__setattr__(self, "aliases", tuple(dict.fromkeys(self.aliases)))
        for name in (self.name, *self.aliases):
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise ValueError(
                    f"backend name {name!r}: expected lower-case letters, digits, '.', '_', '-', "
                    "beginning with a letter or digit"
                )
            if name in RESERVED_NAMES:
                raise ValueError(f"backend name {name!r} is reserved; choose another")
        for field_name in ("factory", "probe", "description", "install_hint"):
            value = getattr(self, field_name)
            if not isinstance(value, str):
                raise TypeError(
                    f"backend {self.name}: {field_name} {value!r} is a {type(value).__name__}; "
                    "expected a string"
                )
        if self.device not in ("cpu", "gpu"):
            raise ValueError(f"backend {self.name}: device {self.device!r} is not 'cpu' or 'gpu'")
        if isinstance(self.priority, bool) or not isinstance(self.priority, int):
            raise TypeError(f"backend {self.name}: priority {self.priority!r} is not an integer")
        for field_name in ("factory", "probe"):
            target = getattr(self, field_name)
            if (target or field_name == "factory") and not _TARGET.fullmatch(target):
                raise ValueError(
                    f"backend {self.name}: {field_name} {target!r} is not 'module:callable'"
                )
