"""Executors that a test holds, watches and breaks at will."""

from __future__ import annotations

import importlib
import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from typing import Any

__all__ = ["InlineExecutor", "ManualExecutor", "RenewingExecutor", "spawning_pool"]


def spawning_pool(workers: int, **fields: Any) -> ProcessPoolExecutor:
    """Processes that inherit nothing."""
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), **fields)


class ManualExecutor(Executor):
    """Keeps what is submitted until the test says what becomes of it.

    It checks that a call could go anywhere: each function in it is a module's, pickled by its name,
    and the other arguments are plain.
    """

    def __init__(self, most: int = 10**9) -> None:
        self.calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self.futures: list[Future[Any]] = []
        self._most = most

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if len(self.calls) >= self._most:
            raise RuntimeError("cannot schedule new futures after shutdown")
        assert not kwargs
        for one in (fn, *args):
            if callable(one):
                assert getattr(importlib.import_module(one.__module__), one.__qualname__) is one
            else:
                assert type(one) in (bytes, str, int, float)
        self.calls.append((fn, args))
        self.futures.append(Future())
        return self.futures[-1]

    def begin(self, number: int) -> bool:
        """A worker takes the task; false if it was cancelled."""
        return self.futures[number].set_running_or_notify_cancel()

    def finish(self, number: int) -> None:
        """Run it, here and now."""
        function, arguments = self.calls[number]
        self.futures[number].set_result(function(*arguments))


class InlineExecutor(Executor):
    """Runs everything inside ``submit``, which only begins when the gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.gate.wait(60)
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001  # as executors do
            future.set_exception(error)
        return future


class RenewingExecutor(Executor):
    """Processes that are made anew when they break."""

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers
        self.pool = spawning_pool(workers)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        try:
            return self.pool.submit(fn, *args, **kwargs)
        except BrokenExecutor:
            self.pool.shutdown()
            self.pool = spawning_pool(self._workers)
            return self.pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.pool.shutdown(wait, cancel_futures=cancel_futures)
