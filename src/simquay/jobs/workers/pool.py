"""A pool of worker processes: started ahead of need, used again, killed to cancel a run.

Workers belong to the process that started them. A forked child forgets its parent's (their pipes
are closed there, so that they still end with the parent) and starts its own. When the interpreter
exits, all are killed and waited for.
"""

from __future__ import annotations

import atexit
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from simquay.errors import Cancelled
from simquay.jobs.errors import JobFailedError, described, error_from_plain
from simquay.jobs.timing import SPARE_AFTER, TICK
from simquay.jobs.workers.process import BackendSource, Worker, WorkerDiedError
from simquay.system.lifecycle import after_fork, at_exit, before_exit, others_go_on
from simquay.system.starting import start_thread

if TYPE_CHECKING:
    from qiskit.result import Result

    from simquay.jobs.dispatch.tasks import TaskControl

__all__ = ["ProcessPool", "default_workers"]

_log = logging.getLogger(__name__)

_KEPT_IDLE = 2
"""How many idle workers are kept; each holds Qiskit and a simulator, some 150 MB."""

_TRIES = 3
"""How often a run is given to a worker that dies before it begins."""


class ProcessPool:
    """Warm worker processes.

    One thread starts them all, and lives as long as the process: Linux tells a child that its
    parent is gone when the *thread* that started it is.

    A pool that was used, has no idle worker and is then left alone for a while starts a spare one.
    So after a long run that was cancelled, the next run does not wait for a process to start.

    Args:
        kept: how many idle workers to keep.
        spare_after: for how many seconds it must be left alone.
    """

    def __init__(self, kept: int = _KEPT_IDLE, spare_after: float = SPARE_AFTER) -> None:
        self._kept = kept
        self._spare_after = spare_after
        self._all: set[Worker] = set()
        self._renew()
        after_fork(self._renew)
        before_exit(self._main_has_ended)
        at_exit(self._refuse)
        atexit.register(self.stop)

    def _main_has_ended(self) -> None:
        if not others_go_on():
            self._refuse()

    def _refuse(self) -> None:
        """Start no more workers, before the worker threads are told to stop, which drop theirs."""
        self._stopping = True

    def _renew(self) -> None:
        """Start without workers; in a forked child, those of the parent are forgotten."""
        for worker in self._all:
            worker.forget()
        self._lock = threading.RLock()  # a signal handler may cancel a job in this very thread
        self._idle: list[Worker] = []
        self._all = set()
        # The future of a worker for one run; None for an idle worker.
        self._requests: queue.SimpleQueue[tuple[BackendSource, Future[Worker] | None]]
        self._requests = queue.SimpleQueue()
        self._starter: threading.Thread | None = None
        self._stopping = False
        self._last: BackendSource | None = None  # the backend asked for last
        self._touched = 0.0  # when the pool was used last

    def run(self, source: BackendSource, body: bytes, control: TaskControl) -> Result:
        """Run circuits in a worker; one that dies before it has begun is replaced.

        Args:
            source: of the backend.
            body: the circuits and the options, pickled.
            control: gets the run's status, again and again, and is checked every few milliseconds;
                where it raises, the worker is killed.

        Raises:
            JobFailedError: with the error as its cause, and the results of those that succeeded.
            Cancelled: the backend cancelled the run by itself, or the control says so.
        """
        for left in reversed(range(_TRIES)):
            try:
                kind, *rest = self._run_once(source, body, control)
                break
            except WorkerDiedError as error:
                if error.accepted or not left:
                    raise JobFailedError(str(error)) from error
                _log.info("%s before it accepted a run; trying another one", error)
        if kind == "done":
            result: Result = rest[0]
            return result
        if kind == "cancelled":
            raise Cancelled(rest[0])
        text, cause, partial_result = rest
        raise JobFailedError(text, partial_result) from error_from_plain(cause, by_pickle=True)

    def _run_once(
        self, source: BackendSource, body: bytes, control: TaskControl
    ) -> tuple[Any, ...]:
        worker = self.lease(source, control.check)
        asked = False
        try:
            worker.wait_ready(control.check)
            asked = True
            end = worker.run(source, body, control)
        except BaseException as error:
            if asked or not isinstance(error, Cancelled):
                self.drop(worker)
            else:
                self.give_back(worker)
            raise
        self.give_back(worker)
        return end

    def lease(self, source: BackendSource, check: Callable[[], object]) -> Worker:
        """Lend a worker to one run, if possible one that has the backend; it may not be ready yet.

        Give it back with :meth:`give_back`, or :meth:`drop` it.

        Raises:
            WorkerDiedError: none can be started.
        """
        with self._lock:
            self._last = source
            self._touched = time.monotonic()
            for worker in [one for one in self._idle if not one.alive]:
                self._idle.remove(worker)
                self._all.discard(worker)
                worker.end()
            if self._idle:
                # Of equal ones the last, which was used last.
                worker = max(reversed(self._idle), key=lambda one: one.knows(source.key))
                self._idle.remove(worker)
                return worker
        future: Future[Worker] = Future()
        try:
            self._request(source, future)
        except RuntimeError as error:
            text = f"no worker process can be started: {described(error)}"
            raise WorkerDiedError(text) from error
        try:
            while not wait([future], TICK).done:
                check()
        except BaseException:
            future.add_done_callback(self._unwanted)
            raise
        return future.result()

    def give_back(self, worker: Worker) -> None:
        """Take ``worker`` back: it is idle again, or dropped where the pool has no room for it."""
        with self._lock:
            self._touched = time.monotonic()
            if worker in self._all and not self._stopping and len(self._idle) < self._kept:
                self._idle.append(worker)
                return
        self.drop(worker)

    def drop(self, worker: Worker) -> None:
        """Kill ``worker``; returns when the process is gone."""
        with self._lock:
            self._all.discard(worker)
            self._touched = time.monotonic()
        worker.end()

    def stop(self) -> None:
        """Start no more workers, and kill those that run."""
        with self._lock:
            self._stopping = True
            workers = list(self._all)
            self._all.clear()
            self._idle.clear()
        for worker in workers:
            worker.signal_end()
        for worker in workers:
            worker.end()

    def pids(self) -> list[int]:
        """The process ids of all workers, idle or not."""
        with self._lock:
            return [worker.pid for worker in self._all]

    def warm_up(self, source: BackendSource) -> None:
        """Have an idle worker soon; returns at once. Does nothing where there is one."""
        with self._lock:
            needed = not self._idle and not self._stopping
        if needed:
            with suppress(RuntimeError):  # the run that needs a worker says why there is none
                self._request(source, None)

    def _request(self, source: BackendSource, future: Future[Worker] | None) -> None:
        """Ask the starter thread for a worker; start that thread where it does not run.

        Raises:
            RuntimeError: it cannot be started.
        """
        with self._lock:
            if self._starter is None or not self._starter.is_alive():
                starter = threading.Thread(
                    target=self._start_workers, name="simquay-starter", daemon=True
                )
                start_thread(starter)
                self._starter = starter
        self._requests.put((source, future))

    def _unwanted(self, future: Future[Worker]) -> None:
        """The run that asked for a worker is over: the worker becomes idle."""
        if future.exception() is None:
            self.give_back(future.result())

    def _start_workers(self) -> None:
        """Start workers; the starter thread runs this as long as the process lives."""
        requests = self._requests
        while True:
            try:
                source, future = requests.get(timeout=self._spare_after)
            except queue.Empty:
                with self._lock:
                    now = time.monotonic()
                    left_alone = now >= self._touched + self._spare_after
                    if self._idle or self._stopping or self._last is None or not left_alone:
                        continue
                    source, future = self._last, None
                    self._touched = now  # so that a failed start is not tried again at once
            self._start(source, future)
            del future

    def _start(self, source: BackendSource, future: Future[Worker] | None) -> None:
        try:
            if self._stopping:
                raise OSError("the interpreter is exiting")
            worker = Worker(source)
        except Exception as error:  # noqa: BLE001  # the job boundary: this thread must go on
            if future is not None:
                text = f"no worker process can be started: {described(error)}"
                future.set_exception(WorkerDiedError(text))
            return
        with self._lock:
            self._all.add(worker)
            if future is None or self._stopping:
                self.give_back(worker)  # at once: a run that finds it in pids() can lease it
        if future is not None:
            future.set_result(worker)


_default = ProcessPool()


def default_workers() -> ProcessPool:
    """The pool that the whole process shares."""
    return _default
