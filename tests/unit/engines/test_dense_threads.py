"""The NumPy engine's threads: errors, cancellation between tiles, forks, and what they hold."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines import threads as dense_threads
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.threads import run_side_by_side, yield_to_others
from simquay.errors import Cancelled
from simquay.planning import Layout, make_plan
from simquay.program import Matrix, Precision
from tests.support.gate_lists import random_gates


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], dense_threads._Pool]:
    """Sets a budget of so many threads, with a pool of its own."""

    def set_places(count: int) -> dense_threads._Pool:
        pool = dense_threads._Pool(count)
        monkeypatch.setattr(dense_threads, "_pool", pool)
        return pool

    return set_places


Places = Callable[[int], dense_threads._Pool]


def test_all_calls_run_each_in_a_thread_of_its_own(places: Places) -> None:
    places(3)
    barrier = threading.Barrier(3, timeout=20)  # passes only if all three run at once
    seen: list[int] = []

    def call() -> None:
        barrier.wait()
        seen.append(threading.get_ident())

    run_side_by_side([call, call, call])
    assert len(set(seen)) == 3
    assert threading.get_ident() in seen


def test_more_calls_than_places_all_run(places: Places) -> None:
    for count in (1, 2, 3):
        places(count)
        meter = Meter()
        seen: list[int] = []

        def call(number: int, meter: Meter = meter, seen: list[int] = seen) -> None:
            with meter:
                time.sleep(0.002)
                seen.append(number)

        run_side_by_side([partial(call, number) for number in range(7)])
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
def test_runs_at_once_share_the_budget(places: Places, budget: int) -> None:
    """Two runs of many passes each, of portions taken from a common count, as engines do it."""
    pool = places(budget)
    meter = Meter()
    helped: list[int] = []

    def run() -> None:
        me = threading.get_ident()
        for _ in range(40):
            portions = iter(range(12))
            done: list[int] = []

            def piece(portions: Iterator[int] = portions, done: list[int] = done) -> None:
                while not yield_to_others():
                    number = next(portions, None)
                    if number is None:
                        return
                    with meter:
                        time.sleep(0.0005)
                    done.append(number)
                    if threading.get_ident() != me:
                        helped.append(number)

            run_side_by_side([piece] * budget)
            assert sorted(done) == list(range(12))

    runs = [threading.Thread(target=run) for _ in range(2)]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join(60)
        assert not thread.is_alive()
    assert meter.most <= budget
    assert helped or budget == 2  # the budget was used as well
    assert pool._helping == 0
    assert not pool._runs


def test_a_helper_leaves_when_another_run_begins(places: Places) -> None:
    places(2)
    meter = Meter()
    two, stop = threading.Event(), threading.Event()
    left: list[int] = []

    def piece() -> None:
        while not stop.is_set():
            if yield_to_others():
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

    long = threading.Thread(target=run_side_by_side, args=([piece, piece],))
    long.start()
    try:
        assert two.wait(20)
        run_side_by_side([other, other])
    finally:
        stop.set()
        long.join(20)
    assert left != [long.ident]
    assert meter.most == 2


def test_more_runs_than_places_need_no_helpers(places: Places) -> None:
    places(1)
    meter = Meter()
    together = threading.Barrier(3, timeout=20)

    def first() -> None:
        together.wait()  # each run's own thread works, whatever the others do
        with meter:
            time.sleep(0.01)

    def second() -> None:
        with meter:
            time.sleep(0.01)

    runs = [threading.Thread(target=run_side_by_side, args=([first, second],)) for _ in range(3)]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join(20)
        assert not thread.is_alive()
    assert meter.most <= 3


def test_a_run_without_new_threads_does_all_itself(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = places(4)

    def fails(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fails)
    seen: list[int] = []
    run_side_by_side([partial(seen.append, number) for number in range(4)])
    assert sorted(seen) == [0, 1, 2, 3]
    assert pool._helping == 0


def test_an_error_in_any_thread_is_raised_after_all_have_ended(places: Places) -> None:
    ended = threading.Event()

    def fails() -> None:
        raise ValueError("in a thread")

    def slow() -> None:
        time.sleep(0.05)
        ended.set()

    places(2)
    with pytest.raises(ValueError, match="in a thread"):
        run_side_by_side([slow, fails])
    assert ended.is_set()
    with pytest.raises(ValueError, match="in a thread"):
        run_side_by_side([fails, slow])
    places(1)
    with pytest.raises(ValueError, match="in a thread"):
        run_side_by_side([slow, fails])


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


def test_threads_are_daemons(places: Places) -> None:
    places(2)
    run_side_by_side([lambda: None, lambda: None])
    ours = [t for t in threading.enumerate() if t.name.startswith("simquay-dense")]
    assert ours
    assert all(thread.daemon for thread in ours)


def test_cancelling_stops_between_tiles() -> None:
    """One pass of many tiles: it must not take all of them."""
    n = 20
    gates = [Matrix(np.eye(2) + 0j, (q,)) for q in range(n)]
    for threads in (1, 2):
        engine = DenseEngine(threads=threads)
        state = engine.allocate(n, Precision.SINGLE, capacity=n)
        state.grow(range(n))
        plan = make_plan(gates, Layout(tuple(range(n))), engine.profile(Precision.SINGLE, n))

        class Stops(Control):
            """Cancels itself at the third look, and counts the looks."""

            __slots__ = ("looks",)

            def check(self) -> None:
                self.looks = getattr(self, "looks", 0) + 1
                if self.looks == 3:
                    self.cancel()
                super().check()

            def section(self, low: float, high: float) -> Control:
                return self

        control = Stops()
        with pytest.raises(Cancelled):
            engine.apply(state, plan, control)
        assert control.looks <= 3 + threads


def test_threads_do_not_change_the_result() -> None:
    rng = np.random.default_rng(1)
    gates = random_gates(17, 60, rng)
    results = []
    for threads in (1, 2, 5):
        engine = DenseEngine(threads=threads)
        state = engine.allocate(17, Precision.DOUBLE, capacity=17)
        engine.apply(
            state, make_plan(gates, Layout(), engine.profile(Precision.DOUBLE, 17)), Control()
        )
        results.append(engine.amplitudes(state))
    np.testing.assert_allclose(results[1], results[0], atol=1e-13)
    np.testing.assert_allclose(results[2], results[0], atol=1e-13)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_threads_of_its_own() -> None:
    run_side_by_side([lambda: None, lambda: None])  # the parent has threads now
    parents_pool = dense_threads._pool
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 and later warn of forks of processes with threads: that is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        signal.alarm(20)  # a child that hangs must not outlive the test
        try:
            assert dense_threads._pool is not parents_pool
            seen: list[int] = []
            run_side_by_side([lambda: seen.append(1), lambda: seen.append(2)])
            os.write(writing, b"yes" if sorted(seen) == [1, 2] else b"no")
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        assert told.read() == b"yes"
    assert os.waitpid(child, 0)[1] == 0
