"""Helper threads: the budget that runs share, errors, forks, and what idle threads hold."""

from __future__ import annotations

import gc
import os
import queue
import signal
import threading
import time
import warnings
import weakref
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from simquay.engines import threads
from simquay.engines.threads import HelperPool, run_side_by_side, yield_to_others


def check_whole_budget(pool: HelperPool) -> None:
    """A run gets as many threads as the budget has: all of its calls are running at once."""
    barrier = threading.Barrier(pool.budget, timeout=20)

    def meet() -> None:
        barrier.wait()

    pool.run([meet] * pool.budget)


def test_all_calls_run_each_in_a_thread_of_its_own() -> None:
    barrier = threading.Barrier(3, timeout=20)  # passes only if all three run at once
    seen: list[int] = []

    def call() -> None:
        barrier.wait()
        seen.append(threading.get_ident())

    HelperPool(3).run([call, call, call])
    assert len(set(seen)) == 3
    assert threading.get_ident() in seen


def test_more_calls_than_the_budget_all_run() -> None:
    for count in (1, 2, 3):
        meter = Meter()
        seen: list[int] = []

        def call(number: int, meter: Meter = meter, seen: list[int] = seen) -> None:
            with meter:
                time.sleep(0.002)
                seen.append(number)

        HelperPool(count).run([partial(call, number) for number in range(7)])
        assert sorted(seen) == list(range(7))
        assert meter.most <= count


class Meter:
    """How many threads are inside at once, and how many there were at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1


@pytest.mark.parametrize("budget", [2, 3])
def test_runs_at_once_share_the_budget(budget: int) -> None:
    """Two runs of many passes each, of portions taken from a common count, as engines do it."""
    pool = HelperPool(budget)
    meter = Meter()
    helped: list[int] = []

    def run() -> None:
        me = threading.get_ident()
        for _ in range(40):
            portions = iter(range(12))
            done: list[int] = []

            def piece(portions: Iterator[int] = portions, done: list[int] = done) -> None:
                while not pool.yield_to_others():
                    number = next(portions, None)
                    if number is None:
                        return
                    with meter:
                        time.sleep(0.0005)
                    done.append(number)
                    if threading.get_ident() != me:
                        helped.append(number)

            pool.run([piece] * budget)
            assert sorted(done) == list(range(12))

    runs = [threading.Thread(target=run) for _ in range(2)]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join(60)
        assert not thread.is_alive()
    assert meter.most <= budget
    assert helped or budget == 2  # the budget was used as well
    check_whole_budget(pool)  # nothing is counted that has left


def test_a_helper_leaves_when_another_run_begins() -> None:
    pool = HelperPool(2)
    meter = Meter()
    two, stop = threading.Event(), threading.Event()
    left: list[int] = []

    def piece() -> None:
        while not stop.is_set():
            if pool.yield_to_others():
                left.append(threading.get_ident())
                return
            with meter:
                if meter.now == 2:
                    two.set()
                time.sleep(0.001)

    def other() -> None:
        with meter:
            time.sleep(0.01)
        assert left  # it began only when the helper had gone

    long = threading.Thread(target=pool.run, args=([piece, piece],))
    long.start()
    try:
        assert two.wait(20)
        pool.run([other, other])
    finally:
        stop.set()
        long.join(20)
    assert left != [long.ident]
    assert meter.most == 2


def test_more_runs_than_the_budget_need_no_helpers() -> None:
    pool = HelperPool(1)
    meter = Meter()
    together = threading.Barrier(3, timeout=20)

    def first() -> None:
        together.wait()  # each run's own thread works, whatever the others do
        with meter:
            time.sleep(0.01)

    def second() -> None:
        with meter:
            time.sleep(0.01)

    runs = [threading.Thread(target=pool.run, args=([first, second],)) for _ in range(3)]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join(20)
        assert not thread.is_alive()
    assert meter.most <= 3


def test_a_run_without_new_threads_does_all_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = HelperPool(4)

    def fails(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    seen: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fails)
        pool.run([partial(seen.append, number) for number in range(4)])
    assert sorted(seen) == [0, 1, 2, 3]
    check_whole_budget(pool)


class RefusingQueue(queue.SimpleQueue[Any]):
    """The system refuses memory for the second of its items."""

    puts = 0

    def put(self, item: object, block: bool = True, timeout: float | None = None) -> None:
        self.puts += 1
        if self.puts == 2:
            raise MemoryError
        super().put(item)


def test_a_run_that_is_refused_memory_for_helpers_does_with_fewer() -> None:
    pool = HelperPool(4)
    pool._queue = RefusingQueue()
    first_two = threading.Barrier(2, timeout=20)
    seen: list[int] = []

    def call(number: int) -> None:
        if number < 2:
            first_two.wait()  # one helper has come
        seen.append(number)

    pool.run([partial(call, number) for number in range(4)])
    assert sorted(seen) == [0, 1, 2, 3]
    check_whole_budget(pool)


def test_a_run_that_is_refused_memory_at_once_takes_nothing_of_the_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = HelperPool(3)

    def fails(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(threads, "_Pieces", fails)
        with pytest.raises(MemoryError):
            pool.run([lambda: None] * 3)
    check_whole_budget(pool)


class RefusingOnce:
    """A function that raises MemoryError at its first call in a helper thread."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self.refused = threading.Event()

    def __get__(self, owner: object, kind: type) -> Any:
        return partial(self, owner)

    def __call__(self, *arguments: Any) -> Any:
        name = threading.current_thread().name
        if name.startswith("simquay-dense") and not self.refused.is_set():
            self.refused.set()
            raise MemoryError
        return self._function(*arguments)


