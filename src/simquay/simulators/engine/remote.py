"""A task on an engine in another process: what is sent, what runs there, and what comes back.

Programs are sent, as packed plain data. They hold all that a circuit does, so nothing of a circuit
is lost on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.jobs.dispatch.tasks import RemoteCall, TaskControl, reserved
from simquay.jobs.references import BackendFinder
from simquay.jobs.workers.errors import error_from_plain, error_to_plain
from simquay.program import Precision
from simquay.program.packing import unpack_programs
from simquay.simulators.engine.task import EngineTask
from simquay.simulators.worker import (
    Answer,
    ForeignWorkerError,
    call_elsewhere,
    carry_out,
    this_worker,
)

__all__ = ["PortableTask", "run_request"]

_CLASSES = {cls.__name__: cls for cls in (RunContext, Piece, Precision)}
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
        return call_elsewhere(
            run_request,
            self._finder,
            self._address,
            self._packed(),
            control,
            _decode,
            engine=self._engine.name,
            run=self._context,
            piece=self.piece,
        )


def run_request(finder: BackendFinder, request: bytes, programs: bytes) -> dict[str, Any]:
    """Run a task; a worker process calls this.

    Args:
        finder: gives the backend by its name.
        request: of :meth:`PortableTask.remote`.
        programs: one a circuit of the request, packed.

    Returns:
        Plain data; see :func:`~simquay.simulators.worker.carry_out`.
    """

    def run(backend: Any, asked: Mapping[str, Any]) -> Answer:
        engine = backend.engine
        if engine.name != asked["engine"]:
            raise ForeignWorkerError(
                f"{this_worker()} has the engine {engine.name!r} behind {asked['backend']!r}, but "
                f"the job needs {asked['engine']!r}: "
                "install the same plugins on both, and set the same variables of the environment"
            )
        task = EngineTask(unpack_programs(programs), engine, asked["run"], asked["piece"])
        control = TaskControl()
        with reserved(task.needs, control):
            return task.run(control)

    return carry_out(finder, request, "engine", "one of an engine", run, _encode, _CLASSES)


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
