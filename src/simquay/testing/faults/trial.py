"""One trial: a job on a new backend object with one fault, and what came of it.

A trial changes its process for good (see ``injection.py``), so it has a process of its own.
"""

from __future__ import annotations

import dataclasses
import gc
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from qiskit import QuantumCircuit

from simquay.testing.checks.values import check_distribution
from simquay.testing.faults.injection import Fault, Injector
from simquay.testing.faults.leftovers import Census, census, more_than, most_of
from simquay.testing.harness.assertions import CheckFailed, described, in_thread
from simquay.testing.harness.calibration import fit_to_target
from simquay.testing.harness.circuits import bell, circuit_of, layers

__all__ = ["ENDED", "Script", "Trial", "normal", "run_trial"]

ENDED = frozenset({"DONE", "ERROR", "CANCELLED", "raised"})
"""The states in which a job, or a ``run`` that raised, is over."""

_SETTLING = 5.0
"""Seconds in which a job's threads and processes end after it."""

_SHOTS = 400
_SIDE_BY_SIDE = 6
"""Jobs at once, of which the threads and processes are as many as any number of jobs leaves."""


@dataclass(frozen=True)
class Trial:
    """What came of a fault.

    Attributes:
        fault: which.
        count: how many events of its kind there were.
        tries: how many of them failed; 0 where the run had fewer events this time.
        state: the job's status, ``raised`` if ``run`` did that, or other words if neither came.
        reason: the text of the job's error, or of what ``run`` raised.
        wrong: what is wrong with the counts of a job that is ``DONE``; or nothing.
        next_problem: why the next job does not run or has wrong counts; or nothing.
        left: what stays beyond what stays without a fault, by resource.
    """

    fault: Fault
    count: int = 0
    tries: int = 0
    state: str = ""
    reason: str = ""
    wrong: str = ""
    next_problem: str = ""
    left: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def _expected(width: int) -> list[tuple[QuantumCircuit, dict[str, float]]]:
    """The circuits of the job, with their distributions: a Bell pair; a measurement in the middle;
    gates and their inverses on ``width`` qubits, enough for passes of several threads, then a GHZ
    state."""
    middle = circuit_of(
        "measured twice",
        (2, 3),
        *(("h", 0), ("measure", 0, 0), ("measure", 0, 1), ("cx", 0, 1), ("measure", 1, 2)),
    )
    undone = layers(width, 1).remove_final_measurements(inplace=False)
    wide = undone.compose(undone.inverse())
    wide.name = "undone"
    wide.h(0)
    wide.cx(0, range(1, width))
    wide.measure_all()
    return [
        (bell(), {"00": 0.5, "11": 0.5}),
        (middle, {"000": 0.5, "111": 0.5}),
        (wide, {"0" * width: 0.5, "1" * width: 0.5}),
    ]


@dataclass(frozen=True, slots=True)
class Script:
    """The job of a trial.

    Attributes:
        deadline: seconds after which it counts as hanging.
        width: qubits of its widest circuit.
    """

    deadline: float
    width: int

    def on(self, backend: Any) -> list[tuple[QuantumCircuit, dict[str, float]]]:
        """The circuits, with their distributions."""
        width = min(self.width, backend.num_qubits or self.width)
        return [(fit_to_target(one, backend), expected) for one, expected in _expected(width)]


