"""The part of a check that runs in a child process.

It is started as ``python -m simquay.testing.harness.child REQUEST``, where the request is the JSON
object that :meth:`~simquay.testing.harness.context.CheckContext.run_child` makes. Its last line of
output is one JSON object; ``{"problem": "..."}`` if the check fails.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import pkgutil
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from qiskit.providers import JobError, JobStatus, JobV1
from qiskit.result import Result

import simquay
from simquay.system.variables import JOB_STORE
from simquay.testing.harness.assertions import (
    TIMEOUT,
    CheckFailed,
    call_with_timeout,
    exception_of,
    raises,
    reaches,
    require,
    require_equal,
    returns,
)
from simquay.testing.harness.calibration import Calibration, fit_to_target
from simquay.testing.harness.circuits import bell, flips
from simquay.testing.harness.context import FINAL, CheckContext
from simquay.testing.harness.processes import call_in_fork

__all__ = ["main"]

_LONG = 8.0
_KILLED = 1.0  # seconds of the job that is lost with its process

_jobs: list[Any] = []
"""Keeps the jobs alive until the interpreter is on its way out."""


def _long_jobs(backend: Any, calibration: Calibration, count: int) -> list[Any]:
    """Long jobs, the first of them running, or finished if ``run`` itself does the work."""
    circuit = fit_to_target(calibration.circuit(_LONG), backend)
    shots = calibration.shots_for(_LONG)
    if calibration.synchronous:
        count = min(count, 1)
    _jobs.extend(backend.run(circuit, shots=shots) for _ in range(count))
    if _jobs:
        reaches(_jobs[0], {JobStatus.RUNNING, *FINAL})
    return _jobs


def _fork(backend: Any, calibration: Calibration) -> dict[str, Any]:
    def counts() -> Any:
        return backend.run(bell(), seed_simulator=1, shots=100).result().get_counts()

    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads and fork
    first = counts()
    unfinished = None if calibration.synchronous else _long_jobs(backend, calibration, 1)[0]
    call_in_fork(functools.partial(_in_the_fork, counts, first, unfinished))
    if unfinished is not None:
        with contextlib.suppress(Exception):  # cancelling is judged by another check
            unfinished.cancel()
    again = call_with_timeout(counts, what="a circuit in the parent, after a fork,")
    require_equal(again, first, "get_counts() in the parent after a fork, with the same seed,")
    return {"ok": True}


def _in_the_fork(counts: Callable[[], Any], first: Any, unfinished: Any) -> None:
    if unfinished is not None:
        raises(unfinished.result, JobError, what="result() of a parent's unfinished job")
    try:
        again = call_with_timeout(counts, what="a circuit")
        require_equal(again, first, "get_counts() with the same seed")
    except JobError:
        device = unfinished.metadata.get("device") if unfinished is not None else None
        if device != "gpu":  # CUDA does not work in a child forked after its initialisation
            raise


def _interrupt(backend: Any, calibration: Calibration, call: str) -> dict[str, Any]:
    (job,) = _long_jobs(backend, calibration, 1)
    if calibration.synchronous:
        return {"seconds": 0.0}  # the job is finished: there is no wait to interrupt
    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.monotonic())
        os.killpg(os.getpgid(0), signal.SIGINT)  # a terminal sends it to the whole group

    try:
        threading.Timer(0.5, press).start()
        getattr(job, call)()
    except KeyboardInterrupt:
        return {"seconds": time.monotonic() - pressed[0]}
    except BaseException as error:
        raise CheckFailed(f"Ctrl-C in {call}() raised {type(error).__name__}: {error}") from error
    raise CheckFailed(f"{call}() returned without a KeyboardInterrupt")


def _exit(backend: Any, calibration: Calibration, jobs: int) -> dict[str, Any]:
    started = _long_jobs(backend, calibration, jobs)
    time.sleep(0.1)
    left = time.time()

    def tell() -> None:
        """Say how many jobs are lost, when threads that the interpreter waits for have ended."""
        lost = sum(job.status() is not JobStatus.DONE for job in started)
        print(json.dumps({"leaving": left, "lost": lost}), flush=True)

    atexit.register(tell)
    return {"leaving": left}


def _keep(backend: Any, calibration: Calibration, store: str) -> dict[str, Any]:
    """Keep a job that is done, one that fails, and one that this process leaves unfinished."""
    os.environ[JOB_STORE] = store
    named = {"metadata": {"owner": "kit"}, "tags": ["kit", "done"]}
    circuits = [bell(), flips(1)]
    done = backend.run(circuits, shots=50, seed_simulator=3, keep=True, **named)
    told = {
        "done": done.job_id(),
        "counts": done.result().get_counts(),
        "circuits": [one.name for one in circuits],
        "pid": os.getpid(),
    }
    failing = CheckContext(backend).failing_circuit()
    failed = backend.run([flips(2), failing], shots=4, keep=True)
    told |= {"failed": failed.job_id(), "error": str(exception_of(failed.result))}
    long = fit_to_target(calibration.circuit(_KILLED), backend)
    shots = calibration.shots_for(_KILLED)
    expected = backend.run([flips(1), long], shots=shots, seed_simulator=5).result().get_counts()
    lost = backend.run([flips(1), long], shots=shots, seed_simulator=5, keep=True)
    reaches(lost, {JobStatus.RUNNING, *FINAL})
    return {**told, "lost": lost.job_id(), "status": lost.status().name, "expected": expected}


def _find(
    backend: Any, calibration: Calibration, store: str, told: dict[str, Any], resumable: bool
) -> dict[str, Any]:
    """Find the jobs of a process that has ended."""
    os.environ[JOB_STORE] = store
    done = returns(lambda: simquay.job(told["done"]), "simquay.job() of a job of another process")
    require_equal(done.status(), JobStatus.DONE, "a kept job that was done")
    require(
        isinstance(done, JobV1), f"a kept job is a {type(done).__qualname__}, which is no JobV1"
    )
    result = returns(done.result, "result() of a kept job")
    require_equal(result.get_counts(), told["counts"], "get_counts() of a kept job")
    require(done.result() is result, "result() of a kept job gave another object")
    names = [one.name for one in returns(done.circuits, "circuits() of a kept job")]
    require_equal(names, told["circuits"], "the names of a kept job's circuits")
    kept = done.metadata.get("owner"), done.metadata.get("tags"), done.metadata.get("backend")
    require_equal(kept, ("kit", ["kit", "done"], backend.name), "owner, tags and backend of a job")
    ended = returns(lambda: done.ended, "ended of a kept job")
    require(
        ended is not None and done.created <= ended,
        f"a kept job was made {done.created}, ended {ended}",
    )
    ids = {one.job_id() for one in simquay.jobs(limit=None, tags=["kit"])}
    require_equal(ids, {told["done"]}, "the ids of the jobs that simquay.jobs(tags=...) finds")

    failed = simquay.job(told["failed"])
    require_equal(failed.status(), JobStatus.ERROR, "a kept job that failed")
    error = raises(failed.result, JobError, what="result() of a kept job that failed")
    require_equal(str(error), told["error"], "the error of a kept job")
    partial: Any = getattr(error, "partial_result", None)
    require(isinstance(partial, Result), f"the partial_result of a kept job is {partial!r}")
    require_equal(partial.get_counts(), {"11": 4}, "the counts in its partial_result")

    lost = simquay.job(told["lost"])
    if told["status"] != "RUNNING":  # ``run`` itself does the work, or it was very quick
        return {"ok": True}
    require_equal(lost.status(), JobStatus.ERROR, "a job whose process was killed")
    why = str(lost.error_message())
    require(str(told["pid"]) in why, f"its error does not name its process {told['pid']}: {why}")
    raises(lost.result, JobError, what="result() of a job whose process was killed")
    if resumable:
        again = returns(lost.resume, "resume() of a job whose process was killed")
        require_equal(again.job_id(), told["lost"], "the id of a resumed job")
        counts = call_with_timeout(again.result, 2 * TIMEOUT, "a resumed job").get_counts()
        require_equal(counts, told["expected"], "get_counts() of a resumed job")
    return {"ok": True}


_MODES: dict[str, Callable[..., dict[str, Any]]] = {
    "fork": _fork,
    "interrupt": _interrupt,
    "exit": _exit,
    "keep": _keep,
    "find": _find,
}


def main() -> None:
    """Do what the command line requests."""
    request = json.loads(sys.argv[1])
    # A shell ignores Ctrl-C for processes in the background, and their children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    factory, name, mode = request["factory"], request["name"], request["mode"]
    backend = pkgutil.resolve_name(factory)() if factory else simquay.get_backend(name)
    calibration = Calibration(**request["calibration"])
    try:
        answer = _MODES[mode](backend, calibration, **request["arguments"])
    except CheckFailed as failure:
        answer = {"problem": str(failure)}
    print(json.dumps(answer), flush=True)
    if mode == "keep" and hasattr(signal, "SIGKILL"):
        os.kill(os.getpid(), signal.SIGKILL)
    if mode != "exit":
        os._exit(0)  # how the interpreter exits while jobs run is judged by another check


if __name__ == "__main__":
    main()
