"""Events of each kind are counted, and the chosen ones fail."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import Pipe
from pathlib import Path

import numba
import numpy as np
import pytest

from simquay.testing.faults.injection import KINDS, LEAST_ALLOCATION, Fault, Injector
from simquay.testing.harness.assertions import in_thread
from simquay.testing.harness.processes import call_in_fork

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")


def exception_of_here(call: Callable[[], object]) -> Exception | None:
    try:
        call()
    except Exception as error:  # noqa: BLE001  # the injected one
        return error
    return None


def failures(fault: Fault, call: Callable[[], object], times: int = 3) -> tuple[list, int, int]:
    """Call some times in a thread of a fork, under a fault: the errors, or None; events; tries."""

    def outcomes() -> list[str | None]:
        found: list[str | None] = []
        for _ in range(times):
            error = exception_of_here(call)
            number = getattr(error, "errno", None) or ""
            found.append(None if error is None else f"{type(error).__name__} {number}".strip())
        return found

    def work() -> tuple[list, int, int]:
        injector = Injector(fault)
        go = threading.Event()
        future = in_thread(lambda: (go.wait(), outcomes())[1])
        injector.armed = True
        go.set()
        found = future.result(60)
        injector.armed = False
        return found, injector.count, injector.tries

    return call_in_fork(work)


def write(path: str) -> None:
    with open(path, "w") as file:
        file.write("text")


def close_all(sockets) -> None:
    for one in sockets:
        one.close()


CALLS: dict[str, list[tuple[Callable[[], object], str]]] = {
    "thread": [(lambda: threading.Thread(target=int).start(), "RuntimeError")],
    "process": [
        (lambda: subprocess.run([sys.executable, "-c", ""], check=True), "BlockingIOError 11")
    ],
    "open": [
        (lambda: open(os.devnull).close(), f"OSError {errno.EMFILE}"),
        (lambda: Path(os.devnull).read_text(), f"OSError {errno.EMFILE}"),
        (lambda: close_all(socket.socketpair()), f"OSError {errno.EMFILE}"),
        (lambda: os.close(os.open(os.devnull, 0)), f"OSError {errno.EMFILE}"),
    ],
    "write": [(lambda: write(os.devnull), f"OSError {errno.ENOSPC}")],
    "allocation": [
        (lambda: np.empty(LEAST_ALLOCATION, np.uint8), "MemoryError"),
        (lambda: np.concatenate([np.ones(LEAST_ALLOCATION // 16)] * 2), "MemoryError"),
    ],
    "compile": [(lambda: numba.njit(lambda x: x + 1)(1), "RuntimeError")],
}


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, number) for kind in CALLS for number in range(len(CALLS[kind]))]
)
def test_the_chosen_event_fails(kind: str, number: int) -> None:
    call, error = CALLS[kind][number]
    assert failures(Fault(kind, 2), call) == ([None, error, None], 3, 1)
    assert failures(Fault(kind, 2, lasting=True), call) == ([None, error, error], 3, 2)
    assert failures(Fault(kind, 0), call) == ([None] * 3, 3, 0)


def test_every_kind_is_tried() -> None:
    assert {*CALLS, "message"} == {*KINDS}


def test_a_message_kills_the_child_processes() -> None:
    def work() -> tuple[list, int]:
        injector = Injector(Fault("message", 2))
        child = subprocess.Popen(["sleep", "600"])
        one, other = Pipe()
        go = threading.Event()

        def send() -> list[int | None]:
            codes = []
            go.wait()
            for _ in range(2):
                one.send_bytes(b"1")
                time.sleep(0.2)
                codes.append(child.poll())
            return codes

        future = in_thread(send)
        injector.armed = True
        go.set()
        other.poll(60)
        return future.result(60), injector.count

    assert call_in_fork(work) == ([None, -9], 2)


def test_small_arrays_and_the_own_thread_do_not_count() -> None:
    small = failures(Fault("allocation", 1), lambda: np.empty(LEAST_ALLOCATION - 1, np.uint8))
    assert small == ([None] * 3, 0, 0)

    def work() -> int:
        injector = Injector(Fault("open", 1, lasting=True))
        injector.armed = True
        open(os.devnull).close()
        return injector.count

    assert call_in_fork(work) == 0


def test_a_fault_in_words() -> None:
    assert str(Fault("open", 3)) == "open 3"
    assert str(Fault("write", 1, True, True)) == "write 1 and all later ones (caches empty)"
