"""Jobs for runs on backends that somebody else wrote: in a worker process, or in a thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from qiskit.providers.jobstatus import JobStatus

from simquay.control import Control
from simquay.errors import Cancelled
from simquay.jobs.dispatch.thread_per_task import own_threads
from simquay.jobs.errors import JobFailedError
from simquay.jobs.external.circuits import run_circuits
from simquay.jobs.external.watch import Ended, foreign_result
from simquay.jobs.local import LocalJob
from simquay.jobs.split import SplitJob
from simquay.jobs.workers.messages import (
    Alive,
    BackendSource,
    Done,
    Failed,
    Run,
    Status,
    Stopped,
    Taken,
)
from simquay.jobs.workers.pool import ProcessPool
from simquay.jobs.workers.process import Worker, WorkerDiedError
from simquay.jobs.workers.watchdog import ALIVE

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.providers import BackendV2
    from qiskit.result import Result

    from simquay.errors import OutOfMemoryError
    from simquay.jobs.dispatch.threads import MemoryRequest

__all__ = ["AdaptedJob", "AdaptedTaskJob", "Instances", "ProcessWork", "ThreadWork", "adapt_job"]

_log = logging.getLogger(__name__)

_GRACE = 0.5
"""Seconds that a backend's ``run`` may take in a thread before the job counts as running: some
submit to a far machine in that time, and others do all the work."""

_TRIES = 3
"""How often a run is given to a worker that dies before it begins."""

_TICK = 0.02

_SILENT = 3 * ALIVE
"""Seconds without a sign of life after which a worker counts as at work: foreign code that keeps
the interpreter's lock, as Aer's mostly does, is running."""

Report = Callable[[JobStatus], object]
Finish = Callable[["Result", str], "Result"]


class ForeignWork(Protocol):
    """What an adapted job does: work that also says when the foreign job moves on."""

    @property
    def memory(self) -> MemoryRequest | None:
        """What must be reserved before it may run."""

    def run(self, job_id: str, control: Control, report: Report) -> Result:
        """Do it, as :class:`simquay.jobs.local.Work` says."""


class AdaptedJob(LocalJob):
    """A job whose work is a run on a foreign backend. Its status follows the foreign job's: what
    waits in the foreign queue is ``QUEUED`` here."""

    def _run(self) -> None:
        self._task = None
        work, control = cast("ForeignWork | None", self._work), self._control
        if work is None or control is None:
            return  # cancelled while it waited
        try:
            result = work.run(self._job_id, control, self._advance)
            self._advance(JobStatus.VALIDATING)
            self._advance(JobStatus.RUNNING)
            self._conclude(result)
        except JobFailedError as error:
            self._fail(error.message, error.__cause__, error.partial_result)
        except Cancelled:
            self._advance(JobStatus.CANCELLED)  # mostly it is; else the backend cancelled it
        except BaseException as error:  # noqa: BLE001  # the job boundary: all failures end here
            _log.debug("job %s failed", self._job_id, exc_info=True)
            self._fail(f"{type(error).__name__}: {error}", error)


class AdaptedTaskJob(SplitJob):
    """A job whose work is a run on a foreign backend, as a task of an executor of the user's."""

    def _stopped_by_itself(self, error: Cancelled) -> None:
        """The backend cancelled the run."""
        self._advance(JobStatus.CANCELLED)


class _Work:
    """What all foreign work has.

    Attributes:
        memory: what is reserved while it runs; None where that is not known.
    """

    memory: MemoryRequest | None = None

    def refuse(self, error: OutOfMemoryError) -> bool:
        """The device will never have that memory: run without a reservation. What was asked for is
        an estimate, and the backend knows better, or says itself what it lacks."""
        self.memory = None
        return True


def _finish_partial(error: JobFailedError, finish: Finish, job_id: str) -> None:
    if error.partial_result is not None:
        error.partial_result = finish(error.partial_result, job_id)


# --- in a worker process --------------------------------------------------------------------------


class ProcessWork(_Work):
    """A run in a worker process, which is killed to cancel it.

    Args:
        workers: where to get the worker from.
        source: of the backend.
        body: the circuits and the options, pickled.
        finish: gives the result as it is handed out, from the foreign one (or that of the circuits
            that succeeded) and the job's id.
        memory: what to reserve while it runs, or None.
    """

    def __init__(
        self,
        workers: ProcessPool,
        source: BackendSource,
        body: bytes,
        finish: Finish,
        memory: MemoryRequest | None = None,
    ) -> None:
        self.memory = memory
        self._workers = workers
        self._source = source
        self._body = body
        self._finish = finish

    def run(self, job_id: str, control: Control, report: Report = lambda status: None) -> Result:
        """Have a worker do it."""
        try:
            return self._finish(self._ask(control, report, _TRIES), job_id)
        except JobFailedError as error:
            _finish_partial(error, self._finish, job_id)
            raise

    def _ask(self, control: Control, report: Report, tries: int) -> Result:
        try:
            return self._ask_once(control, report)
        except WorkerDiedError as error:
            if error.taken or tries == 1:
                raise JobFailedError(str(error)) from error
            _log.info("%s before it took a run; another one is tried", error)
        return self._ask(control, report, tries - 1)

    def _ask_once(self, control: Control, report: Report) -> Result:
        worker = self._workers.lease(self._source, control.check)
        try:
            worker.wait_ready(control.check)
        except Cancelled:
            self._workers.give_back(worker)  # it knows of nothing
            raise
        except BaseException:
            self._workers.drop(worker)
            raise
        try:
            answer = self._converse(worker, control, report)
        except BaseException:
            self._workers.drop(worker)
            raise
        self._workers.give_back(worker)
        if isinstance(answer, Done):
            return answer.result
        if isinstance(answer, Stopped):
            raise Cancelled(answer.text)
        failure = JobFailedError(answer.text, answer.partial_result)
        failure.__cause__ = None if answer.cause is None else answer.cause.unpack()
        raise failure

    def _converse(
        self, worker: Worker, control: Control, report: Report
    ) -> Done | Stopped | Failed:
        key = self._source.key
        source = None if worker.knows(key) else self._source
        worker.use(key)
        worker.send(Run(key, source, self._body), control.check)
        taken = False
        heard = 0.0

        def check() -> None:
            control.check()
            if taken and time.monotonic() - heard > _SILENT:
                report(JobStatus.RUNNING)

        while True:
            try:
                message = worker.receive(check)
            except WorkerDiedError as error:
                error.taken = taken
                raise
            heard = time.monotonic()
            if isinstance(message, Taken):
                taken = True
                report(JobStatus.VALIDATING)
            elif isinstance(message, Alive):
                continue
            elif isinstance(message, Status):
                report(JobStatus[message.name])
            elif isinstance(message, (Done, Stopped, Failed)):
                return message
            else:
                raise TypeError(f"the worker sent {type(message).__name__}")


