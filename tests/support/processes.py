"""Interpreters that tests start, and programs for them that use worker processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil

from tests.support.job_doubles import until
from tests.support.paths import ROOT

__all__ = ["WORKER_HEAD", "gone", "python"]

WORKER_HEAD = """
import os, sys, time, warnings
from qiskit import QuantumCircuit
import simquay

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork with threads

def flip(width=1):
    circuit = QuantumCircuit(width, width)
    circuit.x(range(width))
    circuit.measure(range(width), range(width))
    return circuit

def endless():
    circuit = QuantumCircuit(20, 1)
    for _ in range(2000):
        circuit.h(range(20))
    circuit.measure(0, 0)
    return circuit

def running(job):
    while not job.running():
        time.sleep(0.001)
    return job

def workers():
    from simquay.jobs.workers.pool import default_workers
    return default_workers().pids()

backend = simquay.get_backend("basic")
"""
"""The beginning of a program whose ``backend`` runs in worker processes."""


def python(
    *arguments: str,
    input: str | None = None,
    cwd: Path | None = None,
    start_new_session: bool = False,
    timeout: float = 110,
) -> subprocess.CompletedProcess[str]:
    """Run an interpreter of its own, to its end; a program given by ``-c`` can import the tests."""
    if arguments[0] == "-c":
        arguments = ("-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" + arguments[1])
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        input=input,
        cwd=cwd,
        start_new_session=start_new_session,
    )


def gone(*pids: int) -> bool:
    """Whether no process has one of these ids any more, or soon; a zombie is gone."""

    def runs(pid: int) -> bool:
        try:
            return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    return until(lambda: not any(map(runs, pids)), 5.0)


def cancelled_at_exit(jobs: str) -> str:
    """A pattern of the line on stderr that says how many jobs the exit has cancelled."""
    return rf"simquay: {jobs} cancelled, since the program ended; job\.result\(\) waits for a job\n"
