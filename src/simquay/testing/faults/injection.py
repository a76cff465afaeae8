"""Counts the events of one kind, and lets some of them fail.

Each event is a call of a function of Python, NumPy or Numba that asks the system for something. The
functions are replaced in their modules and classes, so code that holds an original, from an import
before the replacement, is not reached; nor are native code, and NumPy's results of arithmetic.
"""

from __future__ import annotations

import builtins
import errno
import functools
import importlib
import io
import multiprocessing.connection
import multiprocessing.util
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil

__all__ = ["KINDS", "Fault", "Injector"]

LEAST_ALLOCATION = 4096
"""Bytes from which on an array is an event of the kind ``allocation``."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What fails.

    Attributes:
        kind: of :data:`KINDS`.
        number: the first event that fails, from 1; 0 lets none fail, and counts them.
        lasting: whether all later events of this kind fail as well, until the job has ended: a full
            disk, or a limit that is reached.
        cold: whether the backend's caches on disk are empty at first.
    """

    kind: str
    number: int
    lasting: bool = False
    cold: bool = False

    def __str__(self) -> str:
        text = f"{self.kind} {self.number}"
        text += " and all later ones" if self.lasting else ""
        return text + (" (caches empty)" if self.cold else "")


class Injector:
    """Lets the events of a fault fail while it is armed. Any thread may call any method.

    Args:
        fault: what fails; only events of its kind are counted.

    Attributes:
        count: of the events so far.
        tries: how many of them failed.
        armed: whether events are counted; those of the thread that made the injector never are.
    """

    def __init__(self, fault: Fault) -> None:
        self.count = 0
        self.tries = 0
        self.armed = False
        self._fault = fault
        self._own = threading.get_ident()
        self._lock = threading.RLock()  # an event may come from a finalizer, inside another one
        KINDS[fault.kind](self)

    def meets(self) -> bool:
        """Count an event; returns whether it has to fail."""
        with self._lock:
            if not self.armed or threading.get_ident() == self._own:
                return False
            self.count += 1
            first, lasting = self._fault.number, self._fault.lasting
            fails = first > 0 and (self.count == first or (lasting and self.count > first))
            self.tries += fails
            return fails

    def before(self, owner: Any, name: str, fail: Callable[[], object]) -> None:
        """Call ``fail()`` before ``owner.name`` where the event has to fail, if there is such a
        function; it raises an error, or does some harm."""
        real = getattr(owner, name, None)
        if real is None:
            return

        @functools.wraps(real)
        def call(*arguments: Any, **options: Any) -> Any:
            if self.meets():
                fail()
            return real(*arguments, **options)

        setattr(owner, name, call)


def _raising(error: Callable[[], BaseException]) -> Callable[[], object]:
    def fail() -> None:
        raise error()

    return fail


def _of_the_system(number: int) -> Callable[[], object]:
    return _raising(lambda: OSError(number, f"{os.strerror(number)} (injected)"))


def _threads(injector: Injector) -> None:
    """A thread that cannot start."""
    fail = _raising(lambda: RuntimeError("can't start new thread (injected)"))
    injector.before(threading.Thread, "start", fail)


def _processes(injector: Injector) -> None:
    """A process that cannot start."""
    fail = _of_the_system(errno.EAGAIN)
    for owner, name in (
        (subprocess.Popen, "_execute_child"),
        (multiprocessing.util, "spawnv_passfds"),
        (os, "fork"),
        (os, "posix_spawn"),
    ):
        injector.before(owner, name, fail)


def _messages(injector: Injector) -> None:
    """A message to or from a child process, before which all child processes are killed."""
    names = ("send", "send_bytes", "recv", "recv_bytes")
    for name in names:
        injector.before(multiprocessing.connection.Connection, name, _kill_children)


def _kill_children() -> None:
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.send_signal(signal.SIGKILL)


def _put_open(opened: Callable[..., Any]) -> None:
    """Put ``opened`` in the place of ``open``, wherever it is looked up."""
    for owner in (builtins, io):
        setattr(owner, "open", opened)  # noqa: B010  # mypy knows no assignment to a module
    accessor: Any = getattr(pathlib, "_NormalAccessor", None)
    if accessor is not None:  # Python 3.10: paths have a reference of their own
        accessor.open = staticmethod(opened)


def _opens(injector: Injector) -> None:
    """A file, pipe or socket that cannot be opened: too many are open."""
    fail = _of_the_system(errno.EMFILE)
    real = builtins.open

    @functools.wraps(real)
    def opened(file: Any, *arguments: Any, **options: Any) -> Any:
        if not isinstance(file, int) and injector.meets():
            fail()
        return real(file, *arguments, **options)

    _put_open(opened)
    for owner, name in ((os, "open"), (os, "pipe"), (socket, "socketpair")):
        injector.before(owner, name, fail)


class _Written:
    """A file whose ``write`` may fail."""

    def __init__(self, file: Any, meets: Callable[[], bool], fail: Callable[[], object]) -> None:
        self._file, self._meets, self._fail = file, meets, fail

    def write(self, data: Any) -> Any:
        if self._meets():
            self._fail()
        return self._file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _Written:
        self._file.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._file.__exit__(*error)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)


def _writes(injector: Injector) -> None:
    """A write to a file, and the making or renaming of a file or folder: the disk is full."""
    fail = _of_the_system(errno.ENOSPC)
    real = builtins.open

    @functools.wraps(real)
    def opened(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        found = real(file, mode, *arguments, **options)
        return _Written(found, injector.meets, fail) if set(mode) & set("wax+") else found

    _put_open(opened)
    for name in ("write", "mkdir", "rename", "replace", "link", "symlink"):
        injector.before(os, name, fail)


_ARRAYS = (
    *("empty", "zeros", "ones", "full", "empty_like", "zeros_like", "ones_like", "full_like"),
    *("array", "copy", "concatenate", "stack", "tile", "repeat", "arange", "ascontiguousarray"),
)


def _allocations(injector: Injector) -> None:
    """An array of :data:`LEAST_ALLOCATION` bytes or more that finds no memory."""
    for name in _ARRAYS:
        setattr(np, name, _allocating(getattr(np, name), injector))


def _allocating(real: Callable[..., Any], injector: Injector) -> Callable[..., Any]:
    @functools.wraps(real)
    def call(*arguments: Any, **options: Any) -> Any:
        made = real(*arguments, **options)
        if getattr(made, "nbytes", 0) >= LEAST_ALLOCATION and injector.meets():
            raise MemoryError(f"Unable to allocate {made.nbytes} bytes (injected)")
        return made

    return call


_COMPILERS = (
    ("numba.core.compiler", "compile_extra"),
    ("cupy.cuda.compiler", "compile_using_nvrtc"),
)


def _compiles(injector: Injector) -> None:
    """A function of Numba, or a source of CuPy, that cannot be compiled."""
    fail = _raising(lambda: RuntimeError("the compiler failed (injected)"))
    for module, name in _COMPILERS:
        if module.partition(".")[0] in sys.modules:
            injector.before(importlib.import_module(module), name, fail)


KINDS: dict[str, Callable[[Injector], None]] = {
    "thread": _threads,
    "process": _processes,
    "message": _messages,
    "open": _opens,
    "write": _writes,
    "allocation": _allocations,
    "compile": _compiles,
}
"""The kinds of events; each replaces the functions of its kind in this process, for good."""
