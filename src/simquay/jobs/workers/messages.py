"""What goes over the pipe between a process and its worker. Only that pipe carries pickles."""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simquay.jobs.errors import OriginalTraceback, detach
from simquay.system.imports import load_object

if TYPE_CHECKING:
    from qiskit.result import Result

__all__ = [
    "Alive",
    "BackendSource",
    "Done",
    "Failed",
    "PackedError",
    "Prepare",
    "Ready",
    "RecentKeys",
    "Run",
    "Status",
    "Stopped",
    "Taken",
]

_KEPT_BACKENDS = 8
"""How many backends a worker keeps."""


@dataclass(frozen=True, slots=True)
class BackendSource:
    """How a worker gets a backend of its own.

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
    """The keys used last. Both ends keep one, by the same rule, so they agree on what is known."""

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
    """The first one: the backend that will be asked for first, or None. Answered by ``Ready``.

    Before it comes the module path, as JSON: nothing may be imported by its name until that is set.
    """

    source: BackendSource | None


@dataclass(frozen=True, slots=True)
class Run:
    """Run circuits; answered by ``Taken``, any number of ``Alive`` and ``Status``, and one of the
    last three.

    Attributes:
        key: of the backend.
        source: of the backend, where the worker does not know it.
        body: the circuits and the options, pickled: what cannot be read is the job's failure.
    """

    key: str
    source: BackendSource | None
    body: bytes


# --- from the worker ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has imported what it needs."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A run has begun: if the worker dies from now on, the run may have done something."""


@dataclass(frozen=True, slots=True)
class Alive:
    """The run goes on, and the foreign code lets other threads of the worker run beside it."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the run's status is now.

    Attributes:
        name: of a ``JobStatus``.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Done:
    """The run's result."""

    result: Result


@dataclass(frozen=True, slots=True)
class Stopped:
    """The backend has cancelled the run by itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The run failed."""

    text: str
    cause: PackedError | None
    partial_result: Result | None


@dataclass(frozen=True, slots=True)
class PackedError:
    """An exception that travels.

    Attributes:
        pickled: the exception, or empty where it would not survive the journey.
        kind: its class's name.
        text: what it says.
        traceback: its traceback.
    """

    pickled: bytes
    kind: str
    text: str
    traceback: str

    @classmethod
    def pack(cls, error: BaseException) -> PackedError:
        """Pack ``error``, which loses its frames."""
        error = detach(error)
        original = error.__cause__
        traceback = original.text if isinstance(original, OriginalTraceback) else ""
        try:
            pickled = pickle.dumps(error)
            pickle.loads(pickled)
        except Exception:  # noqa: BLE001  # pickling runs the foreign class's own code
            pickled = b""
        return cls(pickled, type(error).__name__, str(error), traceback)

    def unpack(self) -> BaseException:
        """The exception, with its traceback as text; a stand-in where it did not travel."""
        error: object = None
        if self.pickled:
            try:
                error = pickle.loads(self.pickled)
            except Exception:  # noqa: BLE001  # as in pack; its module may not be had here
                error = None
        if not isinstance(error, BaseException):
            error = RuntimeError(f"{self.kind}: {self.text}")
        error.__cause__ = OriginalTraceback(self.traceback)
        return error
