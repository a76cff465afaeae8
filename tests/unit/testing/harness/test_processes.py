"""Processor time and memory of this process and its descendants."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from simquay.testing.harness.processes import CpuMeter, resident_bytes

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
    assert meter.seconds() < 0.4  # a process that has ended does not count


def test_memory_of_this_process() -> None:
    before = resident_bytes()
    array = np.ones(8 << 20)
    assert resident_bytes() - before >= array.nbytes / 2


def test_memory_of_a_child() -> None:
    before = resident_bytes()
    with child("kept = b'1' * (64 << 20)"):
        assert resident_bytes() - before >= 64 << 20
