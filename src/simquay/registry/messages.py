"""Texts of the registry's errors.

Each error says what was wrong with which backend, which plugin provides it, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simquay.errors import (
    AmbiguousBackendError,
    BackendUnavailableError,
    RegistryError,
    UnknownBackendError,
)
from simquay.plugin import RESERVED_NAMES
from simquay.registry.catalog import (
    BackendInfo,
    PluginRecord,
    PluginStatus,
    RegisteredBackend,
    normalize_distribution,
)
from simquay.registry.entry_points import OWN_DISTRIBUTION, PluginManager
from simquay.registry.requests import Request

__all__ = [
    "KNOWN_BACKENDS",
    "OWN_NAMES",
    "KnownBackend",
    "ambiguous",
    "combined",
    "install_command",
    "installable_backends",
    "may_exist",
    "no_backend_of_device",
    "unavailable",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class KnownBackend:
    """A backend that a published plugin registers, whether or not it is installed.

    Attributes:
        name: the backend's name.
        distribution: the plugin's distribution.
        device: ``cpu`` or ``gpu``.
        install: the command that installs it; the install hint of the plugin's spec.
        others: the plugin's other backends and aliases.
    """

    name: str
    distribution: str
    device: str
    install: str
    others: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names that the plugin registers."""
        return (self.name, *self.others)


KNOWN_BACKENDS = (
    KnownBackend(
        "aer",
        "simquay-aer",
        "cpu",
        'pip install ".[aer]" in a checkout of Simquay',
        ("aer-density-matrix", "aer-mps", "aer-stabilizer"),
    ),
    KnownBackend(
        "cupy",
        "simquay-cupy",
        "gpu",
        'pip install ".[cuda13]" in a checkout of Simquay',
        ("gpu-statevector",),
    ),
    KnownBackend(
        "numba", "simquay-numba", "cpu", 'pip install ".[numba]" in a checkout of Simquay'
    ),
)
"""Sorted by name; for each plugin the backend that users ask for first. A test compares them with
the specs of the plugins."""

OWN_NAMES = ("basic", "numpy", "reference")
"""The names that Simquay's own plugin registers."""

_MEANT = {
    "aer-simulator": "aer",
    "aer-simulator-density-matrix": "aer-density-matrix",
    "aer-simulator-matrix-product-state": "aer-mps",
    "aer-simulator-stabilizer": "aer-stabilizer",
    "aer-simulator-statevector": "aer",
    "aersimulator": "aer",
    "automatic": "auto",
    "basic-simulator": "basic",
    "basicaer": "basic",
    "cuda": "gpu",
    "cusvaer": "gpu",
    "custatevec": "gpu",
    "default": "auto",
    "density-matrix": "aer-density-matrix",
    "ibmq-qasm-simulator": "auto",
    "matrix-product-state": "aer-mps",
    "mps": "aer-mps",
    "nvidia": "gpu",
    "qasm-simulator": "auto",
    "simulator": "auto",
    "stabilizer": "aer-stabilizer",
    "statevector": "auto",
    "statevector-simulator": "auto",
}
"""By a name from elsewhere, in lower case and with hyphens: the name that is meant."""


def ambiguous(request: Request, claims: Sequence[RegisteredBackend]) -> AmbiguousBackendError:
    """The error for a name that several plugins claim."""
    providers = ", ".join(entry.provider for entry in claims)
    choices = " or ".join(repr(entry.qualified) for entry in claims)
    text = (
        f"backend name {request.name!r}{request.origin} is claimed by several plugins ({providers})"
    )
    return AmbiguousBackendError(f"{text}; use {choices}", summary=text)


def unavailable(
    request: Request, entry: RegisteredBackend, reason: str, hint: str
) -> BackendUnavailableError:
    """The error for a backend that cannot run here, or whose factory raised."""
    text = f"{entry}{request.origin} {reason}"
    return BackendUnavailableError(f"{text}. Try: {hint}" if hint else text, summary=text)


def no_backend_of_device(
    request: Request, asked: Sequence[tuple[RegisteredBackend, str]]
) -> BackendUnavailableError:
    """The error for ``auto``, ``cpu`` or ``gpu`` where no backend is available.

    Args:
        request: the name.
        asked: for each backend that was tried, its entry and the reason, with a hint if any.
    """
    kind = "" if request.name == "auto" else f"{request.name} "
    text = f"no {kind}backend is available{request.origin}"
    if asked:
        reasons = "; ".join(f"{entry.name} ({entry.provider}): {reason}" for entry, reason in asked)
        return BackendUnavailableError(f"{text}: {reasons}", summary=text)
    matching = [known for known in KNOWN_BACKENDS if request.name in ("auto", known.device)]
    return BackendUnavailableError(
        f"{text}: no installed plugin has one that is chosen without being named. "
        f"{_installable(matching)}",
        summary=text,
    )


