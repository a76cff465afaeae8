"""Runs side by side, cancelled, and after a fork."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import numpy as np
import pytest

from simquay.engine_api import (
    Cancelled,
    Control,
    GateOperation,
    Layout,
    Matrix,
    Precision,
    make_plan,
)
from simquay.testing.engines import evolve, random_gates, random_unitary, thread_budget
from simquay_numba import engine as engine_module
from simquay_numba.compiling import compiled
from simquay_numba.engine import NumbaEngine
from simquay_numba.kernels.run import run_tiles

USUAL = NumbaEngine()


def run(num_qubits: int, gates: list[GateOperation]) -> np.ndarray:
    state = evolve(USUAL, gates, num_qubits)
    amplitudes = USUAL.amplitudes(state)
    USUAL.release(state)
    return amplitudes


def test_a_run_is_cancelled_between_tiles() -> None:
    # One pass over 2**20 amplitudes with thousands of stages takes seconds, and stops long before.
    rng = np.random.default_rng(0)
    pairs = ((0, 9), (9, 1), (1, 10), (10, 0))  # no two neighbours fuse
    gates = [Matrix(random_unitary(4, rng), pairs[step % 4]) for step in range(5_000)]
    engine = NumbaEngine(threads=2)
    state = engine.allocate(20, Precision.DOUBLE, capacity=20)
    state.layout = Layout(tuple(range(20)))
    state.vector[...] = 0
    plan = make_plan(gates, state.layout, engine.profile(Precision.DOUBLE, 20), None)
    assert len(plan) == 1
    control = Control()

    def cancel_in_mid_run() -> None:
        while not control.fraction:
            time.sleep(0.001)
        control.cancel()

    watcher = threading.Thread(target=cancel_in_mid_run)
    watcher.start()
    with pytest.raises(Cancelled):
        engine.apply(state, plan, control)
    watcher.join()
    assert 0 < control.fraction < 1


def test_two_runs_at_once() -> None:
    gates = random_gates(17, 100, 1)
    want = run(17, gates)
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(run(17, gates))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for amplitudes in found:
        np.testing.assert_array_equal(amplitudes, want)


def test_two_runs_at_once_keep_the_thread_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels count who is inside them: with a budget of two, never more than two threads."""
    lock = threading.Lock()
    inside: set[int] = set()
    most: list[int] = []
    users: set[int] = set()
    met = threading.Event()

    def counted(*arguments: Any) -> None:
        me = threading.get_ident()
        with lock:
            inside.add(me)
            users.add(me)
            most.append(len(inside))
            if len(inside) > 1:
                met.set()
        try:
            run_tiles(*arguments)
            if arguments[-1]:  # this portion announced a pass: wait for who comes
                assert met.wait(60)
        finally:
            with lock:
                inside.discard(me)

    def counting(dtype: np.dtype[Any]) -> Any:
        return counted, compiled(dtype)[1]

    monkeypatch.setattr(engine_module, "compiled", counting)
    engine = NumbaEngine(threads=2)
    gates = random_gates(18, 150, 1)
    with thread_budget(2):
        evolve(engine, gates, 18)
        assert max(most) == 2  # alone, a run uses both
        most.clear()
        users.clear()
        threads = [threading.Thread(target=evolve, args=(engine, gates, 18)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
    assert max(most) <= 2
    assert len(users) >= 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
# Python 3.12 and later warn of a fork beside other threads: the engine's, which the test is about.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_after_a_run_can_run_again() -> None:
    gates = random_gates(16, 60, 1)
    want = run(16, gates)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if np.array_equal(run(16, gates), want) else 2
        finally:
            os._exit(code)
    deadline = time.monotonic() + 60
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        assert time.monotonic() < deadline, "the child hangs"
        time.sleep(0.05)
    assert os.waitstatus_to_exitcode(status) == 0
    np.testing.assert_array_equal(run(16, gates), want)
