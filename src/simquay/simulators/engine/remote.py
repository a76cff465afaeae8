"""A task in another process: what is sent, what runs there, and what comes back.

It is sent the names of two functions and two strings of bytes: a request and programs, packed as
plain data. Programs hold all that a circuit does, so nothing of a circuit is lost on the way. The
answer is numbers, strings and arrays. Nothing here is a pickle; an executor may use pickles to
carry the names and the bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.jobs.dispatch.tasks import RemoteCall, TaskControl, reserved
from simquay.jobs.references import BackendFinder
from simquay.jobs.workers.errors import error_from_plain, error_to_plain
from simquay.program import Precision
from simquay.program.packing import pack_tree, unpack_programs, unpack_tree
from simquay.simulators.engine.task import EngineTask
from simquay.simulators.worker import (
    Answer,
    ForeignWorkerError,
    backend_with,
    check_version,
    plain_answer,
    read_answer,
    this_worker,
)
from simquay.system.version import simquay_version

__all__ = ["PortableTask", "TaskRequest", "run_request"]

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


class PortableTask(EngineTask):
    """A task on an engine that another process can run as well.

    Args:
        arguments: of :class:`EngineTask`.
        packed: gives the programs as bytes.
        address: the name that other processes find the backend by.
        finder: how they find it.
    """

    def __init__(
        self, *arguments: Any, packed: Callable[[], bytes], address: str, finder: BackendFinder
    ) -> None:
        super().__init__(*arguments)
        self._packed = packed
        self._address = address
        self._finder = finder

    def remote(self, control: TaskControl) -> RemoteCall:
        """The call that runs the task in another process."""
        request = TaskRequest(
            version=simquay_version(),
            job_id=control.job_id,
            task=control.number,
            attempt=control.attempt,
            backend=self._address,
            engine=self._engine.name,
            context=self._context,
            piece=self.piece,
        )
        arguments = self._finder, request.pack(), self._packed()
        return RemoteCall(run_request, arguments, lambda plain: read_answer(plain, _decode))


def run_request(finder: BackendFinder, request: bytes, programs: bytes) -> dict[str, Any]:
    """Run a task; a worker process calls this.

    Args:
        finder: gives the backend by its name.
        request: a packed :class:`TaskRequest`.
        programs: one a circuit of the request, packed.

    Returns:
        Plain data; see :func:`~simquay.simulators.worker.plain_answer`.
    """

    def run() -> Answer:
        asked = TaskRequest.unpack(request)
        check_version(asked.version)
        engine = backend_with(finder, asked.backend, "engine", "one of an engine").engine
        if engine.name != asked.engine:
            raise ForeignWorkerError(
                f"{this_worker()} has the engine {engine.name!r} behind {asked.backend!r}, but the "
                f"job needs {asked.engine!r}: "
                "install the same plugins on both, and set the same variables of the environment"
            )
        task = EngineTask(unpack_programs(programs), engine, asked.context, asked.piece)
        control = TaskControl()
        with reserved(task.needs, control):
            return task.run(control)

    return plain_answer(run, _encode)


def _encode(value: tuple[Mapping[int, Any], Mapping[int, BaseException]]) -> dict[str, Any]:
    outcomes, failures = value
    return {
        "outcomes": [
            (number, seconds, dict(outcome.results), dict(outcome.metadata))
            for number, (outcome, seconds) in outcomes.items()
        ],
        "failures": [(number, error_to_plain(error)) for number, error in failures.items()],
    }


def _decode(value: Mapping[str, Any]) -> tuple[dict[int, Any], dict[int, BaseException]]:
    return (
        {
            number: (Outcome(results, metadata), seconds)
            for number, seconds, results, metadata in value["outcomes"]
        },
        {number: error_from_plain(error) for number, error in value["failures"]},
    )
