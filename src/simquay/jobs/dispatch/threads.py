"""Simquay's own worker threads, and the order in which they take jobs.

Workers are daemon threads: made when first needed, made anew in a forked child, and told to stop
when the interpreter exits. The jobs of threads that the interpreter waits for run until these end.

The order is first in, first out, with overtaking:

1. A job whose memory cannot be reserved now waits without holding a worker. Later jobs may pass it.
2. Invariant, for each device: take its first waiting job, and the running jobs that were started
   since that one began to wait. Together they need no more than the device's capacity.
3. So the passing jobs never delay the first waiting one. It waits only for jobs that ran before it
   began to wait, and all of these end.
4. When it starts, the next waiting job becomes the first. So no job starves; and a small job waits
   for a large one only where it would delay it.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from simquay.errors import OutOfMemoryError
from simquay.execution.memory import Ledger, Reservation
from simquay.jobs.dispatch.queue_info import QueueInfo
from simquay.jobs.dispatch.tasks import MemoryRequest, Task, TaskControl, TaskFuture
from simquay.jobs.timing import EXIT_PATIENCE, MEMORY_POLL
from simquay.system.cpus import cpu_budget
from simquay.system.lifecycle import after_fork, at_exit, before_exit, others_go_on
from simquay.system.starting import start_thread

__all__ = ["WorkerPool", "default_pool", "thread_per_task"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting:
    """The first task that waits for a device's memory, and the bytes of those that passed it.

    Attributes:
        head: the task.
        end: ends the wake-ups by the device's ledger.
        passed: the tasks that started since ``head`` began to wait and still run.
    """

    head: TaskFuture
    end: Callable[[], None]
    passed: dict[TaskFuture, int] = field(default_factory=dict)


class WorkerPool:
    """Runs tasks on up to ``workers`` daemon threads.

    Args:
        workers: how many tasks run side by side; by default as many as the process may use CPUs,
            but two at least, so that a long job does not block a short one.
        lasting: whether a thread that has nothing to do waits for the next task; else it ends.
    """

    def __init__(self, workers: int | None = None, *, lasting: bool = True) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers={workers}: expected 1 or more")
        self.workers = max(2, cpu_budget()) if workers is None else workers
        self._lasting = lasting
        self._renew()
        after_fork(self._renew)
        before_exit(self._main_has_ended)
        at_exit(self.stop)

    def _renew(self) -> None:
        """Start without threads; also in a forked child, where the old threads are gone and the old
        lock may be held for ever."""
        # Reentrant: a signal handler that cancels a job may interrupt launch() in this thread.
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        self._waiting: dict[TaskFuture, None] = {}
        self._running: dict[TaskFuture, None] = {}
        self._devices: dict[Ledger, _Waiting] = {}
        self._threads: set[threading.Thread] = set()  # those about to start are in it as well
        self._idle = 0
        self._stopping = False

    def launch(self, task: Task, control: TaskControl) -> TaskFuture:
        """Queue ``task``; see :class:`~simquay.jobs.dispatch.tasks.Launcher`."""
        future = TaskFuture(task, control, self._discard)
        future.needs = task.needs
        future.explained_by(self.queue_info)
        with self._lock:
            if self._stopping:
                raise RuntimeError("the interpreter is exiting: no more work is taken")
            self._waiting[future] = None
            if self._idle:
                self._condition.notify()
            if self._idle >= len(self._waiting) or len(self._threads) >= self.workers:
                return future
            thread = threading.Thread(
                target=self._work, name=f"simquay-worker-{len(self._threads)}", daemon=True
            )
            self._threads.add(thread)
        try:
            start_thread(thread)
        except RuntimeError as error:
            with self._lock:
                self._threads.discard(thread)
                # Of these no thread would ever take one. The threads of others than this task have
                # failed to start as well, while this one was still expected.
                lost = [*self._waiting] if not self._threads else []
                if not self._lasting and future in self._waiting:
                    lost = [future]
                for one in lost:
                    self._withdrawn(one)
            for one in lost:
                if one is not future:
                    one.fail(error)
            if future in lost:
                raise
        return future

    def queue_info(self, future: TaskFuture) -> QueueInfo | None:
        """What ``future`` waits for; None where it does not wait in this queue."""
        with self._lock:
            if future not in self._waiting:
                return None
            position = [*self._waiting].index(future)
            request = future.needs
            if request is None or request.ledger not in self._devices:
                return QueueInfo("worker", position)
            held: Counter[str] = Counter()
            for other in self._running:
                if other.needs is not None and other.needs.ledger is request.ledger:
                    held[other.control.job_id] += other.needs.bytes
            ledger = request.ledger
            return QueueInfo(
                "memory",
                position,
                request.bytes,
                ledger.limit or 0,
                ledger.reserved,
                ledger.name,
                dict(held),
            )

    def _discard(self, future: TaskFuture) -> None:
        """Forget a task that is cancelled, if no worker has taken it yet."""
        with self._lock:
            if self._withdrawn(future) and self._idle:
                self._condition.notify_all()  # others may have waited behind it

    def _withdrawn(self, future: TaskFuture) -> bool:
        """Take a task out of the queue; whether it was there. The lock is held."""
        if future not in self._waiting:
            return False
        del self._waiting[future]
        self._forget_head(future)
        return True

    def stop(self, patience: float = EXIT_PATIENCE) -> int:
        """Once: take no more tasks, stop all jobs, and wait ``patience`` seconds for them.

        Returns:
            How many jobs were not final before.
        """
        end = time.monotonic() + patience
        with self._lock:
            if self._stopping:
                return 0
            self._stopping = True
            futures = [*self._waiting, *self._running]
            threads = list(self._threads)
            for future in self._waiting:
                self._forget_head(future)
            self._waiting.clear()
            self._condition.notify_all()
        cancelled = sum(future.control.stop() is True for future in futures)
        for thread in threads:
            if thread is not threading.current_thread() and thread.is_alive():
                thread.join(max(0.0, end - time.monotonic()))
        return cancelled

    def _main_has_ended(self) -> int:
        """Stop; but where other threads go on, tell only the jobs to stop that are not theirs."""
        if not others_go_on():
            return self.stop()
        with self._lock:
            futures = [*self._waiting, *self._running]
        ending = [future for future in futures if not future.outlives_main()]
        return sum(future.control.stop() is True for future in ending)

    def _work(self) -> None:
        """Run tasks; each worker thread runs this until the pool stops."""
        try:
            self._run_tasks()
        finally:
            with self._lock:  # also where an error ends it: then another thread takes its place
                self._threads.discard(threading.current_thread())

    def _run_tasks(self) -> None:
        while True:
            with self._lock:
                while (taken := self._take()) is None:
                    if self._stopping or not (self._lasting or self._waiting):
                        self._threads.discard(threading.current_thread())  # under this very lock
                        return
                    self._idle += 1
                    try:
                        # The tasks in self._waiting wait for memory.
                        self._condition.wait(MEMORY_POLL if self._waiting else None)
                    finally:
                        self._idle -= 1
                if self._waiting and self._idle:
                    self._condition.notify()  # one release may be enough for several tasks
            future, reservation = taken
            del taken
            if isinstance(reservation, Exception):
                future.fail(reservation)
            else:
                try:
                    future.settle(future.call)
                finally:
                    self._ended(future, reservation)
            del future, reservation  # an idle worker holds nothing of its last task

    def _ended(self, future: TaskFuture, reservation: Reservation | None) -> None:
        with self._lock:
            self._running.pop(future, None)
            for device in self._devices.values():
                device.passed.pop(future, None)
        if reservation is not None:
            # Not under the lock: the ledger may wake another pool, which takes its own.
            reservation.release()

    def _wake(self) -> None:
        """Memory that a task waits for was released: an idle worker, if any, looks again."""
        with self._lock:
            if self._idle:
                self._condition.notify()

    def _take(self) -> tuple[TaskFuture, Reservation | Exception | None] | None:
        """Take the next task that can start now from the queue; the lock is held.

        Returns:
            The task, with its memory, or with the error if its device never has that much, or
            cannot be asked. None if no task can start.
        """
        blocked: set[Ledger] = set()
        for future in self._waiting:
            reservation: Reservation | Exception | None = None
            while (request := future.needs) is not None:
                try:
                    reservation = self._reserve(future, request, request.ledger in blocked)
                    break
                except OutOfMemoryError as error:
                    try:
                        future.needs = future.control.smaller(request, error)
                    except OutOfMemoryError:
                        reservation = error
                        break
                except Exception as error:  # noqa: BLE001  # the job boundary: an engine's own code
                    reservation = error
                    break
            if request is not None and reservation is None:
                blocked.add(request.ledger)
                if not future.told:
                    future.told = True
                    _log.info("job %s %s", future.control.job_id, self.queue_info(future))
                continue
            self._withdrawn(future)
            if not isinstance(reservation, Exception):
                self._running[future] = None
            return future, reservation
        return None

    def _forget_head(self, future: TaskFuture) -> None:
        """``future`` no longer waits: the next that must wait becomes its device's first."""
        for ledger, device in self._devices.items():
            if device.head is future:
                device.end()
                del self._devices[ledger]
                return

    def _reserve(
        self, future: TaskFuture, request: MemoryRequest, behind: bool
    ) -> Reservation | None:
        """Reserve memory for a task, if the invariant of this module allows it; else None.

        Args:
            future: the task's.
            request: its memory.
            behind: whether an earlier task waits for the same device.

        Raises:
            OutOfMemoryError: the device never has that much.
        """
        ledger = request.ledger
        if not behind:
            reservation = ledger.try_reserve(request.bytes)
            device = self._devices.get(ledger)
            if reservation is None and (device is None or device.head is not future):
                if device is not None:
                    device.end()
                self._devices[ledger] = _Waiting(future, ledger.on_release(self._wake))
                reservation = ledger.try_reserve(request.bytes)  # it may be released by now
            return reservation
        device = self._devices[ledger]
        first = device.head.needs
        assert first is not None
        beside = first.bytes + sum(device.passed.values()) + request.bytes
        limit = ledger.limit
        if limit is None or beside > limit:
            return None
        reservation = ledger.try_reserve(request.bytes)
        if reservation is not None:
            device.passed[future] = request.bytes
        return reservation


_default = WorkerPool()
_unbounded = WorkerPool(sys.maxsize, lasting=False)


def thread_per_task() -> WorkerPool:
    """The pool for tasks that may themselves wait for Simquay's jobs: one thread for each.

    In a pool of bounded size, tasks that wait for jobs of the same pool can fill it, and then all
    wait for ever. Here no task waits for a thread.
    """
    return _unbounded


def default_pool() -> WorkerPool:
    """The pool that the whole process shares; backends use it unless they are given another."""
    return _default
