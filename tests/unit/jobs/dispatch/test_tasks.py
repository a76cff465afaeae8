"""Tasks' futures and memory: a release or a cancellation wakes those that wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from simquay.errors import Cancelled, OutOfMemoryError
from simquay.execution.memory import Ledger
from simquay.jobs.dispatch import tasks
from simquay.jobs.dispatch.tasks import MemoryRequest, TaskControl, TaskFuture, reserved
from tests.support.job_doubles import LONG, HeldWork, a_ledger


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


def bytes_during(request: MemoryRequest, control: TaskControl) -> int:
    """The bytes that are reserved while the memory of ``request`` is."""
    with reserved(request, control):
        return request.ledger.reserved


@pytest.fixture
def in_thread() -> Iterator[Callable[..., Future[Any]]]:
    with ThreadPoolExecutor(1) as executor:
        yield lambda *arguments: executor.submit(bytes_during, *arguments)


@pytest.fixture
def no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "MEMORY_POLL", 10 * LONG)


@pytest.mark.usefixtures("no_poll")
def test_a_release_wakes_it(in_thread) -> None:
    ledger = WatchedLedger()
    others = ledger.try_reserve(600)
    future = in_thread(MemoryRequest(ledger, 500), TaskControl())
    assert ledger.refused.wait(LONG)
    others.release()
    assert future.result(LONG) == 500
    assert ledger.reserved == 0


@pytest.mark.usefixtures("no_poll")
def test_cancelling_wakes_it(in_thread) -> None:
    ledger = WatchedLedger()
    others = ledger.try_reserve(600)
    control = TaskControl()
    future = in_thread(MemoryRequest(ledger, 500), control)
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
    future = in_thread(MemoryRequest(ledger, 500), TaskControl())
    time.sleep(0.02)
    assert not future.done()
    free[0] = 900
    assert future.result(LONG) == 600
    held.release()


def test_more_than_the_device_has_is_an_error_and_noted() -> None:
    control = TaskControl()
    with pytest.raises(OutOfMemoryError, match="1001 bytes"):
        reserved(MemoryRequest(a_ledger(1000), 1001), control)
    assert [error.needed for error in control.refused] == [1001]


@pytest.mark.parametrize(("less", "taken"), [((1500, 600, 500), 600), ((0,), 0)])
def test_less_is_taken_where_it_is_offered(less: tuple[int, ...], taken: int) -> None:
    assert bytes_during(MemoryRequest(a_ledger(1000), 2000, less), TaskControl()) == taken


def test_a_future_drops_its_task_when_it_is_cancelled() -> None:
    withdrawn: list[object] = []
    future = TaskFuture(HeldWork(), TaskControl(), withdrawn.append)
    assert future.cancel()
    assert withdrawn == [future]
    assert future.task is None
    for call in (future.call, future.call_when_free):
        with pytest.raises(Cancelled):
            call()