# --- in a thread ----------------------------------------------------------------------------------


class Instances:
    """The foreign backend objects of one adapted backend, for use in threads.

    Backends keep the state of a run in themselves, so each run has an object for itself. Where no
    more can be made, there is one, and runs take turns.

    Args:
        first: the backend.
        another: makes one more, or None.
    """

    def __init__(self, first: Any, another: Callable[[], Any] | None) -> None:
        self._another = another
        self._free = [first]
        self._lock = threading.Lock()

    def lease(self, control: Control) -> Lease:
        """An object for one run; waits for it if it must."""
        while True:
            control.check()
            with self._lock:
                if self._free:
                    return Lease(self, self._free.pop())
            if self._another is not None:
                return Lease(self, self._another())
            control.wait(_TICK)

    def give_back(self, backend: Any) -> None:
        """``backend`` is free."""
        with self._lock:
            self._free.append(backend)


class Lease:
    """The use of a backend object, which ends when all who hold it have let go."""

    def __init__(self, instances: Instances, backend: Any) -> None:
        self.backend = backend
        self._instances = instances
        self._lock = threading.Lock()
        self._holders = 1

    def hold(self) -> Callable[[], None]:
        """Use it, too; returns what is to be called in the end."""
        with self._lock:
            self._holders += 1
        return self.let_go

    def let_go(self) -> None:
        """Use it no more."""
        with self._lock:
            self._holders -= 1
            free = not self._holders
        if free:
            self._instances.give_back(self.backend)


class ThreadWork(_Work):
    """A run in a thread of this process. Cancelling it asks the foreign job to cancel.

    Args:
        instances: the backend objects.
        circuits: copies of the caller's.
        options: for ``backend.run``.
        finish: gives the result as it is handed out, from the foreign one (or that of the circuits
            that succeeded) and the job's id.
        memory: what to reserve while it runs, or None.
    """

    def __init__(
        self,
        instances: Instances,
        circuits: Sequence[QuantumCircuit],
        options: Mapping[str, Any],
        finish: Finish,
        memory: MemoryRequest | None = None,
    ) -> None:
        self.memory = memory
        self._instances = instances
        self._circuits = circuits
        self._options = options
        self._finish = finish

    def run(self, job_id: str, control: Control, report: Report = lambda status: None) -> Result:
        """Do it."""
        lease = self._instances.lease(control)

        def attempt(start: Callable[[], Any]) -> Ended:
            over = lease.hold()
            return foreign_result(
                start, check=control.check, report=report, grace=_GRACE, over=over
            )

        try:
            result = run_circuits(
                lease.backend, self._circuits, self._options, attempt=attempt, again=False
            )
            return self._finish(result, job_id)
        except JobFailedError as error:
            _finish_partial(error, self._finish, job_id)
            raise
        finally:
            lease.let_go()


# --- a job that exists ----------------------------------------------------------------------------


class _ExistingJob(_Work):
    """Waiting for a job that somebody else's code made."""

    def __init__(self, job: Any) -> None:
        self._job = job

    def run(self, job_id: str, control: Control, report: Report = lambda status: None) -> Result:
        job = self._job
        ended, _ = foreign_result(lambda: job, check=control.check, report=report, grace=_GRACE)
        if isinstance(ended, BaseException):
            raise ended
        return ended


def adapt_job(job: Any, backend: BackendV2 | None = None) -> AdaptedJob:
    """A job that keeps the contract, for a job that exists and does not.

    The new job has the old one's id, and is submitted; the old one is submitted as well if it was
    not. Cancelling the new one asks the old one to cancel.

    Args:
        job: any object with ``result()`` and ``status()``, such as a job written against a legacy
            abstract class.
        backend: the backend of the new job.

    Raises:
        TypeError: ``job`` has no ``result`` method.
    """
    if not callable(getattr(job, "result", None)):
        raise TypeError(f"an object of type {type(job).__name__} is no job: it has no result()")
    name = job.job_id() if callable(getattr(job, "job_id", None)) else None
    metadata = getattr(job, "metadata", None)
    adapted = AdaptedJob(
        backend,
        _ExistingJob(job),
        own_threads(),
        job_id=name,
        metadata=metadata if isinstance(metadata, Mapping) else None,
    )
    adapted.submit()
    return adapted
