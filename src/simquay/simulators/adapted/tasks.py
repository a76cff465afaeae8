"""A run on a foreign backend as one task of an executor of the user's.

All circuits of the job are in the one task: a foreign backend draws its random numbers as it likes,
mostly by the place of a circuit in the job, so that results would depend on how a job is split.

In this process (threads) the task does what the job would have done without an executor. Another
process is sent the names of two functions, and bytes: a request, and the circuits as QPY. It finds
the backend by its name, and answers in numbers, strings and arrays.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from qiskit.result import Result

from simquay.control import Control
from simquay.errors import Cancelled, OutOfMemoryError, SimquayError
from simquay.jobs.base import BackendFinder
from simquay.jobs.dispatch.launchers import SplitTask, TaskContext
from simquay.jobs.dispatch.threads import MemoryRequest
from simquay.jobs.errors import JobFailedError, detach
from simquay.jobs.workers.errors import error_from_plain, error_to_plain
from simquay.simulators.adapted.transfer import circuits_from_qpy, circuits_to_qpy
from simquay.simulators.inputs import RunInputError
from simquay.simulators.worker import ForeignWorkerError, check_version, this_worker

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from simquay.jobs.split import TaskEnd

__all__ = ["ForeignRequest", "ForeignTaskWork", "UnplainResultError", "run_foreign_request"]

_PLAIN = (str, int, float, complex, bool, bytes, type(None), np.ndarray, np.generic)


class UnplainResultError(SimquayError):
    """A result holds an object that does not travel between processes without a pickle."""


class Work(Protocol):
    """What the task does in this process."""

    @property
    def memory(self) -> MemoryRequest | None:
        """What must be reserved before it may run."""

    def refuse(self, error: OutOfMemoryError) -> bool:
        """The memory can never be had; :attr:`memory` then asks for less."""

    def run(self, job_id: str, control: Control) -> Result:
        """Do it; see :class:`simquay.jobs.external.attempt.ForeignWork`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How the task ended.

    Attributes:
        result: of all circuits; of those that succeeded, where one failed; or None.
        text: why the job fails, or empty.
        cause: the original error, detached, or None.
        pid: of the process that ran the task.
        host: the name of the machine that ran it.
        seconds: that it took there.
    """

    result: Result | None
    text: str
    cause: BaseException | None
    pid: int
    host: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ForeignRequest:
    """What another process is asked for, but for the circuits.

    Attributes:
        version: of Simquay, where the request was made.
        backend: the name that the other process finds the backend by.
        backend_version: the foreign backend's.
        options: for the foreign ``run``.
    """

    version: str
    backend: str
    backend_version: str
    options: Mapping[str, Any]

    def pack(self, context: TaskContext) -> bytes:
        """As bytes, which differ for each time that a task is handed out."""
        return json.dumps(
            {
                "version": self.version,
                "backend": self.backend,
                "backend_version": self.backend_version,
                "options": dict(self.options),
                "context": [context.job_id, context.number, context.attempt],
            }
        ).encode()

    def check(self) -> None:
        """Refuse options that would arrive as something else.

        Raises:
            RunInputError: names the option.
        """
        for name, value in self.options.items():
            try:
                arrived = json.loads(json.dumps(value))
                kept = type(arrived) is type(value) and bool(arrived == value)
            except (TypeError, ValueError):
                kept = False
            if not kept:
                raise RunInputError(
                    f"option {name}, of type {type(value).__name__}, cannot be sent to an executor "
                    "of other processes: expected what JSON keeps (numbers, strings, lists, "
                    "dicts); run without executor=, or on a ThreadPoolExecutor"
                )


class ForeignTaskWork:
    """The work of an adapted job on an executor; see :class:`simquay.jobs.split.SplitWork`.

    Made by :meth:`here` or :meth:`elsewhere`.
    """

    def __init__(
        self,
        task: SplitTask,
        circuits: Sequence[QuantumCircuit],
        shots: int | None,
        finish: Callable[[Result, str], Result],
        executor: str,
    ) -> None:
        self.tasks = (task,)
        self._circuits = len(circuits)
        self._shots = shots
        self._finish = finish
        self._executor = executor

    @classmethod
    def here(
        cls,
        work: Work,
        circuits: Sequence[QuantumCircuit],
        shots: int | None,
        finish: Callable[[Result, str], Result],
        executor: str,
    ) -> ForeignTaskWork:
        """In threads of this process.

        Args:
            work: what is done.
            circuits: what is run.
            shots: of the run, or None where the options do not say.
            finish: gives the result as it is handed out, from the foreign one and the job's id.
            executor: the class name of the executor.
        """
        return cls(_TaskHere(work), circuits, shots, finish, executor)

    @classmethod
    def elsewhere(
        cls,
        finder: BackendFinder,
        request: ForeignRequest,
        circuits: Sequence[QuantumCircuit],
        shots: int | None,
        finish: Callable[[Result, str], Result],
        executor: str,
    ) -> ForeignTaskWork:
        """In other processes.

        Args:
            finder: gives the backend there, by its name.
            request: what is asked for.
            circuits: as for :meth:`here`, and so are the others.
            shots: of the run.
            finish: gives the result.
            executor: the class name of the executor.

        Raises:
            RunInputError: an option, or something of a circuit, would be lost on the way.
        """
        request.check()
        task = _TaskElsewhere(finder, request, circuits_to_qpy(circuits))
        return cls(task, circuits, shots, finish, executor)

    def result(self, job_id: str, ends: Sequence[TaskEnd], seconds: float) -> Result:
        """The task's answer, or its error.

        Raises:
            JobFailedError: it failed.
            Cancelled: the backend cancelled it by itself.
        """
        (end,) = ends
        if end.error is not None:
            if isinstance(end.error, Cancelled):
                raise end.error
            failure = JobFailedError(f"the job failed: {type(end.error).__name__}: {end.error}")
            failure.__cause__ = end.error
            raise failure
        answer: Answer = end.answer
        result = None if answer.result is None else self._finish(answer.result, job_id)
        if result is not None:
            self._report(result, answer, end.attempts)
        if answer.text or result is None:
            failure = JobFailedError(answer.text, result)
            failure.__cause__ = answer.cause
            raise failure
        return result

    def _report(self, result: Result, answer: Answer, attempts: int) -> None:
        """Add who ran it to what the foreign backend says of the run."""
        told = getattr(result, "metadata", None)
        task = {
            "circuits": list(range(self._circuits)),
            "first_shot": 0,
            "shots": self._shots,
            "pid": answer.pid,
            "host": answer.host,
            "attempt": attempts,
            "seconds": answer.seconds,
        }
        result._metadata["metadata"] = {
            **(told if isinstance(told, Mapping) else {}),
            "executor": self._executor,
            "tasks": [task],
        }


class _TaskHere:
    """A task in this process; see :class:`simquay.jobs.dispatch.launchers.SplitTask`."""

    def __init__(self, work: Work) -> None:
        self._work = work

    @property
    def memory(self) -> MemoryRequest | None:
        """What must be reserved before it may run."""
        return self._work.memory

    def refuse(self, error: OutOfMemoryError) -> bool:
        """The memory cannot be had."""
        return self._work.refuse(error)

    def run(self, control: Control) -> Answer:
        """Run it."""
        return _answer(lambda: self._work.run("", control))

    def request(self, context: TaskContext) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Never called: threads run it."""
        raise AssertionError("this task does not travel")

    def read(self, answer: Answer) -> Answer:
        """The answer."""
        return answer


