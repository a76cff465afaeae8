"""The base of all of Simquay's Qiskit backends: how a backend is found, here and elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any, ClassVar

from qiskit.providers import BackendV2

from simquay.jobs.base import BackendFinder
from simquay.jobs.dispatch.tasks import Launcher
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
