"""Memory that is kept for the next state: never two states', and freed in time."""

from __future__ import annotations

import mmap
import os
import threading
import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simquay.engine_api import (
    Control,
    Layout,
    Precision,
    host_available_bytes,
    host_total_bytes,
    make_plan,
)
from simquay.testing.engines import random_gates
from simquay_numba.buffers import HUGE_PAGE, address, advise_free, state_region
from simquay_numba.engine import NumbaEngine
from simquay_numba.runtime import buffer_cache as module
from simquay_numba.runtime.buffer_cache import BufferCache, state_buffers

MIB = 1 << 20


def until(met: Any, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not met() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(met())


def test_a_region_of_about_the_size_is_taken_once() -> None:
    kept = BufferCache()
    region = kept.take(4 * MIB)
    kept.give(region)
    assert kept.kept_bytes == len(region)
    smaller = kept.take(MIB)
    larger = kept.take(8 * MIB)
    assert region not in (smaller, larger)
    assert kept.take(3 * MIB) is region
    assert kept.kept_bytes == 0
    assert kept.take(3 * MIB) is not region


def test_the_last_region_is_kept_and_no_more_than_the_most() -> None:
    kept = BufferCache(most=9 * MIB)
    first, second, large = (kept.take(size * MIB) for size in (4, 6, 8))
    kept.give(first)
    kept.give(second)
    assert kept.kept_bytes == len(second)
    kept.give(large)
    assert kept.kept_bytes == len(second)
    assert BufferCache()._most == host_total_bytes() // 16


def test_it_is_given_back_after_a_while() -> None:
    kept = BufferCache(offered_after=0.1, freed_after=0.3)
    kept.give(kept.take(4 * MIB))
    time.sleep(0.2)
    region = kept.take(4 * MIB)
    kept.give(region)  # wanted: its time begins anew
    time.sleep(0.2)
    assert kept.kept_bytes == len(region)
    assert until(lambda: kept.kept_bytes == 0, 5)
    names = [thread.name for thread in threading.enumerate() if thread.daemon]
    assert until(lambda: not kept._is_watched, 5), names
    kept.give(region)  # and it works again
    assert kept.kept_bytes == len(region)
    assert until(lambda: kept.kept_bytes == 0, 5)


def test_before_that_the_system_may_have_its_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    offered: list[mmap.mmap] = []

    def note(region: mmap.mmap) -> bool:
        offered.append(region)
        return advise_free(region)

    monkeypatch.setattr(module, "advise_free", note)
    kept = BufferCache(offered_after=0.1, freed_after=20)
    region = kept.take(4 * MIB)
    kept.give(region)
    if not hasattr(mmap, "MADV_FREE"):
        assert until(lambda: kept.kept_bytes == 0, 5)
        return
    assert until(lambda: bool(offered), 5)
    assert kept.kept_bytes == len(region)
    assert kept.take(4 * MIB) is region  # it is still there for a run
    time.sleep(0.3)
    assert offered == [region]  # and once it is the run's, it is not offered again
    kept.give(region)
    assert until(lambda: len(offered) == 2, 5)
    kept.clear()
    assert kept.kept_bytes == 0


def test_a_system_that_cannot_take_pages_gets_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "advise_free", lambda region: False)
    kept = BufferCache(offered_after=0.1, freed_after=20)
    kept.give(kept.take(4 * MIB))
    assert until(lambda: kept.kept_bytes == 0, 5)


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="this system takes no advice")
def test_a_watch_that_is_refused_memory_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(region: mmap.mmap) -> bool:
        raise MemoryError

    kept = BufferCache(offered_after=0.05, freed_after=0.1)
    with monkeypatch.context() as patch:
        patch.setattr(module, "advise_free", refused)
        kept.give(kept.take(4 * MIB))
        assert until(lambda: not kept.kept_bytes, 20)
    kept.give(kept.take(4 * MIB))  # the next one is watched
    assert until(lambda: not kept.kept_bytes, 20)


