"""Threads are kept on a CPU or off it, and let go again."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from simquay_numba.runtime.affinity import away_from, current_cpu, staying

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is kept anywhere")


@linux
def test_a_thread_stays_on_its_cpu_and_is_let_go() -> None:
    before = os.sched_getaffinity(0)
    with staying() as cpu:
        assert os.sched_getaffinity(0) == {cpu}
        assert current_cpu() == cpu
    assert os.sched_getaffinity(0) == before


@linux
def test_it_is_let_go_after_an_error() -> None:
    before = os.sched_getaffinity(0)
    with pytest.raises(RuntimeError), staying():
        raise RuntimeError
    assert os.sched_getaffinity(0) == before


@linux
def test_a_thread_stays_away_from_a_cpu() -> None:
    before = os.sched_getaffinity(0)
    cpu = current_cpu()
    with away_from(cpu):
        assert os.sched_getaffinity(0) == (before - {cpu} or before)
    assert os.sched_getaffinity(0) == before


@linux
def test_where_there_is_no_other_cpu_nothing_changes() -> None:
    found: list[set[int]] = []

    def alone() -> None:  # in a thread of its own, whose affinity dies with it
        with staying() as cpu, away_from(cpu):
            found.append(os.sched_getaffinity(0))
            found.append({cpu})

    thread = threading.Thread(target=alone)
    thread.start()
    thread.join()
    assert found[0] == found[1]


def test_no_cpu_is_left_alone() -> None:
    with away_from(-1):
        pass


def test_a_system_that_refuses_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, cpus: set[int]) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    with staying() as cpu:
        assert cpu == -1