class Changed(threading.Condition):
    """Of the pool alone."""


class Local(threading.local):
    """Of the pool alone."""


@pytest.mark.parametrize(
    ("owner", "name"),
    [(threads._Pieces, "work"), (Changed, "notify_all"), (Local, "__setattr__")],
)
def test_a_helper_that_is_refused_memory_stays_and_is_counted_out(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    pool = HelperPool(2)
    pool._changed = Changed(threading.Lock())
    refusing = RefusingOnce(getattr(owner, name))
    monkeypatch.setattr(threads, "_this", Local())
    monkeypatch.setattr(owner, name, refusing)
    seen: list[int] = []

    def wait(number: int) -> None:
        assert refusing.refused.wait(20)
        seen.append(number)

    pool.run([partial(wait, 0), partial(seen.append, 1)])
    assert sorted(seen) == [0, 1]
    assert pool._helping == 0
    check_whole_budget(pool)
    assert pool._threads == 1


def test_an_error_in_any_thread_is_raised_after_all_have_ended() -> None:
    ended = threading.Event()

    def fails() -> None:
        raise ValueError("in a thread")

    def slow() -> None:
        time.sleep(0.05)
        ended.set()

    with pytest.raises(ValueError, match="in a thread"):
        HelperPool(2).run([slow, fails])
    assert ended.is_set()
    with pytest.raises(ValueError, match="in a thread"):
        HelperPool(2).run([fails, slow])
    with pytest.raises(ValueError, match="in a thread"):
        HelperPool(1).run([slow, fails])


def test_the_threads_own_run_is_never_told_to_yield() -> None:
    told: list[bool] = []
    run_side_by_side([lambda: told.append(yield_to_others())])
    assert told == [False]
    assert not yield_to_others()


def test_idle_threads_keep_nothing_alive() -> None:
    class Thing:
        def __call__(self) -> None:
            pass

    thing = Thing()
    gone = weakref.ref(thing)
    run_side_by_side([lambda: None, thing])
    del thing
    for _ in range(100):  # the thread lets go just after it reports
        gc.collect()
        if gone() is None:
            break
        time.sleep(0.01)
    assert gone() is None


def test_threads_are_daemons() -> None:
    HelperPool(2).run([lambda: None, lambda: None])
    ours = [t for t in threading.enumerate() if t.name.startswith("simquay-dense")]
    assert ours
    assert all(thread.daemon for thread in ours)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_threads_of_its_own() -> None:
    run_side_by_side([lambda: None, lambda: None])  # the parent has threads now
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 and later warn of forks of processes with threads: that is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        signal.alarm(20)  # a child that hangs must not outlive the test
        try:
            seen: list[int] = []
            run_side_by_side([lambda: seen.append(1), lambda: seen.append(2)])
            os.write(writing, b"yes" if sorted(seen) == [1, 2] else b"no")
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        assert told.read() == b"yes"
    assert os.waitpid(child, 0)[1] == 0
