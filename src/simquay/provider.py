"""The provider: backends by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from simquay.errors import BackendUnavailableError
from simquay.registry import BackendInfo, PluginRecord, Registered, Registry
from simquay.registry.locks import registry_lock
from simquay.registry.messages import not_a_backend, same_object

if TYPE_CHECKING:
    from qiskit.providers import BackendV2

__all__ = ["Provider", "default_provider"]

RESOLUTION_ATTRIBUTE = "simquay_resolution"


class Provider:
    """Finds the backends of all installed plugins and makes them by name.

    Plugins are found and loaded on the first question, once for each provider: a new provider
    sees what was installed meanwhile. Every method may be called from any thread.

    Args:
        strict: whether a plugin that does not load, or that claims a taken name, is an error
            rather than a warning; ``None`` asks ``SIMQUAY_STRICT_PLUGINS``.
    """

    def __init__(self, *, strict: bool | None = None) -> None:
        self._registry = Registry(strict=strict)

    def get_backend(
        self, name: str | None = None, *, fallback: str | Iterable[str] | None = None
    ) -> BackendV2:
        """A new backend object of this name.

        Args:
            name: a backend's name or alias in any case, or ``distribution:name``; ``gpu`` or
                ``cpu`` for the available backend of highest priority on such a device; ``auto``
                for that of any device. Several names with commas between are tried in order.
                ``None`` means ``SIMQUAY_BACKEND``, or ``auto`` where that is not set.
            fallback: a name, or several, to try where ``name`` cannot be had. After them comes
                ``SIMQUAY_FALLBACK``.

        Returns:
            The backend. Its attribute ``simquay_resolution`` (a
            :class:`~simquay.registry.Resolution`) says how it was chosen.

        Raises:
            UnknownBackendError: no installed plugin registers the name.
            AmbiguousBackendError: several plugins do. A fallback is not taken.
            BackendUnavailableError: the backend cannot run here; the reason, and what to
                install, are in the message.
            PluginError: the plugin broke the rules, or, in strict mode, one did not load.
            TypeError, ValueError: ``name`` or ``fallback`` is no name.

        Warns:
            SimquayFallbackWarning: another backend was taken than the first one named (only
                logged where ``SIMQUAY_FALLBACK`` asked for it).
            SimquayPluginWarning: a plugin did not load.
        """
        backend, resolution = self._registry.choose(name, fallback, _checked)
        setattr(backend, RESOLUTION_ATTRIBUTE, resolution)
        return backend

    def backends(
        self,
        name: str | None = None,
        *,
        device: Literal["cpu", "gpu"] | None = None,
        all: bool = False,
    ) -> list[BackendInfo]:
        """What :meth:`get_backend` can give, the highest priority first.

        These are descriptions: no backend is made, and nothing but the probes is loaded.

        Args:
            name: only those that this name could mean; ``None`` for every name.
            device: only those that compute on ``cpu`` or ``gpu``.
            all: also those that are not available here.

        Raises:
            TypeError, ValueError: ``name`` is no string, or ``device`` no device.
        """
        if device not in (None, "cpu", "gpu"):
            raise ValueError(f"device {device!r}: expected 'cpu', 'gpu' or None for both")
        rows = self._registry.backends() if name is None else self._registry.matching(name)
        return [
            row
            for row in rows
            if (all or row.available) and (device is None or row.device == device)
        ]

    def plugins(self) -> list[PluginRecord]:
        """Every installed plugin, the blocked and broken ones too, by distribution and name."""
        return list(self._registry.plugins())

    def refresh(self) -> None:
        """Forget what the probes said, so that they are asked again."""
        self._registry.refresh()


def _checked(entry: Registered, made: object) -> BackendV2:
    """``made`` if it is a backend that was not handed out before."""
    try:
        from qiskit.providers import BackendV2
    except ImportError as error:
        raise BackendUnavailableError(
            f"backend {entry.name!r} needs Qiskit, which cannot be imported: {error}. "
            "Try: pip install 'qiskit>=2.0'"
        ) from error
    if not isinstance(made, BackendV2):
        raise not_a_backend(entry, made)
    if vars(made).get(RESOLUTION_ATTRIBUTE) is not None:
        raise same_object(entry)
    return made


_default: Provider | None = None


def default_provider() -> Provider:
    """The provider behind :func:`simquay.get_backend`, made on first use."""
    global _default
    with registry_lock():
        if _default is None:
            _default = Provider()
        return _default
