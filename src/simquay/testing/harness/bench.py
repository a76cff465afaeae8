"""The bench that a backend is put on: starts jobs, waits for them, and clears up."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from simquay.testing.harness.breach import PATIENCE, Breach, in_time, require, until
from simquay.testing.harness.calibration import Calibration, calibrate, fit
from simquay.testing.harness.circuits import too_wide

if TYPE_CHECKING:
    from simquay.testing.checks.check import Check

__all__ = ["FINAL", "LONG", "Bench", "perform"]

FINAL = frozenset({JobStatus.DONE, JobStatus.ERROR, JobStatus.CANCELLED})

_WAITING = (JobStatus.INITIALIZING, JobStatus.QUEUED)

LONG = 10.0
"""Seconds that a long job takes, about. It is always cancelled before, where that works."""

CHECK_LIMIT = 150.0
"""Seconds after which a check has failed."""

_ASKED_WITHIN = 0.1
"""Seconds that a job must still run after it was first seen running."""

_ATTEMPTS = 3

_calibrations: dict[tuple[type, str], Calibration] = {}
_long_circuits: dict[tuple[Calibration, type, float], QuantumCircuit] = {}


class Bench:
    """A backend, and what checks do with it.

    Args:
        backend: the backend.
        name: how a child process gets it from ``simquay.get_backend``; its own name by default.
        factory: how a child process makes it instead: ``module:callable``, without arguments.
        failing: a circuit that fails when it runs; by default one that is much too wide.
    """

    def __init__(
        self,
        backend: Any,
        *,
        name: str | None = None,
        factory: str | None = None,
        failing: QuantumCircuit | None = None,
    ) -> None:
        self.backend = backend
        self.name = backend.name if name is None else name
        self.factory = factory
        self._failing = failing
        self._jobs: list[Any] = []
        self._timed: list[_Timed] = []

    # --- circuits --------------------------------------------------------------------------

    @property
    def calibration(self) -> Calibration:
        """Measured once for all backends of the same class and name."""
        key = (type(self.backend), str(self.backend.name))
        if key not in _calibrations:
            _calibrations[key] = calibrate(self.backend)
        return _calibrations[key]

    def recalibrate(self, least: float) -> bool:
        """Whether a job of this check took much less time than it should have.

        Then the measured time was one of a busier machine, and what the check saw says nothing.
        It is corrected; and the check is to be done again.
        """
        factor = max((one.too_quick() for one in self._timed), default=1.0)
        self._timed.clear()
        if factor < least or self.calibration.synchronous:
            return False
        key = (type(self.backend), str(self.backend.name))
        seconds = self.calibration.seconds / min(factor, 30.0)
        _calibrations[key] = dataclasses.replace(self.calibration, seconds=seconds)
        return True

    def circuit(self, seconds: float) -> QuantumCircuit:
        """A new circuit that takes about ``seconds``."""
        return fit(self.calibration.circuit(seconds), self.backend)

    def failing_circuit(self) -> QuantumCircuit:
        """A circuit whose run fails."""
        return (self._failing or too_wide()).copy()

    def fit(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """``circuit`` in instructions that the backend's target has."""
        return fit(circuit, self.backend)

    # --- jobs ------------------------------------------------------------------------------

    def run(self, circuits: Any, **options: Any) -> Any:
        """``backend.run``; the job is cancelled when the check ends."""
        job = in_time(lambda: self.backend.run(circuits, **options), 4 * PATIENCE, "run()")
        self._jobs.append(job)
        return job

    def run_for(self, seconds: float) -> Any:
        """A job that takes about ``seconds``."""
        key = (self.calibration, type(self.backend), seconds)
        if key not in _long_circuits:
            _long_circuits[key] = self.circuit(seconds)
        job = self.run(_long_circuits[key], shots=self.calibration.shots_for(seconds))
        self._timed.append(_Timed(job, seconds))
        return job

    def run_failing(self) -> Any:
        """A job that fails, which is final."""
        try:
            job = self.run(self.failing_circuit(), shots=10)
        except Breach:
            raise
        except Exception as error:
            raise Breach(
                f"run() itself raised {type(error).__name__} ({error}) for a circuit of "
                "100 qubits; expected a job that fails"
            ) from error
        self.wait(job)
        return job

    def try_failing(self, circuits: Any = None) -> Any:
        """A job that fails, or None where ``run`` itself raises: that breaks J11, and only J11."""
        circuits = self.failing_circuit() if circuits is None else circuits
        try:
            return self.run(circuits, shots=4)
        except Breach:
            raise
        except Exception:  # noqa: BLE001  # J11 tells which
            return None

    def failed(self) -> list[Any]:
        """A job that failed, in a list; an empty one where ``run`` itself raises."""
        job = self.try_failing()
        if job is None:
            return []
        self.wait(job)
        return [job]

    def start(self, seconds: float = LONG) -> Any:
        """A job that runs now, and goes on for about ``seconds``.

        Raises:
            Breach: if it ends before anything can be asked of it.
        """
        if self.calibration.synchronous:
            raise Breach("run() returned only when the work was done: no job can be seen running")
        for times in (1, 4, 16):
            job = self.run_for(times * seconds)
            seen = until(functools.partial(_has_begun, job))
            require(seen, f"a job was still {job.status()} after {PATIENCE:g} s")
            until(functools.partial(_is_validated, job))
            # One that ends before anybody can ask it anything was too quick: where a machine was
            # busy in the calibration and is not now, that happens.
            if not until(functools.partial(_is_done, job), _ASKED_WITHIN):
                break
        require(
            job.status() is JobStatus.RUNNING,
            f"a job of about {seconds:g} s was never seen RUNNING, but became {job.status()}",
        )
        return job

    def occupy(self, seconds: float = LONG) -> list[Any]:
        """Jobs that keep all workers busy; the last one waits for a worker.

        Raises:
            Breach: if ever more jobs run, side by side or one after the other.
        """
        most = 2 * (os.cpu_count() or 1) + 4
        jobs = [self.start(seconds)]
        # A busy machine is late with what waits for nothing: by as much as it was late before. And
        # jobs end before others are asked for, where it is not as busy as in the calibration.
        latest = 0.0
        while len(jobs) < 4 * most and sum(not _is_final(job) for job in jobs) < most:
            asked = time.monotonic()
            job = self.run_for(seconds)
            jobs.append(job)
            if not until(functools.partial(_has_begun, job), 0.3 + 4 * latest):
                return jobs
            latest = max(latest, time.monotonic() - asked)
        raise Breach(f"none of {len(jobs)} jobs that were asked for at once waits for a worker")

    def wait(self, job: Any, seconds: float = 2 * PATIENCE) -> JobStatus:
        """Wait until the job is final, by asking for its status alone; return that."""
        if not until(lambda: job.status() in FINAL, seconds):
            raise Breach(f"a job is still {job.status()} after {seconds:g} s")
        status: JobStatus = job.status()
        return status

    def result(self, job: Any) -> Any:
        """The result of a job that must succeed."""
        self.wait(job)
        return in_time(job.result, what="result()")

    def clear(self) -> None:
        """Cancel all jobs of the check that are not final, and wait for them."""
        unfinished = [job for job in self._jobs if not _is_final(job)]
        for job in unfinished:
            _try_to_cancel(job)
        end = time.monotonic() + PATIENCE
        for job in unfinished:
            until(functools.partial(_is_final, job), max(0.0, end - time.monotonic()))
        self._jobs.clear()

    # --- child processes -------------------------------------------------------------------

    def child(self, mode: str, *arguments: str, seconds: float = 90.0) -> dict[str, Any]:
        """Run a part of :mod:`simquay.testing.harness.child` in an interpreter of its own.

        Returns:
            What it printed, one JSON object, and as well ``"exit_code"`` and ``"ended"``, the
            time at which it had ended.

        Raises:
            Breach: if it prints no such thing, or does not end.
        """
        command = [sys.executable, "-m", "simquay.testing.harness.child", mode]
        source = ["--factory", self.factory] if self.factory else ["--name", self.name]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = subprocess.Popen(
            [*command, *source, "--calibration", self.calibration.to_json(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,  # a Ctrl-C that it sends itself must not reach us
        )
        try:
            process.wait(seconds)
            ended = time.time()
            output, errors = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Breach(f"a process of its own ({mode}) did not end in {seconds:g} s") from None
        lines = output.strip().splitlines()
        if not lines or not lines[-1].startswith("{"):
            raise Breach(f"a process of its own ({mode}) failed: {errors.strip()[-2000:]}")
        answer: dict[str, Any] = json.loads(lines[-1])
        if "problem" in answer:
            raise Breach(str(answer["problem"]))
        return {**answer, "ended": ended, "exit_code": process.returncode}


class _Timed:
    """Looks how long a job takes, in a thread of its own."""

    def __init__(self, job: Any, seconds: float) -> None:
        self._job = job
        self._planned = seconds
        self._started = time.monotonic()
        self._took: float | None = None
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        if until(lambda: _is_final(self._job), CHECK_LIMIT):
            self._took = time.monotonic() - self._started

    def too_quick(self) -> float:
        """How many times quicker than planned it was done; 1 for a job that was cancelled."""
        if self._took is None or self._job.status() is not JobStatus.DONE:
            return 1.0
        return self._planned / max(self._took, 0.01)


def _has_begun(job: Any) -> bool:
    return job.status() not in _WAITING


def _is_validated(job: Any) -> bool:
    return job.status() is not JobStatus.VALIDATING


def _is_done(job: Any) -> bool:
    return job.status() is JobStatus.DONE


def _is_final(job: Any) -> bool:
    try:
        return job.status() in FINAL
    except Exception:  # noqa: BLE001  # a job that cannot even say so is none of ours any more
        return True


def _try_to_cancel(job: Any) -> None:
    try:
        in_time(job.cancel, 5.0)
    except Exception:  # noqa: BLE001  # only clearing up: a check judges it
        return


def perform(check: Check, bench: Bench, limit: float = CHECK_LIMIT) -> None:
    """Do one check, in a thread of its own, so that a backend that hangs cannot hang the rest.

    Raises:
        Breach: the backend breaks it, or takes longer than ``limit`` seconds.
    """

    def work() -> None:
        for attempt in range(_ATTEMPTS):
            error: Breach | None = None
            try:
                check.function(bench)
            except Breach as breach:
                error = breach
            finally:
                bench.clear()
            # A verdict of "kept" is not given up for a small difference.
            if attempt + 1 == _ATTEMPTS or not bench.recalibrate(3.0 if error is None else 1.3):
                break
        if error is not None:
            raise error

    in_time(work, limit, f"check {check.id}")
