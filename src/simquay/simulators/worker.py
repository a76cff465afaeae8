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
from simquay.jobs.references import BackendFinder
from simquay.jobs.workers.errors import error_from_plain, error_to_plain
from simquay.program.packing import pack_tree, unpack_tree
from simquay.system.version import simquay_version

__all__ = ["Answer", "ForeignWorkerError", "call_elsewhere", "carry_out", "this_worker"]

_FORMAT = 1
"""Of the requests; raised when their fields change."""


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
    """

    value: Any
    seconds: float
    ran_by: tuple[int, str] | None = None

    def report(
        self, circuits: list[int], first_shot: int, shots: int | None, attempt: int
    ) -> dict[str, Any]:
        """The task's entry in the metadata of the job's result."""
        pid, host = self.ran_by or (os.getpid(), platform.node())
        return {
            "circuits": circuits,
            "first_shot": first_shot,
            "shots": shots,
            "pid": pid,
            "host": host,
            "attempt": attempt,
            "seconds": self.seconds,
        }


def call_elsewhere(
    function: Callable[[BackendFinder, bytes, bytes], dict[str, Any]],
    finder: BackendFinder,
    backend: str,
    circuits: bytes,
    control: TaskControl,
    decode: Callable[[Any], Any],
    **fields: Any,
) -> RemoteCall:
    """The call by which another process runs a task.

    Args:
        function: of a module; it calls :func:`carry_out`.
        finder: gives the backend there, by its name.
        backend: the name that the other process finds the backend by.
        circuits: of the task.
        control: of the task.
        decode: makes the answer's value of what ``carry_out`` encoded.
        fields: of the request.
    """
    asked = {
        "version": simquay_version(),
        "backend": backend,
        "context": (control.job_id, control.number, control.attempt),
        **fields,
    }
    request = pack_tree("request", _FORMAT, asked)
    return RemoteCall(function, (finder, request, circuits), lambda plain: _read(plain, decode))


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
        request: of :func:`call_elsewhere`.
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
        _check_version(asked["version"])
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


def _read(plain: Mapping[str, Any], decode: Callable[[Any], Any]) -> Answer:
    """The answer of the plain data; raises the error that ended the task there."""
    if "error" in plain:
        raise error_from_plain(plain["error"])
    return Answer(decode(plain["value"]), plain["seconds"], (plain["pid"], plain["host"]))


def this_worker() -> str:
    """The present process in words, for messages."""
    return f"the worker (process {os.getpid()} on {platform.node()})"


def _check_version(version: str) -> None:
    here = simquay_version()
    if here != version:
        raise ForeignWorkerError(
            f"{this_worker()} has Simquay {here}, but the job was made by Simquay {version}: "
            "install the same version on both"
        )


@functools.lru_cache(maxsize=16)
def _backend(finder: BackendFinder, name: str) -> Any:
    """The backend of this name; kept, since a lookup runs the backend's probe."""
    return finder(name)
