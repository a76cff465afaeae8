"""Threads are kept on a CPU or off it, and get their affinity back."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from simquay_numba.runtime.affinity import current_cpu, excluded_from, pinned

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is kept anywhere")


@linux
def test_a_thread_stays_on_its_cpu_and_is_let_go() -> None:
    before = os.sched_getaffinity(0)
    with pinned() as cpu:
        assert os.sched_getaffinity(0) == {cpu}
        assert current_cpu() == cpu
    assert os.sched_getaffinity(0) == before


@linux
def test_it_is_let_go_after_an_error() -> None:
    before = os.sched_getaffinity(0)
    with pytest.raises(RuntimeError), pinned():
        raise RuntimeError
    assert os.sched_getaffinity(0) == before


@linux
def test_a_thread_stays_excluded_from_a_cpu() -> None:
    before = os.sched_getaffinity(0)
    cpu = current_cpu()
    with excluded_from(cpu):
        assert os.sched_getaffinity(0) == (before - {cpu} or before)
    assert os.sched_getaffinity(0) == before


@linux
def test_where_there_is_no_other_cpu_nothing_changes() -> None:
    found: list[set[int]] = []

    def alone() -> None:  # in a thread of its own, whose affinity dies with it
        with pinned() as cpu, excluded_from(cpu):
            found.append(os.sched_getaffinity(0))
            found.append({cpu})

    thread = threading.Thread(target=alone)
    thread.start()
    thread.join()
    assert found[0] == found[1]


@linux
def test_an_unknown_cpu_excludes_no_cpu() -> None:
    before = os.sched_getaffinity(0)
    with excluded_from(-1):
        assert os.sched_getaffinity(0) == before


def test_a_system_that_refuses_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, cpus: set[int]) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    with pinned() as cpu:
        assert cpu == -1
