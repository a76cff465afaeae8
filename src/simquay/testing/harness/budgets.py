"""Threads and memory of a process as a test wants them, whatever the machine has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from simquay.engines import threads
from simquay.execution import memory

__all__ = ["new_memory_ledgers", "thread_budget"]


@contextmanager
def thread_budget(budget: int) -> Iterator[None]:
    """Within it, ``budget`` threads of CPU engines may work at once, all runs together."""
    with mock.patch.object(threads, "_pool", threads.HelperPool(budget)):
        yield


@contextmanager
def new_memory_ledgers() -> Iterator[None]:
    """Within it, no run has reserved memory on any device, and the first engine of a device to run
    says what is free there."""
    with mock.patch.dict(memory._ledgers, clear=True):
        yield
