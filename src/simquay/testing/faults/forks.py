"""The process that forks one child for each trial.

It is started as ``python -m simquay.testing.faults.forks REQUEST``, where the request is the JSON
object that :func:`~simquay.testing.faults.report.start_trials` makes, in an environment whose
temporary folder and caches are its own. It imports everything that the backend's run imports, but
makes no backend: in each child a backend is new, and no thread, process or kernel is there yet. It
sends the list of faults, then a :class:`~simquay.testing.faults.trial.Trial` for each, as pickles;
or the text of a problem.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import itertools
import json
import os
import pkgutil
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from simquay import get_backend
from simquay.testing.faults.injection import Fault
from simquay.testing.faults.leftovers import Census
from simquay.testing.faults.trial import Script, Trial, normal, run_trial
from simquay.testing.harness.assertions import CheckFailed
from simquay.testing.harness.processes import call_in_fork

__all__ = ["main"]

T = TypeVar("T")

_ON_DISK = ("open", "write", "compile")
"""Kinds whose events differ where the caches on disk are empty."""


class _Trials:
    """The trials of one backend.

    Args:
        make: makes the backend.
        folder: with the subfolders ``cache`` and ``tmp``.
        script: the job.
    """

    def __init__(self, make: Callable[[], Any], folder: Path, script: Script) -> None:
        self._make = make
        self._script = script
        # With empty caches, a job also compiles.
        self._slow = dataclasses.replace(script, deadline=5 * script.deadline)
        self._cache, self._saved, self._tmp = (folder / one for one in ("cache", "saved", "tmp"))
        self._numbers = itertools.count()
        self._allowed: Census | None = None
        self.caches = False

    def prepare(self) -> None:
        """Fill the caches, import what a run imports, and find what may stay.

        Raises:
            CheckFailed: a job without a fault does not run.
        """
        everything = self._fork(lambda: (normal(self._make, self._slow), [*sys.modules]))
        for module in everything[1]:
            with suppress(Exception):  # foreign code; it was imported in the child
                importlib.import_module(module)
        self.caches = any(path.is_file() for path in self._cache.rglob("*"))
        shutil.copytree(self._cache, self._saved)
        self._allowed = self._fork(lambda: normal(self._make, self._script))

    def run(self, fault: Fault) -> Trial:
        """The trial of one fault."""
        shutil.rmtree(self._cache)
        shutil.copytree(self._saved, self._cache)
        if fault.cold:
            for path in self._cache.rglob("*"):
                if path.is_file():
                    path.unlink()
        script = self._slow if fault.cold else self._script
        try:
            return self._fork(lambda: run_trial(self._make, fault, script, self._allowed))
        except CheckFailed as failure:
            return Trial(fault, state=str(failure))

    def _fork(self, call: Callable[[], T]) -> T:
        folder = self._tmp / str(next(self._numbers))
        folder.mkdir()

        def in_the_fork() -> T:
            os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
            return call()

        try:
            return call_in_fork(in_the_fork, 60.0 + 10 * self._slow.deadline)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _chosen(kind: str, cold: bool, count: int, most: int, seed: int) -> list[Fault]:
    """Faults of ``most`` of ``count`` events, each alone, and with all later ones. Half of them are
    the first, which differ most; the others are drawn."""
    numbers = [*range(1, count + 1)]
    if count > most:
        first, later = numbers[: -(-most // 2)], numbers[-(-most // 2) :]
        drawn = random.Random(f"{seed} {kind} {cold}").sample(later, most - len(first))
        numbers = [*first, *sorted(drawn)]
    return [Fault(kind, number, last, cold) for number in numbers for last in (False, True)]


def _plan(trials: _Trials, kinds: list[str], most: int, seed: int) -> list[Fault]:
    faults = []
    for kind in kinds:
        for cold in (False, True) if trials.caches and kind in _ON_DISK else (False,):
            counted = trials.run(Fault(kind, 0, cold=cold))
            if counted.state != "DONE":
                raise CheckFailed(f"without a fault, a job is {counted.state} {counted.reason}")
            share = max(1, most // 4) if cold else most  # compiling takes long
            faults += _chosen(kind, cold, counted.count, share, seed)
    return faults


def main() -> None:
    """Do what the command line requests."""
    request = json.loads(sys.argv[1])
    factory, name = request["factory"], request["name"]
    make = functools.partial(get_backend, name)
    if factory:
        make = pkgutil.resolve_name(factory)
    script = Script(request["deadline"], request["width"])
    trials = _Trials(make, Path(request["folder"]), script)
    with Connection(request["descriptor"], readable=False) as answers:
        try:
            trials.prepare()
            faults = _plan(trials, request["kinds"], request["most"], request["seed"])
        except CheckFailed as failure:
            answers.send(str(failure))
            return
        answers.send(faults)
        for fault in faults:
            answers.send(trials.run(fault))


if __name__ == "__main__":
    main()
