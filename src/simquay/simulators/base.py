"""The base of all of Simquay's Qiskit backends: how a backend is found, here and elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, ClassVar

from qiskit.providers import BackendV2

from simquay.jobs.references import BackendFinder
from simquay.simulators.inputs import RunInputError

if TYPE_CHECKING:
    from simquay.jobs.dispatch.executors import ExecutorLauncher

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

    def _on(self, executor: Executor) -> tuple[ExecutorLauncher, BackendFinder | None]:
        """A launcher for ``executor``, and how its processes find this backend; None for threads of
        this process.

        Raises:
            RunInputError: they cannot find it.
        """
        # Imported here, since most runs need no executor.
        from simquay.jobs.dispatch.executors import ExecutorLauncher, same_process

        finder = None if same_process(executor) else self.simquay_finder
        if finder is None and not same_process(executor):
            raise RunInputError(
                f"backend {self.name!r} was {self._made} by hand, and other processes find a "
                f"backend by the name that a plugin registers: get it from simquay.get_backend to "
                f"run it on {type(executor).__name__}, or use a ThreadPoolExecutor"
            )
        return ExecutorLauncher(executor), finder

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
