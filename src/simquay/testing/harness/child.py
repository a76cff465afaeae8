"""The part of a check that runs in a child process.

It is started as ``python -m simquay.testing.harness.child MODE``. Its last line of output is one
JSON object; ``{"problem": "..."}`` if the check fails.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
import time
import warnings
from typing import Any

from qiskit.providers import JobError, JobStatus

from simquay import get_backend
from simquay.system.imports import load_object
from simquay.testing.harness.assertions import wait_until
from simquay.testing.harness.calibration import Calibration, fit_to_target
from simquay.testing.harness.circuits import bell
from simquay.testing.harness.context import FINAL

__all__ = ["main"]

_LONG = 8.0
_HANGS = 30


def _say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def _long_jobs(backend: Any, calibration: Calibration, count: int) -> list[Any]:
    """Long jobs, the first of them running, or finished if ``run`` itself does the work."""
    circuit = fit_to_target(calibration.circuit(_LONG), backend)
    shots = calibration.shots_for(_LONG)
    if calibration.synchronous:
        count = 1
    jobs = [backend.run(circuit, shots=shots) for _ in range(count)]
    job = jobs[0]
    wait_until(lambda: job.status() in (JobStatus.RUNNING, *FINAL))
    return jobs


def _fork(backend: Any, calibration: Calibration) -> None:
    def counts() -> Any:
        return backend.run(bell(), seed_simulator=1, shots=100).result().get_counts()

    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads and fork
    first = counts()
    unfinished = None if calibration.synchronous else _long_jobs(backend, calibration, 1)[0]
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(_HANGS)
        try:
            problem = _in_the_child(counts, first, unfinished)
        except BaseException as error:  # noqa: BLE001  # told to the parent
            problem = f"in the child, {type(error).__name__}: {error}"
        os.write(write, problem.encode()[:4000])
        os._exit(0)
    os.close(write)
    _, status = os.waitpid(child, 0)
    problem = os.read(read, 5000).decode()
    code = os.waitstatus_to_exitcode(status)
    if code:
        problem = (
            "a forked child hung: it could not run a circuit, or waited for its parent's job"
            if code == -signal.SIGALRM
            else f"a forked child ended with code {code}"
        )
    if not problem:
        if unfinished is not None:
            with contextlib.suppress(Exception):  # cancelling is judged by another check
                unfinished.cancel()
        signal.signal(signal.SIGALRM, lambda *_: _hung())
        signal.alarm(_HANGS)
        if counts() != first:
            problem = "the parent gives other counts after a fork, with the same seed"
    _leave(problem)


def _hung() -> None:
    _leave("after a fork the parent could not run a circuit")


def _leave(problem: str) -> None:
    """Report, and exit at once although jobs may still run."""
    _say(**({"problem": problem} if problem else {"ok": True}))
    os._exit(0)


def _in_the_child(counts: Any, first: Any, unfinished: Any) -> str:
    """Describe what is wrong in the forked child; an empty text if nothing is."""
    if unfinished is not None:
        try:
            unfinished.result()
        except JobError:
            pass
        except BaseException as error:  # noqa: BLE001  # told to the parent
            return (
                "result() of a parent's unfinished job raised, in the child, "
                f"{type(error).__name__} ({error}); expected a JobError"
            )
        else:
            return "result() of a parent's unfinished job returned in the child"
    try:
        if counts() != first:
            return "a forked child gives other counts, with the same seed"
    except JobError:
        device = unfinished.metadata.get("device") if unfinished is not None else None
        if device != "gpu":  # CUDA does not work in a child forked after its initialisation
            raise
    return ""


def _interrupt(backend: Any, calibration: Calibration, call: str) -> None:
    (job,) = _long_jobs(backend, calibration, 1)
    if calibration.synchronous:
        _say(seconds=0.0)  # the job is finished: there is no wait to interrupt
        return
    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.monotonic())
        os.killpg(os.getpgid(0), signal.SIGINT)  # a terminal sends it to the whole group

    try:
        threading.Timer(0.5, press).start()
        getattr(job, call)()
    except KeyboardInterrupt:
        _say(seconds=time.monotonic() - pressed[0])
    except BaseException as error:  # noqa: BLE001  # told to the parent
        _say(problem=f"Ctrl-C in {call}() raised {type(error).__name__}: {error}")
    else:
        _say(problem=f"{call}() returned without a KeyboardInterrupt")
    sys.stdout.flush()
    os._exit(0)  # how it exits while jobs run is judged by another check


def _exit(backend: Any, calibration: Calibration, count: int) -> None:
    # The name keeps the jobs alive until the interpreter is on its way out.
    jobs = _long_jobs(backend, calibration, count) if count else []
    time.sleep(0.1)
    _say(leaving=time.time(), jobs=len(jobs))


def main() -> None:
    """Run the mode that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=("fork", "interrupt", "exit"))
    parser.add_argument("--name")
    parser.add_argument("--factory")
    parser.add_argument("--calibration", required=True)
    parser.add_argument("--call", default="result")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    # A shell ignores Ctrl-C for processes in the background, and their children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    calibration = Calibration.from_json(options.calibration)
    backend = load_object(options.factory)() if options.factory else get_backend(options.name)
    if options.mode == "fork":
        _fork(backend, calibration)
    elif options.mode == "interrupt":
        _interrupt(backend, calibration, options.call)
    else:
        _exit(backend, calibration, options.jobs)


if __name__ == "__main__":
    main()
