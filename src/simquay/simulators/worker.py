"""Tasks in a process of a user's executor: what it checks first, and the answers that come back.

An answer is plain data on its way: numbers, strings and arrays. An error is data too, since not
every exception would survive the journey as itself.
"""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simquay.errors import SimquayError
from simquay.jobs.references import BackendFinder
from simquay.jobs.workers.errors import error_from_plain, error_to_plain
from simquay.system.version import simquay_version

__all__ = [
    "Answer",
    "ForeignWorkerError",
    "backend_with",
    "check_version",
    "plain_answer",
    "read_answer",
    "this_worker",
]


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


def plain_answer(run: Callable[[], Answer], encode: Callable[[Any], Any]) -> dict[str, Any]:
    """The answer of ``run()``, or its error, as plain data; ``encode`` turns the value into it."""
    try:
        answer = run()
        value = encode(answer.value)
    except Exception as error:  # noqa: BLE001  # the job boundary: the job's process raises it
        return {"error": error_to_plain(error)}
    return {
        "value": value,
        "seconds": answer.seconds,
        "pid": os.getpid(),
        "host": platform.node(),
    }


def read_answer(plain: Mapping[str, Any], decode: Callable[[Any], Any]) -> Answer:
    """The answer that :func:`plain_answer` gave; ``decode`` makes the value again.

    Raises:
        Exception: the error that ended the task there.
    """
    if "error" in plain:
        raise error_from_plain(plain["error"])
    return Answer(decode(plain["value"]), plain["seconds"], (plain["pid"], plain["host"]))


def this_worker() -> str:
    """The present process in words, for messages."""
    return f"the worker (process {os.getpid()} on {platform.node()})"


def check_version(version: str) -> None:
    """Refuse a task that another version of Simquay made.

    Raises:
        ForeignWorkerError: ``version`` is not the version of this process.
    """
    here = simquay_version()
    if here != version:
        raise ForeignWorkerError(
            f"{this_worker()} has Simquay {here}, but the job was made by Simquay {version}: "
            "install the same version on both"
        )


@functools.lru_cache(maxsize=16)
def backend_with(finder: BackendFinder, name: str, attribute: str, kind: str) -> Any:
    """The backend of this name; kept, since a lookup runs the backend's probe.

    Raises:
        ForeignWorkerError: it has no such attribute, so it is not of the ``kind`` that is needed.
    """
    backend = finder(name)
    if getattr(backend, attribute, None) is None:
        raise ForeignWorkerError(f"the worker's backend {name!r} is not {kind}")
    return backend
