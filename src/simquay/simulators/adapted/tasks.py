"""Runs on a foreign backend as tasks: in a worker process, in a thread, or on a user's executor.

The one task has all circuits of the job. A foreign backend draws its random numbers as it likes,
mostly by the index of a circuit in the job, so results would depend on how a job is split.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simquay.jobs.dispatch.tasks import MemoryRequest, RemoteCall, TaskControl
from simquay.jobs.errors import JobFailedError, detach
from simquay.jobs.external.backend_pool import BackendPool
from simquay.jobs.external.circuits import run_circuits
from simquay.jobs.external.watch import Ended, foreign_result
from simquay.jobs.timing import GRACE
from simquay.jobs.workers.pool import ProcessPool
from simquay.jobs.workers.source import BackendSource
from simquay.simulators.worker import Answer

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.result import Result

    from simquay.jobs.job import TaskEnd

__all__ = ["AdaptedTask", "JoinAdapted", "ProcessTask", "ThreadTask", "answered"]


def answered(run: Callable[[], Result]) -> Answer:
    """The answer of a run: its result, or the ``JobFailedError`` that it raised."""
    began = time.perf_counter()
    value: Result | JobFailedError
    try:
        value = run()
    except JobFailedError as error:
        value = error
        detach(error)
    return Answer(value, time.perf_counter() - began)


class AdaptedTask:
    """A run on a foreign backend; see :class:`simquay.jobs.dispatch.tasks.Task`.

    Args:
        needs: what to reserve while it runs, or None.
    """

    def __init__(self, needs: MemoryRequest | None = None) -> None:
        self.needs = needs

    def run(self, control: TaskControl) -> Answer:
        """Run the circuits in this process, or in a worker of it."""
        return answered(lambda: self._result(control))

    @abstractmethod
    def _result(self, control: TaskControl) -> Result:
        """The foreign result."""

    def remote(self, control: TaskControl) -> RemoteCall | None:
        """None: the run belongs to this process."""
        return None


class ProcessTask(AdaptedTask):
    """A run in a worker process, which is killed to cancel it.

    Args:
        workers: where to get the worker from.
        source: of the backend.
        body: the circuits and the options, pickled.
        needs: what to reserve while it runs, or None.
    """

    def __init__(
        self,
        workers: ProcessPool,
        source: BackendSource,
        body: bytes,
        needs: MemoryRequest | None = None,
    ) -> None:
        super().__init__(needs)
        self._workers = workers
        self._source = source
        self._body = body

    def _result(self, control: TaskControl) -> Result:
        return self._workers.run(self._source, self._body, control.check, control.report_status)


class ThreadTask(AdaptedTask):
    """A run in a thread of this process. Cancelling it asks the foreign job to cancel.

    Args:
        backends: the backend objects.
        circuits: copies of the caller's.
        options: for ``backend.run``.
        needs: what to reserve while it runs, or None.
    """

    def __init__(
        self,
        backends: BackendPool,
        circuits: Sequence[QuantumCircuit],
        options: Mapping[str, Any],
        needs: MemoryRequest | None = None,
    ) -> None:
        super().__init__(needs)
        self._backends = backends
        self._circuits = circuits
        self._options = options

    def _result(self, control: TaskControl) -> Result:
        lease = self._backends.lease(control)

        def attempt(start: Callable[[], Any]) -> Ended:
            return foreign_result(
                start,
                check=control.check,
                report=control.report_status,
                grace=GRACE,
                over=lease.hold(),
            )

        try:
            return run_circuits(
                lease.backend, self._circuits, self._options, attempt=attempt, again=False
            )
        finally:
            lease.release()


@dataclass(frozen=True, slots=True)
class JoinAdapted:
    """Makes the result of an adapted job; see :data:`simquay.jobs.job.Join`.

    Attributes:
        finish: gives the result as it is handed out, from the foreign one (or that of the circuits
            that succeeded) and the job's id.
        circuits: how many there are.
        shots: of the run, or None where the options do not say.
        executor: the class name of the user's executor, or None.
    """

    finish: Callable[[Result, str], Result]
    circuits: int
    shots: int | None = None
    executor: str | None = None

    def __call__(self, ends: Sequence[TaskEnd], job_id: str, seconds: float) -> Result:
        """The job's result.

        Raises:
            JobFailedError: the run failed.
        """
        (end,) = ends
        if end.error is not None:
            if self.executor is None:
                raise end.error
            text = f"the job failed: {type(end.error).__name__}: {end.error}"
            raise JobFailedError(text) from end.error
        answer: Answer = end.answer
        failure = answer.value if isinstance(answer.value, JobFailedError) else None
        result = answer.value if failure is None else failure.partial_result
        if result is not None:
            result = self.finish(result, job_id)
            if self.executor is not None:
                metadata = getattr(result, "metadata", None)
                task = answer.report([*range(self.circuits)], 0, self.shots, end.attempts)
                result._metadata["metadata"] = {
                    **(metadata if isinstance(metadata, Mapping) else {}),
                    "executor": self.executor,
                    "tasks": [task],
                }
        if failure is not None:
            failure.partial_result = result
            raise failure
        assert result is not None
        return result
