"""Processor time and memory of this process and its descendants; calls in a forked process."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from contextlib import suppress

import psutil

from simquay.testing.harness.assertions import TIMEOUT, CheckFailed, described

__all__ = ["CpuMeter", "call_in_fork", "resident_bytes"]


def _tree() -> list[psutil.Process]:
    process = psutil.Process()
    return [process, *process.children(recursive=True)]


def resident_bytes() -> int:
    """Resident memory of this process and its descendants, in bytes."""
    total = 0
    for process in _tree():
        with suppress(psutil.Error):  # it has ended
            total += process.memory_info().rss
    return total


def call_in_fork(call: Callable[[], object], seconds: float = 2 * TIMEOUT) -> None:
    """Call in a forked child of this process.

    Raises:
        CheckFailed: if the call raises something, or the child ends or hangs in it.
    """
    context = multiprocessing.get_context("fork")
    answers, sender = context.Pipe(duplex=False)

    def work() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001  # told to the parent
            sender.send(f"wrong in the forked process: {described(error)}")
        else:
            sender.send("")

    child = context.Process(target=work, daemon=True)
    child.start()
    sender.close()
    problem = f"the forked process hangs: it did not end within {seconds:g} s"
    try:
        if answers.poll(seconds):
            problem = answers.recv()
    except EOFError:
        child.join()
        problem = f"the forked process ended with code {child.exitcode}"
    child.kill()
    child.join()
    if problem:
        raise CheckFailed(problem)


class CpuMeter:
    """Processor seconds that this process and its descendants use from here on."""

    def __init__(self) -> None:
        self._before = self._now()

    def seconds(self) -> float:
        """Seconds used since the meter was made, by the processes that still exist."""
        return sum(used - self._before.get(key, 0.0) for key, used in self._now().items())

    @staticmethod
    def _now() -> dict[tuple[int, float], float]:
        """By process id and start time, since ids are used again."""
        found = {}
        for process in _tree():
            with suppress(psutil.Error):  # it has ended
                times = process.cpu_times()
                found[process.pid, process.create_time()] = times.user + times.system
        return found
