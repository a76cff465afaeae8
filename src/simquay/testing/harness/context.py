"""What a check is given: the backend under test, and methods to run and await jobs on it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from qiskit import QuantumCircuit
from qiskit.providers import JobStatus
from qiskit.transpiler import TranspilerError

from simquay.testing.harness.assertions import (
    CHECK_LIMIT,
    TIMEOUT,
    CheckFailed,
    call_with_timeout,
    in_thread,
    reaches,
    require,
    returns,
    wait_until,
)
from simquay.testing.harness.calibration import Calibration, calibrate, fit_to_target
from simquay.testing.harness.circuits import too_wide, unknown_gate

__all__ = ["BEGUN", "FINAL", "LONG", "CheckContext"]

FINAL = frozenset({JobStatus.DONE, JobStatus.ERROR, JobStatus.CANCELLED})

BEGUN = frozenset({JobStatus.VALIDATING, JobStatus.RUNNING}) | FINAL

LONG = 10.0
"""Approximate duration of a long job in seconds. Checks cancel it before its end."""

_ASKED_WITHIN = 0.1
"""Seconds that a job must still run after it was first seen running."""

_calibrations: dict[tuple[type, str], Calibration] = {}
_succeeds_wide: dict[tuple[type, str], bool] = {}
_long_circuits: dict[tuple[Calibration, type, float], QuantumCircuit] = {}


class CheckContext:
    """The backend under test, and the jobs that a check starts on it.

    Args:
        backend: the backend.
        name: passed to ``simquay.get_backend`` in a child process; by default the backend's own
            name.
        factory: makes the backend in a child process instead: ``module:callable``, called without
            arguments.
        failing: a circuit that fails when it runs; by default one of 100 qubits, or, if that one
            succeeds, one with a gate that nothing defines.
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
        self._kind = (type(backend), str(backend.name))
        self._failing = failing
        self._jobs: list[Any] = []
        self._timed: list[Future[float]] = []

    # --- circuits --------------------------------------------------------------------------

    @property
    def calibration(self) -> Calibration:
        """Measured once for all backends of the same class and name."""
        if self._kind not in _calibrations:
            _calibrations[self._kind] = calibrate(self.backend)
        return _calibrations[self._kind]

    def recalibrate(self, least: float) -> bool:
        """Correct the calibration if a job of this check ended much sooner than planned.

        The calibration was then measured while the machine was busy, and the outcome of the check
        says nothing: it must be repeated.

        Args:
            least: how many times sooner.

        Returns:
            Whether the calibration was corrected.
        """
        known = [one.result() for one in self._timed if one.done() and not one.exception()]
        factor = max(known, default=1.0)
        self._timed.clear()
        if factor < least or self.calibration.synchronous:
            return False
        seconds = self.calibration.seconds / min(factor, 30.0)
        _calibrations[self._kind] = dataclasses.replace(self.calibration, seconds=seconds)
        return True

    def circuit(self, seconds: float) -> QuantumCircuit:
        """A new circuit that takes about ``seconds``."""
        return fit_to_target(self.calibration.circuit(seconds), self.backend)

    def failing_circuit(self) -> QuantumCircuit:
        """A circuit whose run fails."""
        if self._failing is None:
            if self._kind not in _succeeds_wide:
                _succeeds_wide[self._kind] = self._succeeds(too_wide())
            self._failing = unknown_gate() if _succeeds_wide[self._kind] else too_wide()
        return self._failing.copy()

    def _succeeds(self, circuit: QuantumCircuit) -> bool:
        """Whether a run of ``circuit`` succeeds; simulators of other states run wide circuits."""
        for job in self.failing_jobs(circuit):
            with contextlib.suppress(Exception):  # whatever it is, J11 judges it
                return self.wait(job) is JobStatus.DONE and bool(self.result(job).success)
        return False

    def fit_to_target(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """``circuit`` in instructions that the backend's target has.

        Raises:
            CheckFailed: if the target's gates cannot express it.
        """
        try:
            return fit_to_target(circuit, self.backend)
        except TranspilerError as error:
            gates = ", ".join(sorted({*circuit.count_ops()} - {"barrier", "measure"}))
            raise CheckFailed(
                f"the gates of the target cannot express the circuit {circuit.name!r} ({gates}); "
                "if the simulator has no others, expect this check to fail"
            ) from error

    # --- jobs ------------------------------------------------------------------------------

    def run(self, circuits: Any, **options: Any) -> Any:
        """``backend.run``; the job is cancelled when the check ends."""
        return self.submitted(lambda: self.backend.run(circuits, **options))

    def submitted(self, call: Callable[[], Any], what: str = "run()") -> Any:
        """The job that ``call()``, called ``what``, submits; cancelled when the check ends."""
        job = call_with_timeout(call, 4 * TIMEOUT, what)
        self._jobs.append(job)
        return job

    def run_for(self, seconds: float) -> Any:
        """A job that takes about ``seconds``."""
        key = (self.calibration, type(self.backend), seconds)
        if key not in _long_circuits:
            _long_circuits[key] = self.circuit(seconds)
        job = self.run(_long_circuits[key], shots=self.calibration.shots_for(seconds))
        self._timed.append(in_thread(functools.partial(_times_too_quick, job, seconds)))
        return job

    def run_failing(self) -> Any:
        """A job that has failed.

        Raises:
            CheckFailed: if ``run`` itself raises.
        """
        call = functools.partial(self.run, self.failing_circuit(), shots=10)
        job = returns(call, "instead of a job that fails, run() itself", 5 * TIMEOUT)
        self.wait(job)
        return job

    def failing_jobs(self, circuits: Any = None) -> list[Any]:
        """A list of one job that fails; an empty list if ``run`` itself raises: J11 judges that."""
        circuits = self.failing_circuit() if circuits is None else circuits
        try:
            return [self.run(circuits, shots=4)]
        except CheckFailed:
            raise
        except Exception:  # noqa: BLE001  # J11 reports it
            return []

    def failed_jobs(self) -> list[Any]:
        """A list of one job that failed; an empty list if ``run`` itself raises."""
        jobs = self.failing_jobs()
        for job in jobs:
            self.wait(job)
        return jobs

    def cancelled_jobs(self, seconds: float = LONG) -> list[Any]:
        """A list of one job that was cancelled as it ran; empty where no job can be seen running.

        It is final, unless ``cancel()`` does not stop it: then it ends after ``seconds``.
        """
        if self.calibration.synchronous:
            return []
        job = self.start(seconds)
        call_with_timeout(job.cancel)
        self.wait(job)
        return [job]

    def counts(self, circuits: Any, **options: Any) -> Any:
        """``get_counts()`` of the result of a run that must succeed."""
        return self.result(self.run(circuits, **options)).get_counts()

    def start(self, seconds: float = LONG) -> Any:
        """A running job, which goes on for about ``seconds``.

        Raises:
            CheckFailed: if it ends before its status can be seen to be ``RUNNING``.
        """
        if self.calibration.synchronous:
            raise CheckFailed(
                "run() returned only when the work was done: no job can be seen running"
            )
        for times in (1, 4, 16):
            job = self.run_for(times * seconds)
            require(reaches(job, BEGUN), f"a job was still {job.status()} after {TIMEOUT:g} s")
            reaches(job, {JobStatus.RUNNING, *FINAL})
            # A job that ends at once was too short: the machine was busy during the calibration,
            # and no longer is. Try a longer one.
            if not reaches(job, {JobStatus.DONE}, _ASKED_WITHIN):
                break
        require(
            job.status() is JobStatus.RUNNING,
            f"a job of about {seconds:g} s was never seen RUNNING, but became {job.status()}",
        )
        return job

    def occupy_workers(self, seconds: float = LONG) -> list[Any]:
        """Jobs that keep all workers busy; the last one waits for a worker.

        Raises:
            CheckFailed: if no job waits, however many are submitted.
        """
        most = 2 * (os.cpu_count() or 1) + 4
        jobs = [self.start(seconds)]
        # On a busy machine a job that could start is late, by as much as the latest job before it.
        # On a machine less busy than during the calibration, jobs end before others are submitted.
        latest = 0.0
        while len(jobs) < 4 * most and sum(not _is_final(job) for job in jobs) < most:
            asked = time.monotonic()
            job = self.run_for(seconds)
            jobs.append(job)
            if not reaches(job, BEGUN, 0.3 + 4 * latest):
                return jobs
            latest = max(latest, time.monotonic() - asked)
        raise CheckFailed(f"none of {len(jobs)} jobs submitted at once waits for a worker")

    def wait(self, job: Any, seconds: float = 2 * TIMEOUT) -> JobStatus:
        """Wait until the job is final, calling ``status()`` alone; returns the final status."""
        ended = reaches(job, FINAL, seconds)
        require(ended, f"a job is still {job.status()} after {seconds:g} s")
        status: JobStatus = job.status()
        return status

    def result(self, job: Any) -> Any:
        """The result of a job that must succeed."""
        self.wait(job)
        return call_with_timeout(job.result, what="result()")

    def cancel_jobs(self) -> None:
        """Cancel all unfinished jobs of the check, and wait until they are final."""
        unfinished = [job for job in self._jobs if not _is_final(job)]
        for job in unfinished:
            with contextlib.suppress(Exception):  # only clean-up: a check judges cancel()
                call_with_timeout(job.cancel, 5.0)
        end = time.monotonic() + TIMEOUT
        for job in unfinished:
            wait_until(functools.partial(_is_final, job), max(0.0, end - time.monotonic()))
        self._jobs.clear()

    # --- child processes -------------------------------------------------------------------

    def run_child(self, mode: str, *, seconds: float = 90.0, **arguments: Any) -> dict[str, Any]:
        """Run a mode of :mod:`simquay.testing.harness.child` in a child process.

        Args:
            mode: which one.
            seconds: time limit.
            arguments: of the mode.

        Returns:
            The JSON object that it printed, with the additional keys ``"exit_code"``, ``"errors"``,
            what it wrote to stderr, and ``"ended"``, the time at which the process had ended, in
            seconds since the epoch.

        Raises:
            CheckFailed: if it reports a problem, prints no JSON object, or does not end in time.
        """
        request = {
            "mode": mode,
            "name": self.name,
            "factory": self.factory,
            "calibration": dataclasses.asdict(self.calibration),
            "arguments": arguments,
        }
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        if mode == "fork":
            # OpenBLAS joins its threads inside fork(), and can wait for ever for one that another
            # thread's matrix product has just woken. That is not the backend's fault.
            environment["OPENBLAS_NUM_THREADS"] = "1"
        process = subprocess.Popen(
            [sys.executable, "-m", "simquay.testing.harness.child", json.dumps(request)],
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
            process.communicate()
            raise CheckFailed(f"a child process ({mode}) did not end in {seconds:g} s") from None
        lines = output.strip().splitlines()
        if not lines or not lines[-1].startswith("{"):
            raise CheckFailed(f"a child process ({mode}) failed: {errors.strip()[-2000:]}")
        answer: dict[str, Any] = json.loads(lines[-1])
        if "problem" in answer:
            raise CheckFailed(str(answer["problem"]))
        return {**answer, "ended": ended, "exit_code": process.returncode, "errors": errors}


def _times_too_quick(job: Any, seconds: float) -> float:
    """How many times sooner than in ``seconds`` a job is done; 1 if it fails or is cancelled."""
    started = time.monotonic()
    reaches(job, FINAL, CHECK_LIMIT)
    took = time.monotonic() - started
    return seconds / max(took, 0.01) if job.status() is JobStatus.DONE else 1.0


def _is_final(job: Any) -> bool:
    try:
        return job.status() in FINAL
    except Exception:  # noqa: BLE001  # no point in waiting for a job without a status
        return True