def unknown(
    request: Request, manager: PluginManager, rows: Sequence[BackendInfo]
) -> UnknownBackendError:
    """The error for a name that no plugin registers. ``rows`` describes all backends.

    The text lists similar names, the installed backends, and backends that could be installed.
    """
    parts = [f"no backend is called {request.name!r}{request.origin}"]
    by_name = {name: known for known in KNOWN_BACKENDS for name in known.names}
    alike = request.name.rpartition(":")[2].replace("_", "-").replace(".", "-")
    meant = _MEANT.get(alike)
    known = by_name.get(meant or alike)
    installed = {record.distribution for record in manager.records}
    failed = [
        record
        for record in manager.records
        if record.status is not PluginStatus.ACTIVE and not record.backends
    ]
    if meant is not None:
        more = "; run(circuit, statevector=True) gives the state" if "statevector" in alike else ""
        parts.append(f"Its name here is {meant!r}{more}")
    if known is not None and known.distribution not in installed:
        parts.append(f"It comes with {known.distribution}: {known.install}")
    elif meant is None:
        matches = manager.catalog.close_matches(request.name, {*by_name, *RESERVED_NAMES})
        matches = [match for match in matches if match != request.name]
        if matches:
            parts.append(f"Did you mean {' or '.join(map(repr, matches))}?")
    parts.append(f"Available: {', '.join(row.lookup for row in rows if row.available) or 'none'}")
    if installed_only := ", ".join(row.lookup for row in rows if not row.available):
        parts.append(f"Installed but unavailable here: {installed_only}")
    if failed:
        lines = "; ".join(f"{record.label} ({record.status}: {record.error})" for record in failed)
        parts.append(f"Plugins not in use: {lines}")
    if OWN_DISTRIBUTION not in installed:
        parts.append("Simquay's own plugin is not installed: install Simquay with pip")
    rest = [other for other in installable_backends(manager.records) if other is not known]
    if rest:
        parts.append(_installable(rest))
    return UnknownBackendError(_sentences(parts), summary=parts[0])


def may_exist(name: str, manager: PluginManager) -> bool:
    """Whether a plugin that is not in use may have the backend ``name``, normalized.

    The names of plugins that are not published with Simquay cannot be known unless they load.
    There, a name counts as a mistake if it is similar to one that is known.
    """
    distribution, colon, rest = name.rpartition(":")
    owner = normalize_distribution(distribution)
    published = {known.distribution: known.names for known in KNOWN_BACKENDS}
    published[OWN_DISTRIBUTION] = OWN_NAMES
    if any(rest in names and owner in ("", plugin) for plugin, names in published.items()):
        return True
    silent = {
        record.distribution
        for record in manager.records
        if record.status is not PluginStatus.ACTIVE and not record.backends
    }.difference(published)
    if colon:
        return owner in silent
    known = {name for names in published.values() for name in names}
    return bool(silent) and not manager.catalog.close_matches(name, known | {*RESERVED_NAMES})


def combined(failures: Sequence[tuple[Request, RegistryError]]) -> RegistryError:
    """The error for a list of requests that all failed."""
    first = failures[0][1]
    if len(failures) == 1:
        return first
    rest = "; ".join(
        f"fallback {request.name!r}: {error.summary}" for request, error in failures[1:]
    )
    kinds = {type(error) for _, error in failures}
    kind = kinds.pop() if len(kinds) == 1 else BackendUnavailableError
    return kind(f"{first}; {rest}", summary=first.summary)


def installable_backends(records: Iterable[PluginRecord]) -> list[KnownBackend]:
    """The published backends whose plugins are not among the installed ones."""
    installed = {record.distribution for record in records}
    return [known for known in KNOWN_BACKENDS if known.distribution not in installed]


def install_command(name: str) -> str:
    """The command that installs the published backend of this name; empty where there is none."""
    return next((known.install for known in KNOWN_BACKENDS if name in known.names), "")


def _installable(known: Iterable[KnownBackend]) -> str:
    return "Could be installed: " + ", ".join(
        f"{backend.name} ({backend.install})" for backend in known
    )


def _sentences(parts: Iterable[str]) -> str:
    return " ".join(part if part.endswith("?") else f"{part}." for part in parts).rstrip(".")