class _TaskElsewhere:
    """A task in another process; see :class:`simquay.jobs.dispatch.launchers.SplitTask`. Processes
    do not know what others have reserved, so nothing is."""

    memory: MemoryRequest | None = None

    def __init__(self, finder: BackendFinder, request: ForeignRequest, circuits: bytes) -> None:
        self._finder = finder
        self._request = request
        self._circuits = circuits

    def refuse(self, error: OutOfMemoryError) -> bool:
        """Never called: no memory is asked for."""
        raise AssertionError("this task asks for no memory")

    def run(self, control: Control) -> Any:
        """Never called: other processes run it."""
        raise AssertionError("this task does not run here")

    def request(self, context: TaskContext) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """What another process is to call."""
        return run_foreign_request, (self._finder, self._request.pack(context), self._circuits)

    def read(self, answer: Any) -> Answer:
        """The answer from there."""
        return _from_plain(answer)


def _answer(run: Callable[[], Result]) -> Answer:
    began = time.perf_counter()
    result, text, cause = None, "", None
    try:
        result = run()
    except JobFailedError as error:
        result, text = error.partial_result, error.message
        cause = None if error.__cause__ is None else detach(error.__cause__)
    seconds = time.perf_counter() - began
    return Answer(result, text, cause, os.getpid(), platform.node(), seconds)


