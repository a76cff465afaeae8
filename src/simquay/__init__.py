"""Quantum-circuit simulators for Qiskit, selected by name, whose jobs keep one contract.

::

    import simquay

    backend = simquay.get_backend("numpy")  # or "gpu", "cpu", or no name for the best
    job = backend.run(circuit, shots=1000)
    counts = job.result().get_counts()

Importing this package imports neither Qiskit nor any plugin; the first call does.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from simquay.system.lifecycle import import_lock

if TYPE_CHECKING:
    from datetime import datetime

    from qiskit.providers import BackendV2, JobV1

    from simquay import errors as errors
    from simquay.jobs.base import BaseJob
    from simquay.provider import Provider
    from simquay.registry import BackendInfo

__all__ = ["Provider", "backends", "get_backend", "job", "jobs", "watch"]


def get_backend(
    name: str | None = None,
    *,
    fallback: str | Iterable[str] | None = None,
    **options: Any,
) -> BackendV2:
    """A new backend object of this name; see :meth:`simquay.Provider.get_backend`.

    All calls share one provider.
    """
    return _default_provider().get_backend(name, fallback=fallback, **options)


def backends(
    name: str | None = None,
    *,
    device: Literal["cpu", "gpu"] | None = None,
    all: bool = False,
) -> list[BackendInfo]:
    """Descriptions of the backends that :func:`get_backend` can make.

    See :meth:`simquay.Provider.backends`.
    """
    return _default_provider().backends(name, device=device, all=all)


def job(job_id: str) -> BaseJob:
    """The job whose ``job_id()`` is this; see :meth:`simquay.Provider.job`."""
    return _default_provider().job(job_id)


def jobs(
    limit: int | None = 10,
    backend: BackendV2 | str | None = None,
    status: Any = None,
    tags: Iterable[str] = (),
    created_after: datetime | None = None,
    created_before: datetime | None = None,
) -> list[BaseJob]:
    """Jobs of this process and of the job store, the newest first; see
    :meth:`simquay.Provider.jobs`."""
    return _default_provider().jobs(limit, backend, status, tags, created_after, created_before)


def watch(job: JobV1) -> JobV1:
    """Show the progress of a job, on a terminal or in a notebook, until it is final.

    A terminal needs rich, which the extra ``cli`` installs. Ctrl-C ends the watching; the job goes
    on.

    Returns:
        The job: ``simquay.watch(job).result()``.
    """
    from simquay.jobs import display

    return display.watch(job)


def _default_provider() -> Provider:
    with import_lock():  # a fork waits
        from simquay.provider import default_provider
    return default_provider()


def __getattr__(name: str) -> Any:
    if name == "Provider":
        return import_module("simquay.provider").Provider
    if name == "errors":
        return import_module("simquay.errors")
    if name == "__version__":
        return import_module("simquay.system.version").simquay_version()
    raise AttributeError(f"module 'simquay' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__", "errors"})


class _Jobs(ModuleType):
    """The package ``simquay.jobs``, whose import would else take the function's place."""

    __call__ = staticmethod(jobs)


import_module("simquay.jobs").__class__ = _Jobs
