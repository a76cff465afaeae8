"""What a run on a foreign backend takes along: nothing that the caller can change."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.providers import BackendV2

from simquay.jobs.workers.messages import BackendSource
from simquay.jobs.workers.process import WORKERS_SUPPORTED
from simquay.simulators.adapted.pickling import NotPortableError, portable
from simquay.simulators.inputs import RunInputError

__all__ = ["backend_source", "copied", "packed"]


def backend_source(foreign: BackendV2, factory: str) -> tuple[BackendSource | None, str]:
    """How the backend gets to a worker; or None, and why it does not."""
    if not WORKERS_SUPPORTED:
        return None, "this system has no worker processes (they need POSIX)"
    if factory:
        return BackendSource(factory=factory), ""
    try:
        return BackendSource(pickled=portable(foreign)), ""
    except NotPortableError as error:
        return None, str(error)


def packed(circuits: Sequence[QuantumCircuit], options: Mapping[str, Any]) -> bytes:
    """What a worker process is sent of a run.

    Raises:
        RunInputError: it cannot travel; says why.
    """
    try:
        return portable((circuits, options))
    except NotPortableError as error:
        raise RunInputError(
            f"the circuits or options cannot travel to a worker process: {error}. "
            "isolation='thread' runs them in this one"
        ) from error


def copied(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options that the caller cannot change any more, as far as they can be copied."""
    return {name: _copy(value) for name, value in options.items()}


def _copy(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except (TypeError, pickle.PicklingError):  # executors, locks: there is one of each
        return value
