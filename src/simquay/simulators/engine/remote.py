"""A task on an engine in another process: what is sent, what runs there, and what comes back.

Programs are sent, as packed plain data. They hold all that a circuit does, so nothing of a circuit
is lost on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simquay.engines.base import Engine
from simquay.execution.observables.values import Estimates
from simquay.execution.points import unpack
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.jobs.dispatch.tasks import TaskControl, reserved
from simquay.jobs.errors import error_from_plain, error_to_plain
from simquay.jobs.references import BackendFinder
from simquay.program import Observable, Precision
from simquay.simulators.engine.task import EngineTask
from simquay.simulators.worker import (
    Answer,
    ForeignWorkerError,
    RemoteTask,
    carry_out,
    this_worker,
)

__all__ = ["CLASSES", "remote_task", "run_request"]

CLASSES = {cls.__name__: cls for cls in (RunContext, Piece, Precision, Estimates, Observable)}
"""The classes that a packed request holds."""


def remote_task(
    engine: str,
    context: RunContext,
    piece: Piece,
    programs: Callable[[], bytes],
    address: str,
    finder: BackendFinder,
) -> RemoteTask:
    """A task of a run for another process.

    Args:
        engine: the name of the one that the task needs.
        context: of the run.
        piece: the circuits of the programs, and their shots.
        programs: gives the programs as bytes.
        address: the name that other processes find the backend by.
        finder: how they find it.
    """
    fields = {"engine": engine, "run": context, "piece": piece}
    return RemoteTask(run_request, finder, address, programs, _decode, fields)


def run_request(finder: BackendFinder, request: bytes, programs: bytes) -> dict[str, Any]:
    """Run a task; a worker process calls this.

    Args:
        finder: gives the backend by its name.
        request: of :func:`remote_task`.
        programs: one a circuit of the request, packed.

    Returns:
        Plain data; see :func:`~simquay.simulators.worker.carry_out`.
    """

    def run(backend: Any, asked: Mapping[str, Any]) -> Answer:
        engine = engine_of(backend, asked)
        task = EngineTask(unpack(programs), engine, asked["run"], asked["piece"])
        control = TaskControl()
        with reserved(task.needs, control):
            return task.run(control)

    return carry_out(finder, request, "engine", "one of an engine", run, _encode, CLASSES)


def engine_of(backend: Any, asked: Mapping[str, Any]) -> Engine:
    """The engine of a worker's backend, if it is the one that a request asks for.

    Raises:
        ForeignWorkerError: if it is another.
    """
    engine: Engine = backend.engine
    if engine.name != asked["engine"]:
        raise ForeignWorkerError(
            f"{this_worker()} has the engine {engine.name!r} behind {asked['backend']!r}, but "
            f"the job needs {asked['engine']!r}: "
            "install the same plugins on both, and set the same variables of the environment"
        )
    return engine


def _encode(value: tuple[Mapping[int, Any], Mapping[int, BaseException]]) -> Any:
    outcomes, failures = value
    plain = {
        number: (dict(outcome.results), dict(outcome.metadata), seconds)
        for number, (outcome, seconds) in outcomes.items()
    }
    return plain, {number: error_to_plain(error) for number, error in failures.items()}


def _decode(value: Any) -> tuple[dict[int, Any], dict[int, BaseException]]:
    plain, failures = value
    outcomes = {
        number: (Outcome(results, metadata), seconds)
        for number, (results, metadata, seconds) in plain.items()
    }
    return outcomes, {number: error_from_plain(error) for number, error in failures.items()}
