"""What does it cost to keep a job, and how long does a listing of many take?

The first part runs the circuits of ``latency.py`` with 4 qubits, 1,024 shots, turn by turn without
and with a store, and prints the medians of ``run().result()`` and their difference. A row for each
kind of job: a run, a run in tasks of one circuit, a pub of each primitive.

The second part makes a store of many jobs and lists them all, in this process and in a new one.

    python -m benchmarks.jobs.store [--repeats 200] [--jobs 10000] [--folder DIR]

``--folder`` says on which disk; by default it is that of temporary files. It takes a minute.
"""

from __future__ import annotations

import argparse
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from qiskit.providers import JobStatus

import simquay
from benchmarks.jobs.latency import SHOTS, layered_circuit
from simquay.jobs.store.store import JobFacts, JobStore
from simquay.primitives import EstimatorV2, SamplerV2

_NEW_PROCESS = """
import time, simquay
from qiskit import QuantumCircuit
begin = time.perf_counter()
found = simquay.jobs(limit=None)
print(len(found), time.perf_counter() - begin)
"""


def runners(keep: bool) -> dict[str, Callable[[int], Any]]:
    """What is timed, by name; each takes the number of the run."""
    backend = simquay.get_backend("numpy")
    circuits = [layered_circuit(4, seed) for seed in range(5)]
    bare = [one.remove_final_measurements(inplace=False) for one in circuits]
    sampler = SamplerV2(backend, default_shots=SHOTS, options={"keep": keep})
    estimator = EstimatorV2(backend, options={"keep": keep})
    return {
        "run": lambda number: backend.run(circuits[number % 5], shots=SHOTS, keep=keep),
        "5 tasks": lambda number: backend.run(
            circuits, shots=SHOTS, keep=keep, max_circuits_per_task=1
        ),
        "sampler": lambda number: sampler.run([circuits[number % 5]]),
        "estimator": lambda number: estimator.run([(bare[number % 5], ["ZZZZ", "XXII"])]),
    }


def cost(repeats: int) -> None:
    """Print the medians without and with a store."""
    print(f"{'job':<10} {'without ms':>10} {'with ms':>10} {'more ms':>10}")
    without, kept = runners(False), runners(True)
    for name in without:
        seconds: dict[bool, list[float]] = {False: [], True: []}
        for number in range(-20, repeats):  # the first ones warm up
            for keep, timed in ((False, without[name]), (True, kept[name])):
                begin = time.perf_counter()
                timed(number).result()
                if number >= 0:
                    seconds[keep].append(time.perf_counter() - begin)
        first, second = (1e3 * statistics.median(seconds[keep]) for keep in (False, True))
        print(f"{name:<10} {first:>10.3f} {second:>10.3f} {second - first:>10.3f}")


def fill(store: JobStore, jobs: int) -> None:
    """Put that many jobs, which are done, into the store."""
    began = datetime.now(timezone.utc) - timedelta(days=1)
    circuit = layered_circuit(4, 0)
    for number in range(jobs):
        made = began + timedelta(seconds=number)
        facts = JobFacts(
            id=f"{number:032x}",
            kind="run",
            backend="numpy",
            status=JobStatus.DONE,
            created=made,
            started=made,
            ended=made,
            tags=("listing", f"day {number % 30}"),
            metadata={"backend": "numpy", "engine": "numpy", "device": "cpu"},
            circuits=1,
            tasks=1,
            host=socket.gethostname(),
            pid=os.getpid(),
            owner=store.own_name(),
            versions={"simquay": "1", "python": platform.python_version()},
            error=None,
            resumed=0,
        )
        store.create(facts, circuits=[circuit], request=None)


def listing(jobs: int) -> None:
    """Print how long the listing of that many jobs takes."""
    fill(JobStore.default(), jobs)
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        found = simquay.jobs(limit=None)
        seconds.append(time.perf_counter() - begin)
    print(f"\n{len(found)} jobs are listed in {1e3 * statistics.median(seconds):.0f} ms", end="")
    done = subprocess.run(
        [sys.executable, "-c", _NEW_PROCESS], capture_output=True, text=True, check=True
    )
    print(f"; the first time in a process, {1e3 * float(done.stdout.split()[1]):.0f} ms")


def main() -> None:
    """Measure both, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="on this disk")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        os.environ["SIMQUAY_JOB_STORE"] = str(Path(folder, "cost"))
        cost(arguments.repeats)
        os.environ["SIMQUAY_JOB_STORE"] = str(Path(folder, "many"))
        listing(arguments.jobs)


if __name__ == "__main__":
    main()
