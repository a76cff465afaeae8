"""Trials: what ends within limits, what does not, and that the process stays as it was."""

from __future__ import annotations

import gc
import os
import resource
import threading
import time
import weakref

import psutil
import pytest

from simquay.circuits.readers.limited import tried as tried_within
from simquay.system.lifecycle import import_lock

pytestmark = pytest.mark.timeout(60)
MIB = 1 << 20


def tried(work) -> str | None:
    return tried_within(work, 1, 256 * MIB)


def busy():
    while True:
        pass


def test_what_ends_within_the_limits():
    assert tried(lambda: "") == ""
    assert tried(lambda: "x" * 9999) == "x" * 4095
    assert tried(lambda: str(len(bytes(8 * MIB)))) == str(8 * MIB)


def test_what_does_not():
    start = time.monotonic()
    assert tried(busy) is None
    assert time.monotonic() - start < 20
    assert tried(lambda: str(len(bytes(512 * MIB)))) is None
    assert tried(os.abort) is None
    assert tried(lambda: chr(-1)) is None  # an error that the work does not expect


def test_nothing_is_printed_or_changed(capfd):
    seen = []
    limits = [resource.getrlimit(one) for one in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]
    descriptors = os.listdir("/proc/self/fd")

    def write() -> str:
        seen.append(1)
        return str(os.write(1, b"text") + os.write(2, b"text"))

    assert tried(write) == "8"
    assert tried(os.abort) is None
    assert capfd.readouterr() == ("", "")
    assert not seen
    assert limits == [resource.getrlimit(one) for one in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]
    assert len(os.listdir("/proc/self/fd")) == len(descriptors)
    assert not [one for one in psutil.Process().children() if one.status() == "zombie"]


def test_a_thread_that_imports_delays_nothing():
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with import_lock():
            held.set()
            over.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(20)
        start = time.monotonic()
        assert tried(lambda: "a text") == "a text"
        assert time.monotonic() - start < 10  # other forks wait for half a minute
    finally:
        over.set()
        holder.join()


def test_garbage_of_the_process_is_not_collected_in_the_copy():
    class Thing:
        itself: object

    thing = Thing()
    thing.itself = thing
    gone = weakref.ref(thing)
    gc.disable()
    try:
        del thing
        assert tried(lambda: f"{gc.collect()} {gone() is None}") == "0 False"
    finally:
        gc.enable()
    gc.collect()
    assert gone() is None


def test_no_process_can_be_started(monkeypatch):
    def fork():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    descriptors = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(os, "fork", fork)
    with pytest.raises(OSError, match="temporarily"):
        tried(lambda: "")
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_without_forks_the_work_is_done_here(monkeypatch):
    monkeypatch.delattr(os, "fork")
    assert tried(lambda: str(os.getpid())) == str(os.getpid())
