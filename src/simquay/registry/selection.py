"""The registry: loads plugins on first use, lists their backends, and chooses one by name."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import Any, ClassVar

from simquay.errors import (
    AmbiguousBackendError,
    PluginError,
    RegistryError,
    SimquayFallbackWarning,
    SimquayPluginWarning,
)
from simquay.plugin import RESERVED_NAMES, Available, ProbeResult, Unavailable
from simquay.registry import environment, messages
from simquay.registry.catalog import (
    BackendInfo,
    PluginRecord,
    RegisteredBackend,
    Resolution,
    normalize_name,
)
from simquay.registry.guard import Failure, guarded, plugin_lock
from simquay.registry.manager import LoadedPlugins, PluginManager
from simquay.registry.messages import warn
from simquay.registry.probes import Probes
from simquay.registry.requests import Request, parse_requests
from simquay.system.imports import load_object

__all__ = ["RESOLUTION_ATTRIBUTE", "Registry"]

RESOLUTION_ATTRIBUTE = "simquay_resolution"
"""The attribute of a backend that keeps its :class:`Resolution`."""

_BACKEND_CLASS = ("qiskit.providers.backend", "BackendV2")
"""The class that factories return. It is known by its name, since the registry needs no Qiskit."""

_log = logging.getLogger(__name__)


class Registry:
    """The installed plugins, and the backends that they register.

    Nothing is loaded until the first question. Every method may be called from any thread.

    Args:
        strict: whether a plugin that does not load raises; ``None`` asks
            ``SIMQUAY_STRICT_PLUGINS``.
    """

    #: The thread that loads plugins now, of any registry: imports are the whole process's.
    _loading_thread: ClassVar[int | None] = None

    def __init__(self, *, strict: bool | None = None) -> None:
        self._strict = strict
        self._loaded: LoadedPlugins | None = None
        self._probes = Probes()

    def plugins(self) -> tuple[PluginRecord, ...]:
        """A record for every installed plugin, with the outcome of loading it."""
        return self._load().plugins

    def backends(self) -> tuple[BackendInfo, ...]:
        """A row for every registered backend, the highest priority first."""
        return tuple(self._describe(entry) for entry in _by_priority(self._load().catalog.entries))

    def matching(self, name: str) -> tuple[BackendInfo, ...]:
        """The rows of the backends that ``name`` (as for :meth:`choose`; one name) could mean."""
        wanted = normalize_name(name)
        catalog = self._load().catalog
        entries: Iterable[RegisteredBackend] = catalog.claims(wanted)
        if wanted in RESERVED_NAMES:
            entries = (e for e in catalog.entries if wanted in ("auto", e.spec.device))
        return tuple(self._describe(entry) for entry in _by_priority(entries))

    def probe(self, entry: RegisteredBackend) -> ProbeResult:
        """The answer of the backend's probe, which runs once, until :meth:`refresh`."""
        return self._probes.result(entry)

    def refresh(self) -> None:
        """Forget the probes' answers. Plugins stay loaded as they are."""
        self._probes.forget()

    def choose(self, name: str | None, fallback: str | Iterable[str] | None) -> Any:
        """Make the backend that ``name`` means, or else the first fallback that is available.

        Its attribute ``simquay_resolution`` is the :class:`Resolution` that says how it was chosen.

        Raises:
            UnknownBackendError: no plugin registers the name.
            AmbiguousBackendError: several do; no fallback is tried, since the caller can choose.
            BackendUnavailableError: its probe says no, or its factory raised.
            PluginError: its factory broke the rules; or, in strict mode, a plugin did not load.
        """
        requests = parse_requests(name, fallback)
        failures: list[tuple[Request, RegistryError]] = []
        for request in requests:
            try:
                made, entry = self._resolve(request)
            except AmbiguousBackendError:
                raise
            except RegistryError as error:
                if self._loaded is None:  # loading failed, not this name
                    raise
                failures.append((request, error))
                continue
            resolution = Resolution(
                requested=requests[0].name,
                name=entry.name,
                distribution=entry.distribution,
                version=entry.version,
                device=entry.spec.device,
                fallback_from=requests[0].name if failures else None,
                reason=failures[0][1].summary if failures else "",
            )
            if failures:
                _announce(resolution, quiet=request.quiet)
            setattr(made, RESOLUTION_ATTRIBUTE, resolution)
            return made
        raise messages.combined(failures) from failures[0][1].__cause__

    def _resolve(self, request: Request) -> tuple[Any, RegisteredBackend]:
        """The backend that one name means, made, and its entry."""
        if request.name in RESERVED_NAMES:
            return self._resolve_best(request)
        loaded = self._load()
        claims = loaded.catalog.claims(request.name)
        if not claims:
            rows = self.backends()
            raise messages.unknown(
                request,
                loaded,
                [row.lookup for row in rows if row.available],
                [row.lookup for row in rows if not row.available],
            )
        if len(claims) > 1:
            raise messages.ambiguous(request, claims)
        (entry,) = claims
        result = self.probe(entry)
        if isinstance(result, Unavailable):
            raise messages.unavailable(request, entry, result)
        return _make(request, entry), entry

    def _resolve_best(self, request: Request) -> tuple[Any, RegisteredBackend]:
        """The available backend of highest priority on the requested device, made."""
        asked: list[tuple[RegisteredBackend, str, str]] = []
        for entry in _by_priority(self._load().catalog.entries):
            if entry.spec.priority < 0 or request.name not in ("auto", entry.spec.device):
                continue
            result = self.probe(entry)
            if isinstance(result, Unavailable):
                asked.append((entry, result.reason, messages.hint_of(entry.spec, result)))
                continue
            try:
                return _make(request, entry), entry
            except RegistryError as error:
                # The probe said yes, but the factory failed. One broken plugin must not leave
                # everybody without a default backend, but its users must see that it is broken.
                warn(
                    f"{error.summary}; {request.name!r} uses the next backend", SimquayPluginWarning
                )
                asked.append((entry, error.summary, ""))
        raise messages.no_backend_of_device(request, asked)

    def _describe(self, entry: RegisteredBackend) -> BackendInfo:
        result = self.probe(entry)
        catalog = self._load().catalog
        is_ambiguous = len(catalog.claims(entry.name)) > 1
        available = isinstance(result, Available)
        return BackendInfo(
            name=entry.name,
            lookup=entry.qualified if is_ambiguous else entry.name,
            aliases=catalog.aliases(entry),
            device=entry.spec.device,
            priority=entry.spec.priority,
            available=available,
            ambiguous=is_ambiguous,
            reason=result.reason if isinstance(result, Unavailable) else "",
            hint=messages.hint_of(entry.spec, result) if isinstance(result, Unavailable) else "",
            distribution=entry.distribution,
            version=entry.version,
            description=entry.spec.description,
            details=dict(result.details) if isinstance(result, Available) else {},
        )

    def _load(self) -> LoadedPlugins:
        loaded = self._loaded
        if loaded is not None:
            return loaded
        with plugin_lock():
            if self._loaded is not None:
                return self._loaded
            # The lock is re-entrant, so this may be a plugin on the loading thread. (A child that
            # was forked while another thread loaded has a new lock, and loads for itself.)
            if Registry._loading_thread == threading.get_ident():
                raise RegistryError(
                    "a plugin asked for a backend while plugins are being loaded; "
                    "it must not do so at import or in its hook"
                )
            Registry._loading_thread = threading.get_ident()
            try:
                loaded = PluginManager().load()
            finally:
                Registry._loading_thread = None
            strict = self._strict
            if strict is None:
                strict = environment.read_flag(environment.STRICT_PLUGINS)
            if strict and loaded.problems:
                raise PluginError("; ".join(loaded.problems)) from loaded.errors.get(
                    loaded.problems[0]
                )
            self._loaded = loaded
        # Outside the lock and after the assignment, since it raises if warnings are errors.
        for problem in loaded.problems:
            warn(problem, SimquayPluginWarning)
        return loaded


def _by_priority(entries: Iterable[RegisteredBackend]) -> list[RegisteredBackend]:
    """The entries, the highest priority first; ties by name, then by distribution."""
    return sorted(entries, key=lambda e: (-e.spec.priority, e.name, e.distribution))


def _make(request: Request, entry: RegisteredBackend) -> Any:
    """Call the backend's factory, and check that it returns a backend that no earlier call did."""
    made = guarded(lambda: load_object(entry.spec.factory)(entry.spec))
    if isinstance(made, Failure):
        raise messages.not_made(request, entry, made) from made.error
    if _BACKEND_CLASS not in [(one.__module__, one.__qualname__) for one in type(made).__mro__]:
        raise messages.not_a_backend(entry, made)
    if vars(made).get(RESOLUTION_ATTRIBUTE) is not None:
        raise messages.same_object(entry)
    return made


def _announce(resolution: Resolution, *, quiet: bool) -> None:
    text = f"{resolution.reason}; using {resolution.name!r} instead"
    if quiet:  # requested by the environment: a run with warnings as errors must pass
        _log.warning("%s", text)
    else:
        warn(text, SimquayFallbackWarning)
