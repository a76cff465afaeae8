"""The registry's errors, worded: what was wrong, who provides it, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simquay.errors import (
    AmbiguousBackendError,
    BackendUnavailableError,
    PluginError,
    RegistryError,
    UnknownBackendError,
)
from simquay.plugin import RESERVED_NAMES, BackendSpec, Unavailable
from simquay.registry.guard import Failure
from simquay.registry.known import KNOWN_BACKENDS, KnownBackend
from simquay.registry.loading import OWN_DISTRIBUTION, Loaded
from simquay.registry.records import PluginStatus, Registered
from simquay.registry.requests import Wish

__all__ = [
    "ambiguous",
    "combined",
    "hint_of",
    "no_backend_of_device",
    "not_a_backend",
    "not_made",
    "same_object",
    "unavailable",
    "unknown",
]


def provider_of(entry: Registered) -> str:
    """The distribution and version, in brackets, that registers a backend."""
    return f"({entry.distribution} {entry.version})".replace(" )", ")")


def hint_of(spec: BackendSpec, result: Unavailable) -> str:
    """What to do about a backend that is not available."""
    return result.hint or spec.install_hint


def ambiguous(wish: Wish, claims: Sequence[Registered]) -> AmbiguousBackendError:
    """Several plugins claim the name."""
    providers = ", ".join(f"{entry.distribution} {entry.version}".strip() for entry in claims)
    choices = " or ".join(repr(entry.qualified) for entry in claims)
    text = f"backend name {wish.name!r}{wish.origin} is claimed by several plugins ({providers})"
    return AmbiguousBackendError(f"{text}; use {choices}", summary=text)


def unavailable(wish: Wish, entry: Registered, result: Unavailable) -> BackendUnavailableError:
    """The probe says no."""
    text = (
        f"backend {entry.name!r} {provider_of(entry)}{wish.origin} is unavailable: {result.reason}"
    )
    hint = hint_of(entry.spec, result)
    return BackendUnavailableError(f"{text}. Try: {hint}" if hint else text, summary=text)


def not_made(wish: Wish, entry: Registered, failure: Failure) -> BackendUnavailableError:
    """The factory raised; raise the result from ``failure.error``."""
    text = (
        f"backend {entry.name!r} {provider_of(entry)}{wish.origin} could not be made: "
        f"its factory {entry.spec.factory} failed: {failure.text}"
    )
    hint = entry.spec.install_hint if isinstance(failure.error, ImportError) else ""
    return BackendUnavailableError(f"{text}. Try: {hint}" if hint else text, summary=text)


def not_a_backend(entry: Registered, made: object) -> PluginError:
    """The factory returned something else than a backend."""
    return PluginError(
        f"backend {entry.name!r} {provider_of(entry)}: its factory {entry.spec.factory} returned "
        f"a {type(made).__name__}, not a qiskit.providers.BackendV2"
    )


def same_object(entry: Registered) -> PluginError:
    """The factory returned an object that it had returned before."""
    return PluginError(
        f"backend {entry.name!r} {provider_of(entry)}: its factory {entry.spec.factory} returned "
        "the same object twice; it must make a new backend for each call"
    )


def no_backend_of_device(
    wish: Wish, asked: Sequence[tuple[Registered, str, str]]
) -> BackendUnavailableError:
    """``auto``, ``cpu`` or ``gpu`` found nothing; ``asked`` holds backend, reason and hint."""
    kind = "" if wish.name == "auto" else f"{wish.name} "
    text = f"no {kind}backend is available{wish.origin}"
    if asked:
        reasons = "; ".join(
            f"{entry.name} {provider_of(entry)}: {reason}" + (f" (try: {hint})" if hint else "")
            for entry, reason, hint in asked
        )
        return BackendUnavailableError(f"{text}: {reasons}", summary=text)
    known = [one for one in KNOWN_BACKENDS if wish.name in ("auto", one.device)]
    return BackendUnavailableError(
        f"{text}: no installed plugin registers one that may be chosen. {_installable(known)}",
        summary=text,
    )


def unknown(
    wish: Wish, loaded: Loaded, available: Iterable[str], unavailable_names: Iterable[str]
) -> UnknownBackendError:
    """No plugin registers the name: what is close, what is there, what could be installed."""
    parts = [f"no backend is called {wish.name!r}{wish.origin}"]
    by_name = {one.name: one for one in KNOWN_BACKENDS}
    known = by_name.get(wish.name.rpartition(":")[2])
    installed = {record.distribution for record in loaded.plugins}
    failed = [
        record
        for record in loaded.plugins
        if record.status is not PluginStatus.ACTIVE and not record.backends
    ]
    if known is not None and known.distribution not in installed:
        parts.append(f"It comes with {known.distribution}: {known.install}")
    else:
        matches = loaded.catalogue.close_matches(wish.name, {*by_name, *RESERVED_NAMES})
        matches = [match for match in matches if match != wish.name]
        if matches:
            parts.append(f"Did you mean {' or '.join(map(repr, matches))}?")
    there = ", ".join(available)
    parts.append(f"Available: {there or 'none'}")
    if elsewhere := ", ".join(unavailable_names):
        parts.append(f"Installed but unavailable here: {elsewhere}")
    if failed:
        lines = "; ".join(f"{record.label} ({record.status}: {record.error})" for record in failed)
        parts.append(f"Plugins not in use: {lines}")
    if OWN_DISTRIBUTION not in installed:
        parts.append("Simquay's own plugin is not found: install Simquay with pip")
    rest = [one for one in KNOWN_BACKENDS if one is not known and one.distribution not in installed]
    if rest:
        parts.append(_installable(rest))
    return UnknownBackendError(_sentences(parts), summary=parts[0])


def combined(failures: Sequence[tuple[Wish, RegistryError]]) -> RegistryError:
    """One error for a chain of names that cannot be had."""
    first = failures[0][1]
    if len(failures) == 1:
        return first
    rest = "; ".join(f"fallback {wish.name!r}: {error.summary}" for wish, error in failures[1:])
    kinds = {type(error) for _, error in failures}
    kind = kinds.pop() if len(kinds) == 1 else BackendUnavailableError
    return kind(f"{first}; {rest}", summary=first.summary)


def _installable(known: Iterable[KnownBackend]) -> str:
    return "Could be installed: " + ", ".join(f"{one.name} ({one.install})" for one in known)


def _sentences(parts: Iterable[str]) -> str:
    return " ".join(part if part.endswith("?") else f"{part}." for part in parts).rstrip(".")
