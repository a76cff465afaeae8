"""The NumPy engine's threads: errors, cancellation between tiles, forks, and what they hold."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import warnings
import weakref

import numpy as np
import pytest
from gate_lists import random_gates

from quayside.control import Control
from quayside.engines import dense_threads
from quayside.engines.dense import DenseEngine
from quayside.engines.dense_threads import available_cpus, run_side_by_side
from quayside.errors import Cancelled
from quayside.planning import Layout, make_plan
from quayside.program import Matrix, Precision


def test_all_calls_run_each_in_a_thread_of_its_own() -> None:
    barrier = threading.Barrier(3, timeout=20)  # passes only if all three run at once
    seen: list[int] = []

    def call() -> None:
        barrier.wait()
        seen.append(threading.get_ident())

    run_side_by_side([call, call, call])
    assert len(set(seen)) == 3
    assert threading.get_ident() in seen


def test_an_error_in_any_thread_is_raised_after_all_have_ended() -> None:
    ended = threading.Event()

    def fails() -> None:
        raise ValueError("in a thread")

    def slow() -> None:
        time.sleep(0.05)
        ended.set()

    with pytest.raises(ValueError, match="in a thread"):
        run_side_by_side([slow, fails])
    assert ended.is_set()
    with pytest.raises(ValueError, match="in a thread"):
        run_side_by_side([fails, slow])


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
    run_side_by_side([lambda: None, lambda: None])
    ours = [t for t in threading.enumerate() if t.name.startswith("quayside-dense")]
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


def test_available_cpus_are_those_of_the_process() -> None:
    assert 1 <= available_cpus() <= (os.cpu_count() or 1)


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
