"""A run on a foreign backend as one task of an executor of the user's.

The one task has all circuits of the job. A foreign backend draws its random numbers as it likes,
mostly by the index of a circuit in the job, so results would depend on how a job is split.

- In this process (threads) the task runs as the job would without an executor.
- Another process gets bytes, a request and the circuits as QPY, and a function that finds the
  backend by its name. The answer is numbers, strings and arrays.
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
from simquay.jobs.dispatch.launchers import SplitTask, TaskContext
from simquay.jobs.dispatch.threads import MemoryRequest
from simquay.jobs.errors import JobFailedError, detach
from simquay.jobs.references import BackendFinder
from simquay.jobs.workers.errors import error_from_plain, error_to_plain
from simquay.jobs.workers.pickling import circuits_from_qpy
from simquay.simulators.adapted.transfer import circuits_to_qpy
from simquay.simulators.inputs import RunInputError
from simquay.simulators.worker import ForeignWorkerError, check_version, this_worker

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from simquay.jobs.split import TaskEnd

__all__ = ["ForeignRequest", "ForeignTaskWork", "UnplainResultError", "run_foreign_request"]

_PLAIN = (str, int, float, complex, bool, bytes, type(None), np.ndarray, np.generic)


class UnplainResultError(SimquayError):
    """A result holds an object that crosses processes as a pickle only."""


class Work(Protocol):
    """The work of a task in this process."""

    @property
    def memory(self) -> MemoryRequest | None:
        """The memory to reserve before it runs."""

    def refuse(self, error: OutOfMemoryError) -> bool:
        """The memory can never be had: ask for less in :attr:`memory`, or return False."""

    def run(self, job_id: str, control: Control) -> Result:
        """Run the circuits; see :class:`simquay.jobs.adapted.ForeignWork`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of the task: a result, an error, or both.

    Attributes:
        result: of all circuits; of those that succeeded, where one failed; or None.
        text: the reason why the job fails, or empty.
        cause: the original error, detached, or None.
        pid: the process that ran the task.
        host: the name of the machine that ran it.
        seconds: the time that it took there.
    """

    result: Result | None
    text: str
    cause: BaseException | None
    pid: int
    host: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ForeignRequest:
    """A task for another process, without the circuits.

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
        """The request as bytes, which differ each time that a task is submitted."""
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
        """Refuse options that JSON would change.

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

    Made by :meth:`in_threads` or :meth:`in_processes`.
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
    def in_threads(
        cls,
        work: Work,
        circuits: Sequence[QuantumCircuit],
        shots: int | None,
        finish: Callable[[Result, str], Result],
        executor: str,
    ) -> ForeignTaskWork:
        """The work on an executor of threads.

        Args:
            work: runs in one of the threads.
            circuits: of the job.
            shots: of the run, or None where the options do not say.
            finish: gives the job's result, from the foreign result and the job's id.
            executor: the class name of the executor.
        """
        return cls(_LocalTask(work), circuits, shots, finish, executor)

    @classmethod
    def in_processes(
        cls,
        finder: BackendFinder,
        request: ForeignRequest,
        circuits: Sequence[QuantumCircuit],
        shots: int | None,
        finish: Callable[[Result, str], Result],
        executor: str,
    ) -> ForeignTaskWork:
        """The work on an executor of other processes.

        Args:
            finder: gives the backend there, by its name.
            request: the task, without the circuits.
            circuits: of the job.
            shots: as for :meth:`in_threads`.
            finish: as for :meth:`in_threads`.
            executor: the class name of the executor.

        Raises:
            RunInputError: JSON would change an option, or QPY a circuit.
        """
        request.check()
        task = _RemoteTask(finder, request, circuits_to_qpy(circuits))
        return cls(task, circuits, shots, finish, executor)

    def result(self, job_id: str, ends: Sequence[TaskEnd], seconds: float) -> Result:
        """The job's result.

        Raises:
            JobFailedError: the task failed.
            Cancelled: the backend cancelled the run by itself.
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
        """Add the task and its process to the metadata of the foreign result."""
        metadata = getattr(result, "metadata", None)
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
            **(metadata if isinstance(metadata, Mapping) else {}),
            "executor": self._executor,
            "tasks": [task],
        }


class _LocalTask:
    """A task in this process; see :class:`simquay.jobs.dispatch.launchers.SplitTask`."""

    def __init__(self, work: Work) -> None:
        self._work = work

    @property
    def memory(self) -> MemoryRequest | None:
        """The memory to reserve before it runs."""
        return self._work.memory

    def refuse(self, error: OutOfMemoryError) -> bool:
        """The memory can never be had."""
        return self._work.refuse(error)

    def run(self, control: Control) -> Answer:
        """Run the circuits in this thread."""
        return _answer(lambda: self._work.run("", control))

    def request(self, context: TaskContext) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Not for this task: its executor has threads."""
        raise AssertionError("this task runs in this process alone")

    def read(self, answer: Answer) -> Answer:
        """The answer of :meth:`run`, as it is."""
        return answer


class _RemoteTask:
    """A task in another process; see :class:`simquay.jobs.dispatch.launchers.SplitTask`.

    It reserves no memory, since processes do not know each other's reservations.
    """

    memory: MemoryRequest | None = None

    def __init__(self, finder: BackendFinder, request: ForeignRequest, circuits: bytes) -> None:
        self._finder = finder
        self._request = request
        self._circuits = circuits

    def refuse(self, error: OutOfMemoryError) -> bool:
        """Not for this task: it reserves no memory."""
        raise AssertionError("this task reserves no memory")

    def run(self, control: Control) -> Any:
        """Not for this task: its executor has other processes."""
        raise AssertionError("this task does not run here")

    def request(self, context: TaskContext) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """The call that runs the task in another process: a function and its arguments."""
        return run_foreign_request, (self._finder, self._request.pack(context), self._circuits)

    def read(self, answer: Any) -> Answer:
        """The answer of :func:`run_foreign_request`."""
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
        Plain data. An error is data in it too, since not every exception survives a pickle.
    """
    try:
        asked = json.loads(request)
        backend = _backend(finder, asked["backend"])
        _check_versions(asked, backend)
        answer = _answer(lambda: backend.run_here(circuits_from_qpy(circuits), asked["options"]))
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


def _check_versions(asked: Mapping[str, Any], backend: Any) -> None:
    check_version(asked["version"])
    theirs = str(backend.backend_version)
    if theirs != asked["backend_version"]:
        raise ForeignWorkerError(
            f"{this_worker()} has version {theirs} of backend {asked['backend']!r}, but the job "
            f"was made for version {asked['backend_version']}: install the same version on both"
        )


@functools.lru_cache(maxsize=16)
def _backend(finder: BackendFinder, name: str) -> Any:
    """The adapted backend of this name; cached, since a lookup runs the backend's probe."""
    backend = finder(name)
    if not hasattr(backend, "run_here"):
        raise ForeignWorkerError(f"the worker's backend {name!r} is not an adapted one")
    return backend
