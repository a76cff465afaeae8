"""The provider: makes and lists backends by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from simquay.registry import Registry

if TYPE_CHECKING:
    from datetime import datetime

    from qiskit.providers import BackendV2

    from simquay.jobs.base import BaseJob

__all__ = ["Provider", "default_provider", "find_backend"]

FINDER_ATTRIBUTE = "simquay_finder"


class Provider(Registry):
    """Finds the backends of all installed plugins and makes them by name.

    Plugins are found and loaded at the first question, once for each provider: a new provider
    sees plugins that were installed since. Every method may be called from any thread.

    Args:
        strict: whether a plugin that does not load, or that claims a taken name, is an error
            rather than a warning; ``None`` asks ``SIMQUAY_STRICT_PLUGINS``.
    """

    def get_backend(
        self,
        name: str | None = None,
        *,
        fallback: str | Iterable[str] | None = None,
        **options: Any,
    ) -> BackendV2:
        """A new backend object of this name.

        Args:
            name: a backend's name or alias in any case, or ``distribution:name``; ``gpu`` or
                ``cpu`` for the available backend of highest priority on such a device; ``auto``
                for that of any device. Several names, separated by commas, are tried in order.
                ``None`` means ``SIMQUAY_BACKEND``, or ``auto`` if that is not set.
            fallback: a name, or several, to try if ``name`` is unavailable, or its plugin is not
                installed. After them, those in ``SIMQUAY_FALLBACK`` are tried.
            options: of the backend, as its ``set_options`` takes them.

        Returns:
            The backend. Its attribute ``simquay_resolution`` (a
            :class:`~simquay.registry.Resolution`) says how it was chosen.

        Raises:
            UnknownBackendError: no installed plugin registers the name. A name that no published
                plugin has either is an error whatever the fallback.
            AmbiguousBackendError: several plugins do. No fallback is tried.
            BackendUnavailableError: the backend cannot run here; the reason, and what to
                install, are in the message.
            PluginError: the plugin broke the rules, or, in strict mode, one did not load.
            TypeError, ValueError: ``name`` or ``fallback`` is not a name or several.
            OptionError: an option is wrong; a ``ValueError``.

        Warns:
            SimquayFallbackWarning: a fallback is used instead of the first backend named (only
                logged while ``SIMQUAY_FALLBACK`` is set).
            SimquayPluginWarning: a plugin did not load.
        """
        backend: BackendV2 = super().get_backend(name, fallback=fallback)
        setattr(backend, FINDER_ATTRIBUTE, find_backend)
        backend._provider = self  # what Qiskit's ``backend.provider`` returns
        if options:
            backend.set_options(**options)
        return backend

    def job(self, job_id: str) -> BaseJob:
        """The job whose ``job_id()`` is this, of a backend of any provider.

        A job of this process is found while it runs and while anything holds it. After that, the
        last 100 jobs that ended are found for ten minutes, those with a result of more than 1 MiB
        excepted. A job that is kept (``keep=True``, or ``SIMQUAY_JOB_STORE`` is set) is found in
        every later process.

        Raises:
            UnknownJobError: a ``JobError`` and ``LookupError``: there is none, or none any more.
            JobStoreError: the job store cannot be read.
        """
        from simquay.simulators.finding import find_job  # Qiskit is imported by then

        return find_job(job_id, find_backend)

    def jobs(
        self,
        limit: int | None = 10,
        backend: BackendV2 | str | None = None,
        status: Any = None,
        tags: Iterable[str] = (),
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> list[BaseJob]:
        """Jobs, the newest first: those that are kept, and those of this process that :meth:`job`
        finds.

        Args:
            limit: their number at most; None for all.
            backend: their backend, or its name.
            status: a ``JobStatus``, its name, or several of them.
            tags: that each job has.
            created_after: when they were made, or later; local time where it has no time zone.
            created_before: before which they were made.

        Raises:
            TypeError, ValueError: for a wrong argument.
            JobStoreError: the job store cannot be read.
        """
        from simquay.simulators.finding import find_jobs

        return find_jobs(
            find_backend,
            limit=limit,
            backend=backend,
            status=status,
            tags=tags,
            created_after=created_after,
            created_before=created_before,
        )


_default = Provider()


def default_provider() -> Provider:
    """The provider behind :func:`simquay.get_backend`, shared by the whole process."""
    return _default


def find_backend(name: str) -> BackendV2:
    """A new backend of this name, from the provider of the process that calls this.

    Every backend that a provider gives has this function as its ``simquay_finder``. Code below this
    module, which cannot import it, takes the function from there and hands it on: jobs in their
    pickles, and tasks to the processes that run them. It pickles as a reference to this module.

    Raises:
        RegistryError: the backend cannot be had; see :meth:`Provider.get_backend`.
    """
    return default_provider().get_backend(name)
