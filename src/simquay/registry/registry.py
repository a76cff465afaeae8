"""The registry: loads plugins on first use, answers for names, and chooses."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import ClassVar, TypeVar

from simquay.errors import (
    AmbiguousBackendError,
    PluginError,
    RegistryError,
    SimquayFallbackWarning,
    SimquayPluginWarning,
)
from simquay.plugin import RESERVED_NAMES, Available, ProbeResult, Unavailable
from simquay.registry import environment, messages
from simquay.registry.guard import Failure, guarded
from simquay.registry.loading import Loaded, load_plugins
from simquay.registry.locks import registry_lock
from simquay.registry.names import Resolution, folded
from simquay.registry.probes import Probes
from simquay.registry.records import BackendInfo, PluginRecord, Registered
from simquay.registry.requests import Wish, read_wishes
from simquay.registry.warn import warn
from simquay.system.imports import load_object

__all__ = ["Registry"]

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Registry:
    """The plugins that are installed, and the backends that they register.

    Nothing is loaded until the first question. Every method may be called from any thread.

    Args:
        strict: whether a plugin that does not load raises; ``None`` asks
            ``SIMQUAY_STRICT_PLUGINS``.
    """

    #: The thread that loads plugins now, for whichever registry: importing them is the process's.
    _loading_thread: ClassVar[int | None] = None

    def __init__(self, *, strict: bool | None = None) -> None:
        self._strict = strict
        self._loaded: Loaded | None = None
        self._probes = Probes()

    def plugins(self) -> tuple[PluginRecord, ...]:
        """A record for every installed plugin, whatever became of it."""
        return self._load().plugins

    def backends(self) -> tuple[BackendInfo, ...]:
        """A row for every registered backend, the highest priority first."""
        return tuple(
            self._describe(entry) for entry in _by_priority(self._load().catalogue.entries)
        )

    def matching(self, name: str) -> tuple[BackendInfo, ...]:
        """The rows that ``name`` (as for :meth:`choose`, no chain) could mean."""
        wanted = folded(name)
        catalogue = self._load().catalogue
        entries: Iterable[Registered] = catalogue.claims(wanted)
        if wanted in RESERVED_NAMES:
            entries = (e for e in catalogue.entries if wanted in ("auto", e.spec.device))
        return tuple(self._describe(entry) for entry in _by_priority(entries))

    def probe(self, entry: Registered) -> ProbeResult:
        """What the backend's probe says; asked once, until :meth:`refresh`."""
        return self._probes.result(entry)

    def refresh(self) -> None:
        """Ask every probe again the next time. Plugins stay as they are loaded."""
        self._probes.forget()

    def choose(
        self,
        name: str | None,
        fallback: str | Iterable[str] | None,
        check: Callable[[Registered, object], T],
    ) -> tuple[T, Resolution]:
        """Make the backend that ``name`` means, or else the first fallback that can be had.

        ``check(entry, made)`` gets what the factory returned, and returns the backend or raises a
        :class:`~simquay.errors.PluginError`.

        Raises:
            UnknownBackendError: no plugin registers the name.
            AmbiguousBackendError: several do; no fallback is taken, since the caller can choose.
            BackendUnavailableError: its probe says no, or its factory raised.
            PluginError: its factory broke the rules; or, in strict mode, a plugin did not load.
        """
        wishes = read_wishes(name, fallback)
        failures: list[tuple[Wish, RegistryError]] = []
        for wish in wishes:
            try:
                made, entry = self._take(wish, check)
            except AmbiguousBackendError:
                raise
            except RegistryError as error:
                if self._loaded is None:  # loading failed, not this name
                    raise
                failures.append((wish, error))
                continue
            resolution = Resolution(
                requested=wishes[0].name,
                name=entry.name,
                distribution=entry.distribution,
                version=entry.version,
                device=entry.spec.device,
                fallback_from=wishes[0].name if failures else None,
                reason=failures[0][1].summary if failures else "",
            )
            if failures:
                _announce(resolution, quiet=wish.quiet)
            return made, resolution
        raise messages.combined(failures) from failures[0][1].__cause__

    def _take(self, wish: Wish, check: Callable[[Registered, object], T]) -> tuple[T, Registered]:
        if wish.name in RESERVED_NAMES:
            return self._take_best(wish, check)
        loaded = self._load()
        claims = loaded.catalogue.claims(wish.name)
        if not claims:
            rows = self.backends()
            raise messages.unknown(
                wish,
                loaded,
                [row.lookup for row in rows if row.available],
                [row.lookup for row in rows if not row.available],
            )
        if len(claims) > 1:
            raise messages.ambiguous(wish, claims)
        (entry,) = claims
        result = self.probe(entry)
        if isinstance(result, Unavailable):
            raise messages.unavailable(wish, entry, result)
        return _make(wish, entry, check), entry

    def _take_best(
        self, wish: Wish, check: Callable[[Registered, object], T]
    ) -> tuple[T, Registered]:
        """The available backend of highest priority, of the wished device."""
        asked: list[tuple[Registered, str, str]] = []
        for entry in _by_priority(self._load().catalogue.entries):
            if entry.spec.priority < 0 or wish.name not in ("auto", entry.spec.device):
                continue
            result = self.probe(entry)
            if isinstance(result, Unavailable):
                asked.append((entry, result.reason, messages.hint_of(entry.spec, result)))
                continue
            try:
                return _make(wish, entry, check), entry
            except RegistryError as error:
                # The probe said yes and the factory no. One broken plugin must not take the
                # default backend away from everybody, but it must be seen.
                warn(f"{error.summary}; {wish.name!r} takes the next backend", SimquayPluginWarning)
                asked.append((entry, error.summary, ""))
        raise messages.no_backend_of_device(wish, asked)

    def _describe(self, entry: Registered) -> BackendInfo:
        result = self.probe(entry)
        catalogue = self._load().catalogue
        is_ambiguous = len(catalogue.claims(entry.name)) > 1
        available = isinstance(result, Available)
        return BackendInfo(
            name=entry.name,
            lookup=entry.qualified if is_ambiguous else entry.name,
            aliases=catalogue.aliases(entry),
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

    def _load(self) -> Loaded:
        loaded = self._loaded
        if loaded is not None:
            return loaded
        with registry_lock():
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
                loaded = load_plugins()
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
        # Outside the lock, and after everything is in place: with warnings as errors this raises.
        for problem in loaded.problems:
            warn(problem, SimquayPluginWarning)
        return loaded


def _by_priority(entries: Iterable[Registered]) -> list[Registered]:
    """The highest priority first; ties by name, then by distribution."""
    return sorted(entries, key=lambda e: (-e.spec.priority, e.name, e.distribution))


def _make(wish: Wish, entry: Registered, check: Callable[[Registered, object], T]) -> T:
    """Call the backend's factory, and check what it returns."""
    made = guarded(lambda: load_object(entry.spec.factory)(entry.spec))
    if isinstance(made, Failure):
        raise messages.not_made(wish, entry, made) from made.error
    return check(entry, made)


def _announce(resolution: Resolution, *, quiet: bool) -> None:
    text = f"{resolution.reason}; {resolution.name!r} is taken instead"
    if quiet:  # the environment asked for it: a run with warnings as errors must pass
        _log.warning("%s", text)
    else:
        warn(text, SimquayFallbackWarning)
