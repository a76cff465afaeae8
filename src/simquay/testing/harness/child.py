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

from qiskit.providers import JobError, JobStatus

from simquay import get_backend
from simquay.testing.harness.assertions import (
    CheckFailed,
    call_with_timeout,
    raises,
    reaches,
    require_equal,
)
from simquay.testing.harness.calibration import Calibration, fit_to_target
from simquay.testing.harness.circuits import bell
from simquay.testing.harness.context import FINAL
from simquay.testing.harness.processes import call_in_fork

__all__ = ["main"]

_LONG = 8.0

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


_MODES: dict[str, Callable[..., dict[str, Any]]] = {
    "fork": _fork,
    "interrupt": _interrupt,
    "exit": _exit,
}


def main() -> None:
    """Do what the command line requests."""
    request = json.loads(sys.argv[1])
    # A shell ignores Ctrl-C for processes in the background, and their children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    factory, name, mode = request["factory"], request["name"], request["mode"]
    backend = pkgutil.resolve_name(factory)() if factory else get_backend(name)
    calibration = Calibration(**request["calibration"])
    try:
        answer = _MODES[mode](backend, calibration, **request["arguments"])
    except CheckFailed as failure:
        answer = {"problem": str(failure)}
    print(json.dumps(answer), flush=True)
    if mode != "exit":
        os._exit(0)  # how the interpreter exits while jobs run is judged by another check


if __name__ == "__main__":
    main()
