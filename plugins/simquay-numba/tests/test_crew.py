"""Threads that stay for a whole run: errors, leaving early, memory, waiting."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines import threads as dense_threads
from simquay.engines.numpy.state import DenseState
from simquay.planning import Layout, make_plan
from simquay.program import Precision
from simquay_numba import engine as engine_module
from simquay_numba.engine import NumbaEngine
from simquay_numba.kernels.compiling import compiled
from simquay_numba.kernels.run import run_tiles
from simquay_numba.kernels.spin import arrived
from simquay_numba.runtime import threads as crew_module
from simquay_numba.runtime.threads import _Buffers
from tests.support.random_programs import random_unitary_program

PATIENCE = 60.0
"""Seconds after which a test gives up on a thread."""


def evolved(engine: NumbaEngine, seed: int, num_qubits: int = 14) -> DenseState:
    program = random_unitary_program(num_qubits, 200, seed)
    precision = Precision.DOUBLE
    state = engine.allocate(num_qubits, precision, capacity=num_qubits)
    plan = make_plan(program.operations, Layout(), engine.profile(precision, num_qubits), None)
    assert len(plan.passes) > 3
    engine.apply(state, plan, Control())
    return state


def patched(monkeypatch: pytest.MonkeyPatch, kernel: Any) -> NumbaEngine:
    """An engine of two threads, in a pool of its own, that runs ``kernel``."""

    def instead(dtype: np.dtype[Any]) -> Any:
        compiled(dtype)
        return kernel

    monkeypatch.setattr(engine_module, "compiled", instead)
    monkeypatch.setattr(dense_threads, "_pool", dense_threads._Pool(2))
    monkeypatch.setattr(crew_module, "_ALONE", 0)
    return NumbaEngine(tile=(8, 7), low=(4, 3), small=0, threads=2)


def expect_same(state: DenseState, seed: int) -> None:
    alone = evolved(NumbaEngine(tile=(8, 7), low=(4, 3), small=0, threads=1), seed)
    np.testing.assert_array_equal(state.vector, alone.vector)
    assert state.layout == alone.layout


def test_a_helper_comes_once_the_pass_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run's own thread does one portion of the first pass that has several, and then nothing
    until the helper has come."""
    came = threading.Event()
    mine = threading.get_ident()
    users: set[int] = set()

    def kernel(*arguments: Any) -> None:
        run_tiles(*arguments)
        users.add(threading.get_ident())
        if threading.get_ident() != mine:
            came.set()
        elif arguments[-1]:
            assert came.wait(PATIENCE)

    expect_same(evolved(patched(monkeypatch, kernel), 1), 1)
    assert len(users) == 2


def test_an_error_of_a_helper_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()
    mine = threading.get_ident()
    portions = 0

    def kernel(*arguments: Any) -> None:
        nonlocal portions
        if threading.get_ident() != mine:
            failed.set()
            raise RuntimeError("a helper's own")
        run_tiles(*arguments)
        portions += 1
        if arguments[-1]:
            assert failed.wait(PATIENCE)

    engine = patched(monkeypatch, kernel)
    with pytest.raises(RuntimeError, match="a helper's own"):
        evolved(engine, 2)
    assert portions < 40  # of the hundreds that all passes have


def test_an_error_of_the_own_thread_lets_helpers_go(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = threading.get_ident()

    def kernel(*arguments: Any) -> None:
        run_tiles(*arguments)
        if threading.get_ident() == mine:
            raise RuntimeError("the run's own")

    engine = patched(monkeypatch, kernel)
    with pytest.raises(RuntimeError, match="the run's own"):
        evolved(engine, 3)
    assert dense_threads._pool._helping == 0  # and this did not hang


@pytest.mark.parametrize("after", [0, 1, 5])
def test_helpers_may_leave_after_any_portion(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    mine = threading.get_ident()
    asked = 0

    def leave() -> bool:
        nonlocal asked
        if threading.get_ident() == mine:
            return False
        asked += 1
        return asked > after

    engine = patched(monkeypatch, run_tiles)
    monkeypatch.setattr(crew_module, "yield_to_others", leave)
    expect_same(evolved(engine, 4), 4)


def test_waiting_threads_nap_and_wake(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no patience at all, everything that is waited for still comes."""
    monkeypatch.setattr(crew_module, "_TURNS", 1)
    monkeypatch.setattr(crew_module, "_PATIENCE", 0)
    expect_same(evolved(patched(monkeypatch, run_tiles), 5), 5)


def test_arrived_adds_up_one_word_a_line() -> None:
    words = np.zeros(24, dtype=np.int64)
    words[[0, 8, 16]] = 3, 4, 100
    address = words.ctypes.data
    assert arrived(address, 2, 7, 1)
    assert not arrived(address, 2, 8, 3)
    assert arrived(address, 3, 107, 1)
    assert not arrived(address, 3, 107, 0)


def test_buffers_are_taken_up_again() -> None:
    buffers = _Buffers(2)
    first = buffers.take(1000)
    assert len(first) >= 1000
    buffers.give(first)
    assert buffers.take(500) is first
    buffers.give(first)
    assert buffers.take(2000) is not first
    for size in (10, 20, 30):
        buffers.give(buffers.take(size))
    assert len(buffers._kept) <= 2


def test_little_work_is_done_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    users: set[int] = set()

    def kernel(*arguments: Any) -> None:
        users.add(threading.get_ident())
        run_tiles(*arguments)

    engine = patched(monkeypatch, kernel)
    monkeypatch.setattr(crew_module, "_ALONE", 1 << 40)
    expect_same(evolved(engine, 6), 6)
    assert users == {threading.get_ident()}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads stay where they are put")
def test_threads_of_a_short_run_have_cpus_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.skip("needs two CPUs")
    came = threading.Event()
    mine = threading.get_ident()
    kept: dict[int, set[int]] = {}

    def kernel(*arguments: Any) -> None:
        run_tiles(*arguments)
        kept.setdefault(threading.get_ident(), os.sched_getaffinity(0))
        if threading.get_ident() != mine:
            came.set()
        elif arguments[-1]:
            assert came.wait(PATIENCE)

    expect_same(evolved(patched(monkeypatch, kernel), 7), 7)
    own = kept.pop(mine)
    (helper,) = kept.values()
    assert len(own) == 1
    assert helper == before - own
    assert os.sched_getaffinity(0) == before
