"""``check_faults``: the trials of a backend, and a verdict for each promise."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from simquay.testing.checks.check import Check, Verdict, checks_of, verdict_of
from simquay.testing.faults import promises
from simquay.testing.faults.injection import KINDS, Fault
from simquay.testing.faults.trial import Trial
from simquay.testing.harness.assertions import CheckFailed
from simquay.testing.harness.processes import kill_tree

__all__ = ["FAULT_CHECKS", "FaultReport", "check_faults", "start_trials"]

FAULT_CHECKS: tuple[Check[Trial], ...] = checks_of(promises)
"""The checks of a trial, in order."""

_SHOWN = 3
"""How many faults a verdict names."""


@dataclass(frozen=True)
class FaultReport:
    """The trials of a backend.

    Attributes:
        trials: all of them, in the order of :data:`KINDS`.
    """

    trials: tuple[Trial, ...]

    @functools.cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """A verdict for each promise; its problem names some faults under which it was broken."""
        return tuple(self._verdict(check) for check in FAULT_CHECKS)

    def _verdict(self, check: Check[Trial]) -> Verdict:
        judged = [
            (trial, verdict_of(check, functools.partial(check.function, trial)))
            for trial in self.trials
        ]
        broken = [f"{trial.fault}: {one.problem}" for trial, one in judged if not one.kept]
        more = [f"{len(broken) - _SHOWN} more"] if len(broken) > _SHOWN else []
        seconds = sum(one.seconds for _, one in judged)
        return Verdict(check, "; ".join([*broken[:_SHOWN], *more]), seconds)

    def __str__(self) -> str:
        kept = sum(verdict.kept for verdict in self.verdicts)
        met = sum(trial.tries > 0 for trial in self.trials)
        return f"{kept} of {len(self.verdicts)} promises under {met} faults"


def check_faults(
    name: str = "",
    *,
    factory: str = "",
    kinds: Collection[str] = tuple(KINDS),
    most: int = 8,
    seed: int = 0,
    deadline: float = 60.0,
    width: int = 16,
) -> FaultReport:
    """Let one event after another fail while a job runs, and check what comes of it.

    Args:
        name: of the backend, as for ``simquay.get_backend``.
        factory: makes the backend instead: ``module:callable``, called without arguments.
        kinds: the kinds of events, of :data:`KINDS <simquay.testing.faults.KINDS>`.
        most: how many events of each kind fail; where there are more, they are drawn.
        seed: of the draw.
        deadline: seconds after which a job counts as hanging; five times as many where the
            backend's caches are empty.
        width: qubits of the widest circuit of the job; fewer for a slow backend, but with few an
            engine may use no threads.

    Raises:
        CheckFailed: if the backend breaks some promise; the text names each, and the faults.
        ValueError: a kind is unknown.
    """
    _, trials = start_trials(
        name,
        factory=factory,
        kinds=kinds,
        most=most,
        seed=seed,
        deadline=deadline,
        width=width,
    )
    report = FaultReport(tuple(trials))
    broken = [f"{one.check.id} {one.check.title}: {one.problem}" for one in report.verdicts]
    broken = [text for text, one in zip(broken, report.verdicts, strict=True) if not one.kept]
    if broken:
        raise CheckFailed("\n".join([f"{name or factory} keeps {report}", *broken]))
    return report


def start_trials(
    name: str = "",
    *,
    factory: str = "",
    kinds: Collection[str] = tuple(KINDS),
    most: int = 8,
    seed: int = 0,
    deadline: float = 60.0,
    width: int = 16,
) -> tuple[list[Fault], Iterator[Trial]]:
    """The faults of a backend, and an iterator that runs the trial of each.

    Args:
        name, factory, kinds, most, seed, deadline, width: as for :func:`check_faults`.

    Raises:
        CheckFailed: a job does not run even without a fault.
        ValueError: a kind is unknown.
    """
    if unknown := set(kinds) - set(KINDS):
        raise ValueError(f"unknown kinds {sorted(unknown)}: expected some of {', '.join(KINDS)}")
    messages = _messages(
        name=name,
        factory=factory,
        kinds=[kind for kind in KINDS if kind in kinds],
        most=most,
        seed=seed,
        deadline=deadline,
        width=width,
    )
    return next(messages), messages


def _messages(**request: object) -> Iterator[Any]:
    """The list of faults, then a trial for each."""
    with tempfile.TemporaryDirectory(prefix="simquay-faults-") as folder, ExitStack() as stack:
        cache, temporary = Path(folder, "cache"), Path(folder, "tmp")
        cache.mkdir()
        temporary.mkdir()
        answers, theirs = Pipe(duplex=False)
        stack.enter_context(answers)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TMPDIR": str(temporary),
            **dict.fromkeys(("XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "CUPY_CACHE_DIR"), str(cache)),
        }
        with theirs:
            request |= {"folder": folder, "descriptor": theirs.fileno()}
            process = subprocess.Popen(
                [sys.executable, "-m", "simquay.testing.faults.forks", json.dumps(request)],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment,
            )
        stack.callback(process.wait)
        stack.callback(kill_tree, process.pid)
        while True:
            try:
                message = answers.recv()
            except EOFError:
                code = process.wait()
                if code:
                    raise CheckFailed(f"the process of the trials ended with {code}") from None
                return
            if isinstance(message, str):
                raise CheckFailed(message)
            yield message