class _Run:
    """A job of ``pairs`` of circuits and distributions, run in a thread of its own, which is
    there already when an injector is armed."""

    def __init__(self, backend: Any, pairs: list[tuple[QuantumCircuit, dict[str, float]]]) -> None:
        self._names = [circuit.name for circuit, _ in pairs]
        self._expected = [expected for _, expected in pairs]
        circuits = [circuit for circuit, _ in pairs]
        self._go = threading.Event()
        self._job: Future[Any] = in_thread(lambda: self._run(backend, circuits))

    def _run(self, backend: Any, circuits: list[QuantumCircuit]) -> Any:
        self._go.wait()
        return backend.run(circuits, shots=_SHOTS)

    def start(self) -> None:
        """Call ``run``."""
        self._go.set()

    def wait(self, seconds: float) -> str:
        """Start, and wait until the job is over; returns its state."""
        self.start()
        end = _Clock(seconds)
        while not end.is_over():
            if self._job.done() and (state := self._state()) in ENDED:
                return state
        return self._state() if self._job.done() else "not returned by run()"

    def _state(self) -> str:
        if self._job.exception() is not None:
            return "raised"
        return str(self._job.result().status().name)

    def reason(self, state: str) -> str:
        """The text of the error."""
        if state == "raised":
            error = self._job.exception()
            return "" if error is None else described(error)
        return str(self._job.result().error_message() or "") if state == "ERROR" else ""

    def wrong(self, state: str) -> str:
        """What is wrong with the counts of a job that is done."""
        if state != "DONE":
            return ""
        try:
            result = self._job.result().result()
            for number, expected in enumerate(self._expected):
                counts = result.get_counts(number)
                check_distribution(counts, expected, self._names[number])
                if sum(counts.values()) != _SHOTS:
                    return f"{self._names[number]}: {sum(counts.values())} shots, not {_SHOTS}"
        except Exception as error:  # noqa: BLE001  # whatever it is, it is no result
            return described(error)
        return ""


class _Clock:
    """Seconds of waiting; those in which this process was stopped do not count."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._seen = time.monotonic()

    def is_over(self, pause: float = 0.002) -> bool:
        """Wait a moment; returns whether the time is over."""
        time.sleep(pause)
        now = time.monotonic()
        self._left -= min(now - self._seen, 1.0)
        self._seen = now
        return self._left <= 0


def run_trial(
    make: Callable[[], Any], fault: Fault, script: Script, allowed: Census | None
) -> Trial:
    """Run the job under a fault, then the next job.

    Args:
        make: makes the backend.
        fault: what fails.
        script: the job.
        allowed: what may stay; None: nothing is looked for.
    """
    backend = make()
    pairs = script.on(backend)
    run = _Run(backend, pairs)
    injector = Injector(fault)
    injector.armed = True
    state = run.wait(script.deadline)
    injector.armed = False
    trial = Trial(fault, injector.count, injector.tries, state, run.reason(state), run.wrong(state))
    if state not in ENDED:
        return trial
    del run
    problem = _problem_of(_Run(backend, pairs[:1]), script.deadline)
    problem = problem or _problem_of(_Run(backend, pairs), script.deadline)
    left: Mapping[str, Mapping[str, int]] = {}
    if allowed is not None and not problem:
        left = _left(allowed)
    return dataclasses.replace(trial, next_problem=problem, left=left)


def normal(make: Callable[[], Any], script: Script) -> Census:
    """What may stay: the most that jobs without a fault leave, one by one and side by side.

    Raises:
        CheckFailed: a job does not run.
    """
    before = census()
    backend = make()
    pairs = script.on(backend)
    found = [before]
    for number in (1, _SIDE_BY_SIDE, 1):
        runs = [_Run(backend, pairs) for _ in range(number)]
        for one in runs:
            one.start()
        for one in runs:
            if problem := _problem_of(one, script.deadline * number):
                raise CheckFailed(f"without a fault, a job fails: {problem}")
        found.append(census())
    del runs
    # Memory and files are held while a job runs; they are given back in the end.
    allowed = {**most_of(*found), "memory": before["memory"], "files": before["files"]}
    _left(allowed)
    return most_of(allowed, census())


def _problem_of(run: _Run, deadline: float) -> str:
    state = run.wait(deadline)
    if state != "DONE":
        return f"{state} {run.reason(state)}".strip()
    return run.wrong(state)


def _left(allowed: Census) -> dict[str, dict[str, int]]:
    """What stays beyond ``allowed``, after some seconds at most."""
    clock = _Clock(_SETTLING)
    while True:
        gc.collect()
        left = more_than(allowed, census())
        if not any(left.values()) or clock.is_over(0.02):
            return left
