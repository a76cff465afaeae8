"""A task in another process: what is sent, what runs there, and what comes back.

It is sent the names of two functions and two strings of bytes: a request and programs, packed as
plain data. Programs hold all that a circuit does, so nothing of a circuit is lost on the way. The
answer is numbers, strings and arrays. Nothing here is a pickle; an executor may use pickles to
carry the names and the bytes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.jobs.dispatch.launchers import run_when_memory_is_free
from simquay.jobs.references import BackendFinder
from simquay.jobs.workers.errors import error_from_plain, error_to_plain
from simquay.program import Precision
from simquay.program.packing import pack_tree, unpack_programs, unpack_tree
from simquay.simulators.engine.task import EngineTask, TaskAnswer
from simquay.simulators.worker import ForeignWorkerError, check_version, this_worker

__all__ = ["TaskRequest", "read_answer", "run_request"]

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """A task for a worker, without the programs.

    Attributes:
        version: of Simquay, where the request was made.
        job_id: the job's.
        task: the task's number in the job.
        attempt: 1 for the first time that it is handed out.
        backend: the name that the worker finds the backend by.
        engine: the name of the backend's engine.
        context: of the job.
        piece: the circuits of the programs in the job, and their shots.
    """

    version: str
    job_id: str
    task: int
    attempt: int
    backend: str
    engine: str
    context: RunContext
    piece: Piece

    def pack(self) -> bytes:
        """As bytes."""
        return pack_tree("request", _FORMAT, self)

    @classmethod
    def unpack(cls, data: bytes) -> TaskRequest:
        """The request that :meth:`pack` packed.

        Raises:
            ProgramError: if it is none, or one of another format version.
        """
        request: TaskRequest = unpack_tree("request", _FORMAT, data, _CLASSES)
        return request


_CLASSES = {cls.__name__: cls for cls in (TaskRequest, RunContext, Piece, Precision)}
"""The classes that a packed request holds."""


def run_request(finder: BackendFinder, request: bytes, programs: bytes) -> dict[str, Any]:
    """Run a task; a worker process calls this.

    Args:
        finder: gives the backend by its name.
        request: a packed :class:`TaskRequest`.
        programs: one a circuit of the request, packed.

    Returns:
        What :func:`read_answer` reads. An error is in it as data: not every exception would
        survive the journey as itself.
    """
    try:
        return _answer_to_plain(_run(finder, TaskRequest.unpack(request), programs))
    except Exception as error:  # noqa: BLE001  # the job boundary: the job's process raises it
        return {"error": error_to_plain(error)}


def read_answer(answer: Mapping[str, Any]) -> TaskAnswer:
    """The answer of :func:`run_request`.

    Raises:
        Exception: the error that ended the task there.
    """
    if "error" in answer:
        raise error_from_plain(answer["error"])
    return TaskAnswer(
        answer["pid"],
        answer["host"],
        answer["seconds"],
        {
            one["circuit"]: (
                Outcome(one["results"], one["metadata"]),
                one["seconds"],
            )
            for one in answer["outcomes"]
        },
        {one["circuit"]: error_from_plain(one["error"]) for one in answer["failures"]},
    )


def _answer_to_plain(answer: TaskAnswer) -> dict[str, Any]:
    return {
        "pid": answer.pid,
        "host": answer.host,
        "seconds": answer.seconds,
        "outcomes": [
            {
                "circuit": number,
                "seconds": seconds,
                "results": dict(outcome.results),
                "metadata": dict(outcome.metadata),
            }
            for number, (outcome, seconds) in answer.outcomes.items()
        ],
        "failures": [
            {"circuit": number, "error": error_to_plain(error)}
            for number, error in answer.failures.items()
        ],
    }


def _run(finder: BackendFinder, request: TaskRequest, programs: bytes) -> TaskAnswer:
    check_version(request.version)
    engine = _engine(finder, request.backend)
    if engine.name != request.engine:
        raise ForeignWorkerError(
            f"{this_worker()} has the engine {engine.name!r} behind {request.backend!r}, but the "
            f"job needs {request.engine!r}: "
            "install the same plugins on both, and set the same variables of the environment"
        )
    task = EngineTask(unpack_programs(programs), engine, request.context, request.piece)
    answer: TaskAnswer = run_when_memory_is_free(task, Control())
    return answer


@functools.lru_cache(maxsize=16)
def _engine(finder: BackendFinder, name: str) -> Engine:
    """The engine behind a backend's name; kept, since looking a name up asks its probe."""
    backend = finder(name)
    engine: Engine | None = getattr(backend, "engine", None)
    if engine is None:
        raise ForeignWorkerError(f"the worker's backend {name!r} is not one of an engine")
    return engine
