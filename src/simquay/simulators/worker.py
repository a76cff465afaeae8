"""Tasks in a process of a user's executor: the requests, and the answers that come back.

The process is sent the names of two functions (the one to call, and the one that finds the backend)
and two strings of bytes: a packed request, and the circuits in a form of the task's. The answer is
numbers, strings and arrays. An error is such data too, since not every exception would survive the
journey as itself. Nothing here is a pickle; an executor may use pickles to carry the names and the
data.
"""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simquay.errors import SimquayError
from simquay.jobs.dispatch.tasks import RemoteCall, TaskControl
from simquay.jobs.errors import error_from_plain, error_to_plain
from simquay.jobs.references import BackendFinder
from simquay.program.packing import pack_tree, unpack_tree
from simquay.system.version import simquay_version

__all__ = ["Answer", "ForeignWorkerError", "RemoteTask", "carry_out", "this_worker"]

_FORMAT = 2
"""Of the requests; raised when their fields change, or the layout of packed bytes."""


class ForeignWorkerError(SimquayError):
    """A worker process cannot run the task that it was sent: it has another engine or backend, or
    another version of Simquay."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a task.

    Attributes:
        value: depends on the task.
        seconds: the time that it took.
        ran_by: the process and the name of the machine that ran it; None for this process.
        kept: whether it was given in an earlier process, and comes from the job store.
    """

    value: Any
    seconds: float
    ran_by: tuple[int, str] | None = None
    kept: bool = False

    def report(
        self, circuits: list[int], first_shot: int, shots: int | None, attempt: int
    ) -> dict[str, Any]:
        """The task's entry in the metadata of the job's result."""
        pid, host = self.ran_by or (os.getpid(), platform.node())
        report = {
            "circuits": circuits,
            "first_shot": first_shot,
            "shots": shots,
            "pid": pid,
            "host": host,
            "attempt": attempt,
            "seconds": self.seconds,
        }
        return {**report, "from_store": True} if self.kept else report


@dataclass(frozen=True, slots=True)
class RemoteTask:
    """A task for another process; see :class:`simquay.jobs.dispatch.tasks.Task`.

    It reserves no memory here, since processes do not know each other's reservations.

    Attributes:
        function: of a module; it calls :func:`carry_out`.
        finder: gives the backend there, by its name.
        backend: the name that the other process finds the backend by.
        circuits: gives the circuits as bytes.
        decode: makes the answer's value of what ``carry_out`` encoded.
        fields: of the request.
    """

    function: Callable[[BackendFinder, bytes, bytes], dict[str, Any]]
    finder: BackendFinder
    backend: str
    circuits: Callable[[], bytes]
    decode: Callable[[Any], Any]
    fields: Mapping[str, Any]

    needs = None

    def run(self, control: TaskControl) -> Answer:
        """Run the task in this process, as another one would."""
        call = self.remote(control)
        answer: Answer = call.read(call.function(*call.arguments))
        return answer

    def remote(self, control: TaskControl) -> RemoteCall:
        """The call by which another process runs the task."""
        request = {
            "version": simquay_version(),
            "backend": self.backend,
            "context": (control.job_id, control.number, control.attempt),
            **self.fields,
        }
        packed = pack_tree("request", _FORMAT, request)
        return RemoteCall(self.function, (self.finder, packed, self.circuits()), self._read)

    def _read(self, plain: Mapping[str, Any]) -> Answer:
        """The answer of the plain data; raises the error that ended the task there."""
        if "error" in plain:
            raise error_from_plain(plain["error"])
        ran_by = plain["pid"], plain["host"]
        return Answer(self.decode(plain["value"]), plain["seconds"], ran_by)


def carry_out(
    finder: BackendFinder,
    request: bytes,
    attribute: str,
    kind: str,
    run: Callable[[Any, Mapping[str, Any]], Answer],
    encode: Callable[[Any], Any],
    classes: Mapping[str, type[Any]] = {},
) -> dict[str, Any]:
    """Run a task in a worker process.

    Args:
        finder: gives the backend by its name.
        request: of :meth:`RemoteTask.remote`.
        attribute: which the backend must have to be of the kind that is needed.
        kind: in words.
        run: gives the answer from the backend and the request's fields.
        encode: turns the answer's value into plain data.
        classes: the dataclasses that may be in the request.

    Returns:
        The answer, or the error of the task, as plain data.
    """
    try:
        asked = unpack_tree("request", _FORMAT, request, classes)
        here, theirs = simquay_version(), asked["version"]
        if here != theirs:
            raise ForeignWorkerError(
                f"{this_worker()} has Simquay {here}, but the job was made by Simquay {theirs}: "
                "install the same version on both"
            )
        backend = _backend(finder, asked["backend"])
        if getattr(backend, attribute, None) is None:
            raise ForeignWorkerError(f"the worker's backend {asked['backend']!r} is not {kind}")
        answer = run(backend, asked)
        value = encode(answer.value)
    except Exception as error:  # noqa: BLE001  # the job boundary: the job's process raises it
        return {"error": error_to_plain(error)}
    return {
        "value": value,
        "seconds": answer.seconds,
        "pid": os.getpid(),
        "host": platform.node(),
    }


def this_worker() -> str:
    """The present process in words, for messages."""
    return f"the worker (process {os.getpid()} on {platform.node()})"


@functools.lru_cache(maxsize=16)
def _backend(finder: BackendFinder, name: str) -> Any:
    """The backend of this name; kept, since a lookup runs the backend's probe."""
    return finder(name)
