"""The base of all of Simquay's Qiskit backends: how a backend and its jobs are found, here and
elsewhere."""

from __future__ import annotations

import pickle
import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, ClassVar

from qiskit import QuantumCircuit
from qiskit.providers import BackendV2

from simquay.errors import SimquayWarning
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.tasks import Launcher
from simquay.jobs.job import Job
from simquay.jobs.recent import recent_jobs
from simquay.jobs.references import BackendFinder
from simquay.simulators.configuration import BackendConfiguration, configuration_of
from simquay.simulators.inputs import RunInputError

__all__ = ["SimquayBackend"]


class SimquayBackend(BackendV2):  # type: ignore[misc]  # Qiskit ships no types
    """A Qiskit backend whose jobs keep the contract."""

    simquay_resolution: Any = None
    """How the provider chose this backend; None where it was made without a provider."""
    simquay_finder: BackendFinder | None = None
    """How another process finds this backend by name; set by the provider."""

    _made: ClassVar[str]
    """How one comes to be without a provider, in one word, for messages."""

    def _address(self) -> str:
        """The name that other processes find this backend by; empty for one made by hand."""
        resolution = self.simquay_resolution
        return "" if resolution is None else f"{resolution.distribution}:{resolution.name}"

    def configuration(self) -> BackendConfiguration:
        """The backend's description as Qiskit's ``BackendV1`` had it, for libraries that ask."""
        return configuration_of(self)

    @abstractmethod
    def _given_options(self) -> dict[str, Any]:
        """The options that :meth:`set_options` makes an equal backend with, the executor aside."""

    @abstractmethod
    def set_options(self, **fields: Any) -> None:
        """Set options for all later runs of this backend object."""

    def __copy__(self) -> SimquayBackend:
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        """A backend travels by its name, with its options but the executor: engines, threads and
        devices do not pickle.

        Raises:
            PicklingError: it did not come from a provider.
        """
        if self.simquay_finder is None:
            raise pickle.PicklingError(
                f"backend {self.name!r} was {self._made} by hand and has no name that another "
                "process could find it by: get it from simquay.get_backend to pickle it"
            )
        taken = self.simquay_resolution
        return _found, (self.simquay_finder, self._address(), taken, self._given_options())

    def retrieve_job(self, job_id: str) -> BaseJob:
        """The job of an id, as ``backend.provider.job`` finds it.

        Raises:
            UnknownJobError: a ``JobError`` and ``LookupError``: there is none, or none any more.
            JobStoreError: the job store cannot be read.
        """
        from simquay.simulators.finding import find_job

        return find_job(job_id, self.simquay_finder)

    def jobs(self, **conditions: Any) -> list[BaseJob]:
        """Jobs of backends of this name, the newest first, as ``backend.provider.jobs`` finds them;
        it takes the same arguments but ``backend``."""
        from simquay.simulators.finding import find_jobs

        return find_jobs(self.simquay_finder, backend=self.name, **conditions)

    def _submitted(self, job: BaseJob) -> BaseJob:
        """``job``, submitted; it can be found by its id."""
        recent_jobs().add(job)
        job.submit()
        return job

    def keep(
        self,
        job: Job,
        kind: str,
        circuits: Sequence[QuantumCircuit],
        request: Callable[[], bytes] | None = None,
        encode: Callable[[Any], bytes | None] | None = None,
    ) -> None:
        """Keep ``job``, which is not submitted yet; see :func:`simquay.simulators.keeping.keep`."""
        # Imported here, since most jobs are not kept.
        from simquay.simulators.keeping import keep

        keep(job, kind, self._address(), circuits, request, encode)

    def _warn_of_no_counts(self, silent: Sequence[str], total: int, instead: str = "") -> None:
        """Warn, in the name of the caller's caller, of circuits that measure nothing: of ``total``
        circuits those named ``silent``. ``instead`` says what else helps."""
        which = f"circuit {silent[0]!r} measures nothing"
        if total > 1:
            which = f"{len(silent)} of {total} circuits measure nothing, the first is {silent[0]!r}"
        text = f"{which}, so the result has no counts: add circuit.measure_all(){instead}"
        warnings.warn(text, SimquayWarning, stacklevel=3)

    def _launcher(
        self, executor: Executor | None, own: Launcher
    ) -> tuple[Launcher, BackendFinder | None]:
        """A launcher for ``executor``, or else ``own``; and, for one of other processes, how they
        find this backend.

        Raises:
            RunInputError: they cannot find it.
        """
        if executor is None:
            return own, None
        # Imported here, since most runs need no executor.
        from simquay.jobs.dispatch.executors import ExecutorLauncher, same_process

        if same_process(executor):
            return ExecutorLauncher(executor), None
        if self.simquay_finder is None:
            raise RunInputError(
                f"backend {self.name!r} was {self._made} by hand, and other processes find a "
                f"backend by the name that a plugin registers: get it from simquay.get_backend to "
                f"run it on {type(executor).__name__}, or use a ThreadPoolExecutor"
            )
        return ExecutorLauncher(executor), self.simquay_finder

    def _what_ran(
        self, engine: str, device: object, precision: object, **more: str
    ) -> Mapping[str, Any]:
        """The part of a job's metadata that says which backend runs it, and instead of which."""
        taken = self.simquay_resolution
        fallback = None
        if taken is not None and taken.fallback_from is not None:
            fallback = {
                "requested": taken.requested,
                "from": taken.fallback_from,
                "reason": taken.reason,
            }
        return {
            "backend": self.name,
            "engine": engine,
            "device": device,
            "precision": precision,
            **more,
            "fallback": fallback,
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


def _found(
    finder: BackendFinder, address: str, resolution: object, options: Mapping[str, Any]
) -> BackendV2:
    """The backend of a pickle, which refers to this function by its name."""
    backend = finder(address)
    backend.simquay_resolution = resolution  # which tells of a fallback, if one was taken
    backend.set_options(**options)
    return backend
