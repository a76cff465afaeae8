"""Threads for work that may itself wait for Simquay's jobs: one for each task."""

from __future__ import annotations

import threading

from simquay.jobs.dispatch.threads import Task, WorkerPool

__all__ = ["OwnThreads", "own_threads"]


class OwnThreads(WorkerPool):
    """A daemon thread for each task, which ends with it.

    In a pool of bounded size, tasks that wait for jobs of the same pool can fill it, and then all
    wait for ever. Here nothing waits for a thread. Tasks that ask for memory do not belong here.
    """

    def __init__(self) -> None:
        super().__init__(workers=1)

    def submit(self, task: Task) -> None:
        """Start ``task``.

        Raises:
            RuntimeError: if the interpreter is exiting, or no thread can be started.
        """
        thread = threading.Thread(
            target=self._live, args=(task,), name="simquay-own-thread", daemon=True
        )
        with self._condition:
            if self._stopping:
                raise RuntimeError("the interpreter is exiting: no more work is taken")
            self._running[task] = None
        try:
            thread.start()
        except RuntimeError:
            with self._condition:
                self._running.pop(task, None)
            raise

    def discard(self, task: Task) -> None:
        """Nothing waits here, so there is nothing to forget."""

    def _live(self, task: Task) -> None:
        thread = threading.current_thread()
        with self._condition:
            self._alive.add(thread)
        self._run(task, None)
        with self._condition:
            self._alive.discard(thread)


_threads = OwnThreads()


def own_threads() -> OwnThreads:
    """The process's own."""
    return _threads
