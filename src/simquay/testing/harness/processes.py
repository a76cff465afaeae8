"""Processor time and memory of this process and its descendants; calls in a forked process."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast

import psutil

from simquay.testing.harness.assertions import TIMEOUT, CheckFailed, described

__all__ = ["CpuMeter", "call_in_fork", "kill_tree", "resident_bytes"]

T = TypeVar("T")


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


def kill_tree(pid: int) -> None:
    """Kill a process and its descendants; the caller waits for it."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (*process.children(recursive=True), process):
            with suppress(psutil.NoSuchProcess):
                one.kill()


def call_in_fork(call: Callable[[], T], seconds: float = 2 * TIMEOUT) -> T:
    """Call in a forked child of this process; returns what the call does, which must pickle.

    Raises:
        CheckFailed: if the call raises something, or the child ends or hangs in it.
    """
    context = multiprocessing.get_context("fork")
    answers, sender = context.Pipe(duplex=False)

    def work() -> None:
        try:
            answer = call()
        except BaseException as error:  # noqa: BLE001  # told to the parent
            sender.send((f"wrong in the forked process: {described(error)}", None))
        else:
            sender.send(("", answer))
        time.sleep(seconds)  # the parent kills it, so that nothing delays its end

    child = context.Process(target=work)
    child.start()
    sender.close()
    problem, answer = f"the forked process hangs: it did not end within {seconds:g} s", None
    try:
        if answers.poll(seconds):
            problem, answer = answers.recv()
    except EOFError:
        child.join()
        problem = f"the forked process ended with code {child.exitcode}"
    finally:
        kill_tree(child.pid or 0)  # it has one: it was started
        child.join()
        answers.close()
    if problem:
        raise CheckFailed(problem)
    return cast(T, answer)


class CpuMeter:
    """Processor seconds that this process and its descendants use from here on."""

    def __init__(self) -> None:
        self._before = self._now()

    def seconds(self, older: CpuMeter | None = None) -> float:
        """Seconds used since the meter was made, by the processes that still exist.

        Args:
            older: counts those processes alone that existed when this meter was made.
        """
        return sum(
            used - self._before.get(key, 0.0)
            for key, used in self._now().items()
            if older is None or key in older._before
        )

    @staticmethod
    def _now() -> dict[tuple[int, float], float]:
        """By process id and start time, since ids are used again."""
        found = {}
        for process in _tree():
            with suppress(psutil.Error):  # it has ended
                times = process.cpu_times()
                found[process.pid, process.create_time()] = times.user + times.system
        return found
