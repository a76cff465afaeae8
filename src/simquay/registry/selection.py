"""The registry: loads plugins on first use, lists their backends, and chooses one by name."""

from __future__ import annotations

import logging
import pkgutil
import sys
import threading
from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from simquay.errors import (
    AmbiguousBackendError,
    PluginError,
    RegistryError,
    SimquayFallbackWarning,
    SimquayPluginWarning,
    UnknownBackendError,
)
from simquay.plugin import RESERVED_NAMES, Available, ProbeResult, Unavailable
from simquay.registry import messages
from simquay.registry.catalog import (
    BackendInfo,
    PluginRecord,
    RegisteredBackend,
    Resolution,
    normalize_name,
)
from simquay.registry.entry_points import PluginManager
from simquay.registry.guard import Failure, guarded
from simquay.registry.requests import (
    FALLBACK,
    STRICT_PLUGINS,
    Request,
    parse_requests,
    read_flag,
    read_list,
)
from simquay.system.lifecycle import import_lock
from simquay.system.warning import warn

__all__ = ["RESOLUTION_ATTRIBUTE", "Registry"]

RESOLUTION_ATTRIBUTE = "simquay_resolution"
"""The attribute of a backend that keeps its :class:`Resolution`."""

_log = logging.getLogger(__name__)


class Registry:
    """The installed plugins, and the backends that they register.

    Nothing is loaded until the first question, which loads each plugin once: a new registry sees
    plugins that were installed since. Every method may be called from any thread.

    Args:
        strict: whether a plugin that does not load, or that claims a taken name, is an error
            rather than a warning; ``None`` asks ``SIMQUAY_STRICT_PLUGINS``.
    """

    #: The thread that loads plugins now, of any registry: imports are the whole process's.
    _loading_thread: ClassVar[int | None] = None

    def __init__(self, *, strict: bool | None = None) -> None:
        self._strict = strict
        self._manager: PluginManager | None = None
        self._answers: dict[str, ProbeResult] = {}

    def plugins(self) -> list[PluginRecord]:
        """Every installed plugin, including blocked and broken ones, by distribution and name."""
        return list(self._load().records)

    def backends(
        self,
        name: str | None = None,
        *,
        device: Literal["cpu", "gpu"] | None = None,
        all: bool = False,
    ) -> list[BackendInfo]:
        """Descriptions of the backends that :meth:`get_backend` can make, highest priority first.

        No backend is made, and only the probes are loaded.

        Args:
            name: list only the backends that this name could mean; ``None`` for every name.
            device: list only the backends that compute on ``cpu`` or ``gpu``.
            all: list the backends that are not available here too.

        Raises:
            TypeError: ``name`` is not a string.
            ValueError: ``device`` is not a device.
        """
        if device not in (None, "cpu", "gpu"):
            raise ValueError(f"device {device!r}: expected 'cpu', 'gpu' or None for both")
        wanted = "auto" if name is None else normalize_name(name)
        if wanted in RESERVED_NAMES:
            entries = self._candidates(wanted)
        else:
            entries = _by_priority(self._load().catalog.claims(wanted))
        rows = [self._describe(entry) for entry in entries]
        return [row for row in rows if (all or row.available) and device in (None, row.device)]

    def told(self, name: str) -> str:
        """The backend ``name`` for messages, with what makes it available if it is not."""
        rows = self.backends(name, all=True)
        if any(row.available for row in rows):
            return f"the backend {name!r}"
        hint = next((row.hint for row in rows), messages.install_command(name))
        return f"the backend {name!r} ({hint})" if hint else f"the backend {name!r}"

    def refresh(self) -> None:
        """Forget the probes' answers, so that they run again at the next question."""
        with import_lock():
            self._answers.clear()

    def get_backend(
        self, name: str | None = None, *, fallback: str | Iterable[str] | None = None
    ) -> Any:
        """Make the backend that ``name`` means, or else the first fallback that is available.

        Its attribute ``simquay_resolution`` is the :class:`Resolution` that says how it was chosen.

        Raises:
            UnknownBackendError: no plugin registers the name. A fallback is tried only if a plugin
                that is not in use may have the name.
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
                if self._manager is None:  # loading failed, not this name
                    raise
                failures.append((request, error))
                if isinstance(error, UnknownBackendError) and not messages.may_exist(
                    request.name, self._manager
                ):
                    break  # a mistake, which no fallback may hide
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
                text = f"{resolution.reason}; using {resolution.name!r} instead"
                if read_list(FALLBACK):  # a run with warnings as errors must pass
                    _log.warning("%s", text)
                else:
                    warn(text, SimquayFallbackWarning)
            setattr(made, RESOLUTION_ATTRIBUTE, resolution)
            return made
        raise messages.combined(failures) from failures[0][1].__cause__

    def _resolve(self, request: Request) -> tuple[Any, RegisteredBackend]:
        """The backend that one name means, made, and its entry."""
        if request.name in RESERVED_NAMES:
            return self._resolve_best(request)
        manager = self._load()
        claims = manager.catalog.claims(request.name)
        if not claims:
            raise messages.unknown(request, manager, self.backends(all=True))
        if len(claims) > 1:
            raise messages.ambiguous(request, claims)
        (entry,) = claims
        result = self._probe(entry)
        if isinstance(result, Unavailable):
            raise messages.unavailable(
                request, entry, f"is unavailable: {result.reason}", result.hint
            )
        return _make(request, entry), entry

    def _resolve_best(self, request: Request) -> tuple[Any, RegisteredBackend]:
        """The available backend of highest priority on the requested device, made."""
        asked: list[tuple[RegisteredBackend, str]] = []
        for entry in self._candidates(request.name):
            if entry.spec.priority < 0:
                break
            result = self._probe(entry)
            if isinstance(result, Unavailable):
                hint = f" (try: {result.hint})" if result.hint else ""
                asked.append((entry, result.reason + hint))
                continue
            try:
                return _make(request, entry), entry
            except RegistryError as error:
                # The probe said yes, but the factory failed. One broken plugin must not leave
                # everybody without a default backend, but its users must see that it is broken.
                warn(
                    f"{error.summary}; {request.name!r} uses the next backend", SimquayPluginWarning
                )
                asked.append((entry, error.summary))
        raise messages.no_backend_of_device(request, asked)

    def _candidates(self, name: str) -> list[RegisteredBackend]:
        """The backends among which ``auto``, ``cpu`` or ``gpu`` chooses, the best first."""
        entries = self._load().catalog.entries
        return _by_priority(entry for entry in entries if name in ("auto", entry.spec.device))

    def _probe(self, entry: RegisteredBackend) -> ProbeResult:
        """The answer of the backend's probe, which runs once, until :meth:`refresh`."""
        key = entry.qualified
        known = self._answers.get(key)
        if known is None:
            with import_lock():
                known = self._answers.get(key)
                if known is None:
                    known = self._answers[key] = _ask(entry)
        return known

    def _describe(self, entry: RegisteredBackend) -> BackendInfo:
        result = self._probe(entry)
        refusal = result if isinstance(result, Unavailable) else Unavailable("")
        catalog = self._load().catalog
        is_ambiguous = len(catalog.claims(entry.name)) > 1
        return BackendInfo(
            name=entry.name,
            lookup=entry.qualified if is_ambiguous else entry.name,
            aliases=catalog.aliases(entry),
            device=entry.spec.device,
            priority=entry.spec.priority,
            available=isinstance(result, Available),
            ambiguous=is_ambiguous,
            reason=refusal.reason,
            hint=refusal.hint,
            distribution=entry.distribution,
            version=entry.version,
            description=entry.spec.description,
            details=dict(result.details) if isinstance(result, Available) else {},
        )

    def _load(self) -> PluginManager:
        if self._manager is not None:
            return self._manager
        with import_lock():
            if self._manager is not None:
                return self._manager
            # The lock is re-entrant, so this may be a plugin on the loading thread. (A child that
            # was forked while another thread loaded has a new lock, and loads for itself.)
            if Registry._loading_thread == threading.get_ident():
                raise RegistryError(
                    "a plugin asked for a backend while plugins are being loaded; "
                    "it must not do so at import or in its hook"
                )
            Registry._loading_thread = threading.get_ident()
            manager = PluginManager()
            try:
                manager.load()
            finally:
                Registry._loading_thread = None
            strict = read_flag(STRICT_PLUGINS) if self._strict is None else self._strict
            if strict and manager.problems:
                raise PluginError("; ".join(text for text, _ in manager.problems)) from (
                    manager.problems[0][1]
                )
            self._manager = manager
        # Outside the lock and after the assignment, since it raises if warnings are errors.
        for problem, _ in manager.problems:
            warn(problem, SimquayPluginWarning)
        return manager