@pytest.mark.parametrize("lost", [slice(0, 1), slice(0, None, 2), slice(1, None, 3)])
def test_a_run_does_not_mind_pages_that_were_taken(lost: slice) -> None:
    engine = NumbaEngine(threads=2)
    plan = make_plan(random_gates(18, 60, 5), Layout(), engine.profile(Precision.SINGLE, 18), None)

    def run() -> NDArray[np.complexfloating[Any]]:
        state = engine.allocate(18, Precision.SINGLE, capacity=18)
        engine.apply(state, plan, Control())
        amplitudes = engine.amplitudes(state)
        state.buffer[...] = np.nan  # what is left behind
        engine.release(state)
        return amplitudes

    first = run()
    region = state_buffers._region
    assert region is not None
    assert advise_free(region)
    for page in range(len(region) // mmap.PAGESIZE)[lost]:  # as the system would
        region.madvise(mmap.MADV_DONTNEED, page * mmap.PAGESIZE, mmap.PAGESIZE)
    del region
    np.testing.assert_array_equal(run(), first)


def test_it_is_given_back_when_memory_is_asked_for() -> None:
    kept = BufferCache()
    kept.give(kept.take(4 * MIB))
    host_available_bytes()
    assert kept.kept_bytes == 0


def test_it_is_given_back_when_the_system_refuses_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = BufferCache()
    kept.give(kept.take(4 * MIB))
    asked: list[int] = []

    def refuses_at_first(count: int) -> mmap.mmap:
        asked.append(kept.kept_bytes)
        if len(asked) == 1:
            raise MemoryError("no room")
        return state_region(count)

    monkeypatch.setattr(module, "state_region", refuses_at_first)
    kept.take(20 * MIB)
    assert asked[0] > 0
    assert asked[1] == 0
    monkeypatch.setattr(module, "state_region", lambda count: refuses(count))

    def refuses(count: int) -> mmap.mmap:
        raise MemoryError("no room")

    with pytest.raises(MemoryError):
        kept.take(20 * MIB)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
# From Python 3.12 on, forking warns beside threads, such as those of an earlier test.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_none() -> None:
    kept = BufferCache()
    kept.give(kept.take(4 * MIB))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if kept.kept_bytes == 0 and not kept._lock.locked() else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert kept.kept_bytes > 0


def test_live_states_never_share_memory() -> None:
    engine = NumbaEngine()
    size = 18  # 2 MiB in single precision

    def state() -> Any:
        return engine.allocate(size, Precision.SINGLE, capacity=size)

    state_buffers.clear()
    first = state()
    place = address(first.buffer)
    first.buffer[...] = 7
    engine.release(first)
    assert state_buffers.kept_bytes >= 2 * MIB
    second, third = state(), state()
    assert address(second.buffer) == place
    assert not np.shares_memory(second.buffer, third.buffer)
    engine.release(first)  # a second release of the first gives nothing twice
    assert state_buffers.kept_bytes == 0
    fourth = engine.copy(second)
    assert not np.shares_memory(fourth.buffer, second.buffer)
    small = engine.allocate(10, Precision.SINGLE, capacity=10)
    engine.release(small)
    assert state_buffers.kept_bytes == 0


def test_batches_of_about_one_size_use_the_same_memory() -> None:
    engine = NumbaEngine()
    state_buffers.clear()
    places = set()
    for batch in (33, 40, 63, 50):  # 128 KiB each
        state = engine.allocate(13, Precision.DOUBLE, capacity=13, batch=batch)
        assert state.buffer.shape == (batch, 1 << 13)
        assert (state.vector == 1).all()
        places.add(address(state.buffer))
        state.buffer[...] = np.nan
        engine.release(state)
    assert len(places) == 1


def test_threads_never_get_the_same_region() -> None:
    kept = BufferCache()
    clashes: list[int] = []

    def work(mark: int) -> None:
        for _ in range(200):
            region = kept.take(2 * MIB)
            region[HUGE_PAGE] = mark
            time.sleep(0)
            if region[HUGE_PAGE] != mark:
                clashes.append(mark)
            kept.give(region)

    threads = [threading.Thread(target=work, args=(mark,)) for mark in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert clashes == []