# --- in another process ---------------------------------------------------------------------------


def run_foreign_request(finder: BackendFinder, request: bytes, circuits: bytes) -> dict[str, Any]:
    """Run a task; a worker process of an executor calls this.

    Args:
        finder: gives the backend by its name.
        request: a packed :class:`ForeignRequest`.
        circuits: as QPY.

    Returns:
        Plain data. An error is in it as data, too: not every exception would survive the journey.
    """
    try:
        wanted = json.loads(request)
        backend = _backend(finder, wanted["backend"])
        _check_versions(wanted, backend)
        answer = _answer(lambda: backend.run_here(circuits_from_qpy(circuits), wanted["options"]))
        result = None if answer.result is None else _plain(answer.result.to_dict(), "result")
    except Exception as error:  # noqa: BLE001  # the job boundary: the job's process raises it
        return {"error": error_to_plain(error)}
    return {
        "result": result,
        "text": answer.text,
        "cause": None if answer.cause is None else error_to_plain(answer.cause),
        "pid": answer.pid,
        "host": answer.host,
        "seconds": answer.seconds,
    }


def _from_plain(answer: Mapping[str, Any]) -> Answer:
    """The answer of :func:`run_foreign_request`.

    Raises:
        Exception: the error that ended the task there.
    """
    if "error" in answer:
        raise error_from_plain(answer["error"])
    return Answer(
        None if answer["result"] is None else Result.from_dict(answer["result"]),
        answer["text"],
        None if answer["cause"] is None else error_from_plain(answer["cause"]),
        answer["pid"],
        answer["host"],
        answer["seconds"],
    )


def _plain(value: Any, where: str) -> Any:
    """``value`` if it is a tree of plain values and arrays.

    Raises:
        UnplainResultError: if it is not; says where.
    """
    if isinstance(value, Mapping):
        return {key: _plain(one, f"{where}.{key}") for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one, where) for one in value]
    if isinstance(value, _PLAIN) and not (isinstance(value, np.ndarray) and value.dtype.hasobject):
        return value
    raise UnplainResultError(
        f"{where} is an object of type {type(value).__name__}, and only numbers, strings and "
        "arrays come back from an executor of other processes; run without executor="
    )


def _check_versions(wanted: Mapping[str, Any], backend: Any) -> None:
    check_version(wanted["version"])
    theirs = str(backend.backend_version)
    if theirs != wanted["backend_version"]:
        raise ForeignWorkerError(
            f"{this_worker()} has version {theirs} of backend {wanted['backend']!r}, but the job "
            f"was made for version {wanted['backend_version']}: install the same version on both"
        )


@functools.lru_cache(maxsize=16)
def _backend(finder: BackendFinder, name: str) -> Any:
    """The adapted backend of this name; kept, since looking a name up asks its probe."""
    backend = finder(name)
    if not hasattr(backend, "run_here"):
        raise ForeignWorkerError(f"the worker's backend {name!r} is not an adapted one")
    return backend
