"""Messages between a process and its worker. Only the pipe between the two carries pickles."""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simquay.system.imports import load_object

if TYPE_CHECKING:
    from qiskit.result import Result

__all__ = [
    "Accepted",
    "BackendSource",
    "CancelledByBackend",
    "Done",
    "Failed",
    "Heartbeat",
    "Prepare",
    "Ready",
    "RecentKeys",
    "Run",
    "Status",
]

_KEPT_BACKENDS = 8
"""How many backends a worker keeps."""


@dataclass(frozen=True, slots=True)
class BackendSource:
    """How a worker makes its own backend object.

    Attributes:
        factory: ``module:callable``, called without arguments; or empty.
        pickled: the backend, pickled, where there is no factory.
    """

    factory: str = ""
    pickled: bytes = b""

    @property
    def key(self) -> str:
        """Equal for equal sources."""
        return self.factory or hashlib.sha256(self.pickled).hexdigest()

    def make(self) -> Any:
        """A new backend."""
        if not self.factory:
            return pickle.loads(self.pickled)
        return load_object(self.factory)()


class RecentKeys:
    """The keys of the backends used last, at most ``_KEPT_BACKENDS``.

    Both ends of the pipe keep one, by the same rule, so they agree on what the worker has.
    """

    def __init__(self) -> None:
        self._keys: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def use(self, key: str) -> str | None:
        """Make ``key`` the last one used; returns the key that is forgotten for it, if any."""
        self._keys[key] = None
        self._keys.move_to_end(key)
        return self._keys.popitem(last=False)[0] if len(self._keys) > _KEPT_BACKENDS else None


# --- to the worker ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prepare:
    """The first message: get ready. Answered by ``Ready``.

    Before it comes the module path, as JSON: nothing may be imported by its name until that is set.

    Attributes:
        source: of the backend of the first run, or None where that is not known.
    """

    source: BackendSource | None


@dataclass(frozen=True, slots=True)
class Run:
    """Run circuits.

    Answered by ``Accepted``, then any number of ``Heartbeat`` and ``Status``, and at the end one of
    ``Done``, ``CancelledByBackend`` and ``Failed``.

    Attributes:
        key: of the backend.
        source: of the backend, where the worker does not know it.
        body: the circuits and the options, pickled: if they cannot be read, the job fails.
    """

    key: str
    source: BackendSource | None
    body: bytes


# --- from the worker ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has imported what it needs."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A run has begun: if the worker dies from now on, the run may have done something."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The run goes on, and its code lets other threads of the worker run.

    While foreign code keeps the interpreter's lock, no heartbeats come."""


@dataclass(frozen=True, slots=True)
class Status:
    """The run's status has changed.

    Attributes:
        name: of a ``JobStatus``.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Done:
    """The run has ended with a result."""

    result: Result


@dataclass(frozen=True, slots=True)
class CancelledByBackend:
    """The backend has cancelled the run by itself; ``text`` says so."""

    text: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The run has failed.

    Attributes:
        text: why.
        cause: the error behind it, from ``error_to_plain(..., pickled=True)``, or None.
        partial_result: of the circuits that succeeded, or None.
    """

    text: str
    cause: Mapping[str, Any] | None
    partial_result: Result | None
