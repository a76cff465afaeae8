"""Processor time and memory of this process and its descendants; calls in a forked process."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from simquay.testing import CheckFailed
from simquay.testing.harness.processes import CpuMeter, call_in_fork, resident_bytes

pytestmark = pytest.mark.serial


@contextmanager
def child(program: str) -> Iterator[None]:
    """A Python process that has run ``program``, and waits."""
    command = [sys.executable, "-c", f"{program}\nprint('done', flush=True)\ninput()"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        yield
        process.communicate("\n")


def test_processor_time_of_this_process() -> None:
    meter, before = CpuMeter(), time.process_time()
    while time.process_time() < before + 0.2:
        pass
    assert 0.15 < meter.seconds() <= time.process_time() - before + 0.05


def test_processor_time_of_a_child() -> None:
    meter, before = CpuMeter(), time.process_time()
    with child("import time\nwhile time.process_time() < 0.5: pass"):
        own = time.process_time() - before
        assert meter.seconds() - own > 0.4
        assert meter.seconds(older=meter) < own + 0.2  # the child is younger
    assert meter.seconds() < 0.4  # a process that has ended does not count


def test_memory_of_this_process() -> None:
    before = resident_bytes()
    size = 64 << 20
    with mmap.mmap(-1, size) as memory:  # from the system: an allocator may have some to give
        memory.write(b"1" * size)
        assert resident_bytes() - before >= size / 2


def test_memory_of_a_child() -> None:
    before = resident_bytes()
    with child("kept = b'1' * (64 << 20)"):
        assert resident_bytes() - before >= 64 << 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_a_call_in_a_fork() -> None:
    here, kept = os.getpid(), []

    def work() -> None:
        assert os.getpid() != here
        kept.append(1)

    call_in_fork(work)
    assert kept == []


def fail() -> None:
    raise ValueError("7")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
@pytest.mark.parametrize(
    ("call", "said"),
    [
        (fail, "wrong in the forked process: ValueError: 7"),
        (lambda: os._exit(3), "the forked process ended with code 3"),
        (lambda: time.sleep(600), "the forked process hangs: it did not end within 0.5 s"),
    ],
    ids=["raises", "ends", "hangs"],
)
def test_what_is_wrong_in_a_fork_is_told(call: Callable[[], object], said: str) -> None:
    with pytest.raises(CheckFailed, match=f"^{said}$"):
        call_in_fork(call, 0.5 if "hangs" in said else 60)
