"""A trial of work whose cost nobody knows in advance: in a copy of the process, within limits."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import select
import signal
import warnings
from collections.abc import Callable
from typing import NoReturn

import psutil

from simquay.system.lifecycle import forks_at_once

__all__ = ["tried"]

_PATIENCE = 30  # seconds of waiting for one second of CPU time, on a machine that is busy
_MOST_TEXT = 4096


def tried(work: Callable[[], str], seconds: int, memory: int) -> str | None:
    """The text that ``work`` returns, or None where it does not end as it should.

    It is done in a forked child, where it may take ``seconds`` of CPU time and ``memory`` more
    bytes, and end the process: Rust code does so where memory cannot be had. Its text is the error
    that the content of a file has, if any. A caller that does the work again, without limits, does
    so only where there is none: an error may come from the limits. Where processes cannot fork, the
    work is done here, without limits.

    The fork does not wait until other threads have imported or compiled: ``work`` must do neither.

    Raises:
        OSError: if there can be no other process.
    """
    if not hasattr(os, "fork"):
        return work()
    reading, writing = os.pipe()
    try:
        with warnings.catch_warnings(), forks_at_once():
            # Python, and libraries with threads, warn of any fork: a lock may stay held in the
            # child. The child takes few, and is killed if it waits for one.
            warnings.simplefilter("ignore")
            child = os.fork()
        if not child:
            _work(work, seconds, memory, writing)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    try:
        waiting = select.poll()
        waiting.register(reading, select.POLLIN)
        waiting.poll(_PATIENCE * seconds * 1000)
        os.set_blocking(reading, False)
        answer = b""
        with contextlib.suppress(BlockingIOError):
            answer = os.read(reading, _MOST_TEXT)
        return answer[1:].decode(errors="replace") if answer else None
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError, ChildProcessError):  # reaped by a handler
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _work(work: Callable[[], str], seconds: int, memory: int, answer: int) -> NoReturn:
    """In the child: do the work, write its text after a byte, and end the process."""
    import resource  # which only systems have that fork

    try:
        gc.freeze()  # garbage of a thread that compiled may have left LLVM's tables half written
        faulthandler.disable()  # it may write to a file of its own
        with open(os.devnull, "r+b") as nothing:
            for stream in (0, 1, 2):
                os.dup2(nothing.fileno(), stream)
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        used = psutil.Process().memory_info().vms
        for limit, most in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_AS, used + memory),
        ):
            soft, hard = resource.getrlimit(limit)
            resource.setrlimit(limit, (most if soft < 0 else min(soft, most), hard))
        # One write, of less than a pipe takes at once.
        os.write(answer, b"\0" + work().encode(errors="replace")[: _MOST_TEXT - 1])
    finally:
        os._exit(0)
