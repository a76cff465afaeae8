"""Threads of a user's executor wait for memory: a release or a cancellation wakes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from simquay.control import Control
from simquay.errors import Cancelled, OutOfMemoryError
from simquay.execution.memory import Ledger
from simquay.jobs.dispatch import launchers
from simquay.jobs.dispatch.launchers import run_when_memory_is_free
from simquay.jobs.dispatch.threads import MemoryRequest
from tests.support.job_doubles import LONG, a_ledger


class Answer:
    """A task that needs ``memory``, then gives the bytes reserved while it runs."""

    def __init__(self, memory: MemoryRequest | None) -> None:
        self.memory = memory

    def refuse(self, error: OutOfMemoryError) -> bool:
        self.memory = None
        return False

    def run(self, control: Control) -> Any:
        return self.memory.ledger.reserved if self.memory else "without memory"


class WatchedLedger(Ledger):
    """Says when somebody has been refused memory."""

    def __init__(self) -> None:
        super().__init__("the test device", lambda: 1000, lambda: 1000)
        self.refused = threading.Event()

    def try_reserve(self, count: int) -> Any:
        reservation = super().try_reserve(count)
        if reservation is None:
            self.refused.set()
        return reservation


@pytest.fixture
def in_thread() -> Iterator[Callable[..., Future[Any]]]:
    with ThreadPoolExecutor(1) as executor:
        yield lambda *arguments: executor.submit(run_when_memory_is_free, *arguments)


@pytest.fixture
def no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launchers, "MEMORY_POLL", 10 * LONG)


@pytest.mark.usefixtures("no_poll")
def test_a_release_wakes_it(in_thread) -> None:
    ledger = WatchedLedger()
    others = ledger.try_reserve(600)
    future = in_thread(Answer(MemoryRequest(ledger, 500)), Control())
    assert ledger.refused.wait(LONG)
    others.release()
    assert future.result(LONG) == 500
    assert ledger.reserved == 0


@pytest.mark.usefixtures("no_poll")
def test_cancelling_wakes_it(in_thread) -> None:
    ledger = WatchedLedger()
    others = ledger.try_reserve(600)
    control = Control()
    future = in_thread(Answer(MemoryRequest(ledger, 500)), control.section(0.5, 1.0))
    assert ledger.refused.wait(LONG)
    control.cancel()
    with pytest.raises(Cancelled):
        future.result(LONG)
    assert ledger.reserved == 600
    others.release()


def test_memory_that_another_process_frees_is_found(in_thread) -> None:
    free = [1000]
    ledger = Ledger("the test device", lambda: free[0])
    held = ledger.try_reserve(100)
    assert held is not None
    free[0] = 200
    future = in_thread(Answer(MemoryRequest(ledger, 500)), Control())
    time.sleep(0.02)
    assert not future.done()
    free[0] = 900
    assert future.result(LONG) == 600
    held.release()


def test_more_than_the_device_has_is_refused() -> None:
    task = Answer(MemoryRequest(a_ledger(1000), 1001))
    assert run_when_memory_is_free(task, Control()) == "without memory"