def _by_priority(entries: Iterable[RegisteredBackend]) -> list[RegisteredBackend]:
    """The entries, the highest priority first; ties by name, then by distribution."""
    return sorted(entries, key=lambda e: (-e.spec.priority, e.name, e.distribution))


def _ask(entry: RegisteredBackend) -> ProbeResult:
    """The answer of the backend's probe; unavailable if the probe raises or returns anything else.

    The hint is the probe's, or else the spec's.
    """
    target, hint = entry.spec.probe, entry.spec.install_hint
    if not target:
        return Available()
    result = guarded(lambda: _cleaned(pkgutil.resolve_name(target)(), hint))
    if isinstance(result, Failure):
        _log.debug("probe %s of %s failed:\n%s", target, entry.qualified, result.details)
        return Unavailable(f"its probe {target} failed: {result.text}", hint)
    return result or Unavailable(
        f"its probe {target} did not return Available or Unavailable", hint
    )


def _cleaned(result: object, hint: str) -> ProbeResult | None:
    """``result`` with a reason of one line and a dict of details; None if it is no result.

    It runs inside the guard, since a plugin may have filled the fields with values of any type.
    """
    if isinstance(result, Available):
        details = {str(name): value for name, value in dict(result.details).items()}
        for value in details.values():
            str(value)  # a value that cannot be shown raises here
        return Available(details)
    if isinstance(result, Unavailable):
        reason, own_hint = (" ".join(text.split()) for text in (result.reason, result.hint))
        # A hint may end in a dot: pip install .
        return Unavailable(reason.rstrip("."), own_hint or hint)
    return None


def _make(request: Request, entry: RegisteredBackend) -> Any:
    """Call the backend's factory, and check that it returns a backend that no earlier call did."""
    with import_lock():
        made = guarded(lambda: pkgutil.resolve_name(entry.spec.factory)(entry.spec))
    if isinstance(made, Failure):
        reason = f"could not be created: its factory {entry.spec.factory} failed: {made.text}"
        hint = entry.spec.install_hint if isinstance(made.error, ImportError) else ""
        raise messages.unavailable(request, entry, reason, hint) from made.error
    # The registry needs no Qiskit: before it is imported, no object is a backend.
    qiskit = sys.modules.get("qiskit.providers")
    if qiskit is None or not isinstance(made, qiskit.BackendV2):
        what = f"a {type(made).__name__}, not a qiskit.providers.BackendV2"
    elif vars(made).get(RESOLUTION_ATTRIBUTE) is not None:
        what = "the same object twice; it must make a new backend for each call"
    else:
        return made
    raise PluginError(f"{entry}: its factory {entry.spec.factory} returned {what}")
