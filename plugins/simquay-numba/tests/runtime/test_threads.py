"""The thread team of a run: errors, leaving early, memory, waiting."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from simquay.engine_api import ComplexArray, Control, Layout, Precision, TilePass, make_plan
from simquay.testing.engines import random_gates, thread_budget
from simquay_numba.assembly.assemble import assemble
from simquay_numba.buffers import address, aligned_bytes
from simquay_numba.compiling import compiled
from simquay_numba.engine import NumbaEngine
from simquay_numba.kernels.run import run_tiles
from simquay_numba.runtime import threads as threads_module
from simquay_numba.runtime.threads import ThreadTeam, _tile_buffer

PATIENCE = 60.0
"""Seconds after which a test gives up on a thread."""

QUBITS = 14
PRECISION = Precision.DOUBLE
ENGINE = NumbaEngine(tile=(8, 7), low=(4, 3), small=0, threads=2)
"""Allocates, and says what tiles to plan: small ones, so that there are many."""


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """A budget of two threads, whatever this machine has."""
    compiled(PRECISION.complex_dtype)
    with thread_budget(2):
        yield


def evolved(
    kernel: Callable[..., None], seed: int, *, threads: int = 2, work: int = 1 << 24
) -> ComplexArray:
    """The state after a random program, whose passes a thread team runs by ``kernel``.

    ``work`` is what the team is told: enough for helpers, and a short run."""
    gates = random_gates(QUBITS, 200, seed)
    state = ENGINE.allocate(QUBITS, PRECISION, capacity=QUBITS)
    plan = make_plan(gates, Layout(), ENGINE.profile(PRECISION, QUBITS), None)
    assert len(plan.passes) > 3
    team = ThreadTeam(state.buffer, threads, kernel, work)

    def passes() -> None:
        for pass_ in plan.passes:
            assert isinstance(pass_, TilePass)
            if not team.run_pass(assemble(pass_, PRECISION).program(pass_), Control()):
                return

    team.run(passes)
    return state.buffer


def expect_same(state: ComplexArray, seed: int) -> None:
    np.testing.assert_array_equal(state, evolved(run_tiles, seed, threads=1))


def test_a_helper_comes_once_the_pass_is_announced() -> None:
    """The run's own thread does one chunk of the first pass that has several, and then nothing
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

    expect_same(evolved(kernel, 1), 1)
    assert len(users) == 2


def test_an_error_of_a_helper_ends_the_run() -> None:
    failed = threading.Event()
    mine = threading.get_ident()
    chunks = 0

    def kernel(*arguments: Any) -> None:
        nonlocal chunks
        if threading.get_ident() != mine:
            failed.set()
            raise RuntimeError("a helper's own")
        run_tiles(*arguments)
        chunks += 1
        if arguments[-1]:
            assert failed.wait(PATIENCE)

    with pytest.raises(RuntimeError, match="a helper's own"):
        evolved(kernel, 2)
    assert chunks < 40  # of the hundreds that all passes have


def test_an_error_of_the_own_thread_lets_helpers_go() -> None:
    mine = threading.get_ident()

    def kernel(*arguments: Any) -> None:
        run_tiles(*arguments)
        if threading.get_ident() == mine:
            raise RuntimeError("the run's own")

    with pytest.raises(RuntimeError, match="the run's own"):
        evolved(kernel, 3)
    expect_same(evolved(run_tiles, 3), 3)  # nobody waits for the helper that left


@pytest.mark.parametrize("helper", [False, True])
def test_a_thread_that_is_refused_memory_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, helper: bool
) -> None:
    refused = threading.Event()
    mine = threading.get_ident()

    def refuse(size: int, alignment: int) -> Any:
        if (threading.get_ident() != mine) is helper:
            refused.set()
            raise MemoryError
        return _tile_buffer(size, alignment)

    def kernel(*arguments: Any) -> None:
        run_tiles(*arguments)
        if arguments[-1]:
            assert refused.wait(PATIENCE)

    with monkeypatch.context() as patch:
        patch.setattr(threads_module, "_tile_buffer", refuse)
        with pytest.raises(MemoryError):
            evolved(kernel, 4)
    expect_same(evolved(run_tiles, 4), 4)


@pytest.mark.parametrize("after", [0, 1, 5])
def test_helpers_may_leave_after_any_chunk(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    mine = threading.get_ident()
    asked = 0

    def leave() -> bool:
        nonlocal asked
        if threading.get_ident() == mine:
            return False
        asked += 1
        return asked > after

    monkeypatch.setattr(threads_module, "yield_to_others", leave)
    expect_same(evolved(run_tiles, 4), 4)


def test_waiting_threads_sleep_and_wake(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no patience at all, everything that is waited for still comes."""
    monkeypatch.setattr(threads_module, "_SPIN_TURNS", 1)
    monkeypatch.setattr(threads_module, "_SPINS_BEFORE_SLEEP", 0)
    expect_same(evolved(run_tiles, 5), 5)


def test_buffers_are_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: deque[np.ndarray] = deque(maxlen=2)
    monkeypatch.setattr(threads_module, "_kept_buffers", kept)
    first = _tile_buffer(1000, 64)
    assert len(first) >= 1000
    kept.append(first)
    assert _tile_buffer(500, 64) is first
    kept.append(first)
    assert _tile_buffer(2000, 64) is not first
    oldest, *others = (np.zeros(64, dtype=np.uint8) for _ in range(3))
    kept.extend((oldest, *others))
    taken = [_tile_buffer(64, 1) for _ in range(3)]
    assert all(any(one is other for one in taken) for other in others)
    assert all(one is not oldest for one in taken)


def test_a_buffer_is_aligned_to_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    unfit = aligned_bytes(2 << 15, 1 << 16)[1 << 14 :]
    monkeypatch.setattr(threads_module, "_kept_buffers", deque([unfit]))
    taken = _tile_buffer(1 << 15, 1 << 15)
    assert taken is not unfit
    assert address(taken) % (1 << 15) == 0


def test_little_work_is_done_alone() -> None:
    users: set[int] = set()

    def kernel(*arguments: Any) -> None:
        users.add(threading.get_ident())
        run_tiles(*arguments)

    expect_same(evolved(kernel, 6, work=1), 6)
    assert users == {threading.get_ident()}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads stay where they are put")
def test_threads_of_a_short_run_have_cpus_of_their_own() -> None:
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

    expect_same(evolved(kernel, 7), 7)
    own = kept.pop(mine)
    (helper,) = kept.values()
    assert len(own) == 1
    assert helper == before - own
    assert os.sched_getaffinity(0) == before
