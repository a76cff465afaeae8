"""Backends that each break one promise under a fault; the function is named after the check.

Each asks the system for something before its job, and is wrong where it is refused.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from concurrent.futures import Future
from typing import Any

import numpy as np

from simquay.execution.memory import host_ledger
from simquay.jobs.dispatch.tasks import LocalTask
from simquay.jobs.errors import JobFailedError
from simquay.jobs.job import Job
from simquay.testing.faults import FaultReport, start_trials
from tests.support.broken.backends import Mutant

_BYTES = 1 << 16


class _NoThread:
    """Has no thread, and does not say so."""

    def launch(self, task: Any, control: Any) -> Future[Any]:
        return Future()


class F01(Mutant):
    """Without a thread, its job waits for one for ever."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        thread = threading.Thread(target=int)
        try:
            thread.start()
        except RuntimeError:
            return self._submitted(Job(self, [LocalTask(_fail)], _NoThread()))
        thread.join()
        return super().run(run_input, **options)


class F02(Mutant):
    """Without a file, its job fails, and does not say why."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        try:
            open(os.devnull).close()
        except OSError:
            return self._submitted(Job(self, [LocalTask(_fail)], self._pool))
        return super().run(run_input, **options)


def _fail(control: Any) -> None:
    raise JobFailedError("")


class F03(Mutant):
    """Without memory, it leaves out all gates."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        try:
            np.zeros(_BYTES, dtype=np.uint8)
        except MemoryError:
            run_input = [one.copy_empty_like() for one in run_input]
            for one in run_input:
                one.measure(range(2), range(2))
        return super().run(run_input, **options)


class F04(Mutant):
    """After a file that could not be opened, it runs nothing more."""

    is_broken = False

    def run(self, run_input: Any = None, **options: Any) -> Job:
        if self.is_broken:
            raise RuntimeError("it has been broken since the last fault")
        try:
            open(os.devnull).close()
        except OSError:
            self.is_broken = True
            raise
        return super().run(run_input, **options)


class F05(Mutant):
    """Its helper thread waits for ever where a file cannot be opened."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        done = threading.Event()
        threading.Thread(target=done.wait, name="helper", daemon=True).start()
        open(os.devnull).close()
        done.set()
        return super().run(run_input, **options)


class F06(Mutant):
    """Does not close the first file where the second cannot be opened."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        first = os.open(os.devnull, os.O_RDONLY)
        os.close(os.open(os.devnull, os.O_RDONLY))
        os.close(first)
        return super().run(run_input, **options)


class F07(Mutant):
    """Does not end its helper process where a file cannot be opened."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        helper = subprocess.Popen(["sleep", "600"])
        open(os.devnull).close()
        helper.kill()
        helper.wait()
        return super().run(run_input, **options)


class F08(Mutant):
    """Keeps the memory that it has reserved where it is not to be had."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        reservation = host_ledger().try_reserve(_BYTES)
        assert reservation is not None
        np.zeros(_BYTES, dtype=np.uint8)
        reservation.release()
        return super().run(run_input, **options)


class F09(Mutant):
    """Leaves a temporary file where it cannot be written."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        descriptor, name = tempfile.mkstemp()
        os.close(descriptor)
        with open(name, "w") as file:
            file.write("circuits")
        os.unlink(name)
        return super().run(run_input, **options)


class F10(Mutant):
    """Tries to open a file until it can."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        while True:
            try:
                open(os.devnull).close()
            except OSError:
                continue
            return super().run(run_input, **options)


KINDS = {
    "F01": "thread",
    "F02": "open",
    "F03": "allocation",
    "F04": "open",
    "F05": "open",
    "F06": "open",
    "F07": "open",
    "F08": "allocation",
    "F09": "write",
    "F10": "open",
}
"""The kind of fault under which the backend of each check breaks it."""


def report_on(identity: str) -> FaultReport:
    """The report on the backend which breaks ``identity``."""
    factory = f"{__name__}:{identity}"
    kinds = [KINDS[identity]]
    _, trials = start_trials(factory=factory, kinds=kinds, most=4, deadline=5.0, width=4)
    return FaultReport(tuple(trials))
