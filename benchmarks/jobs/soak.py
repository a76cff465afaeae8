"""Jobs of all kinds for a long time: does memory grow, and do threads or descriptors stay?

Some threads run jobs on several backends, as a seed says: small and large ones, with many circuits,
with measurements in the middle, with all outcomes kept; jobs that are cancelled at once or later,
that fail, that run on executors of threads and of processes, and in forked children. Counts are
checked. Every second a sample is taken: the resident memory of the process and of its descendants,
its threads and its descriptors.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.jobs.soak [--seconds 1800] [--threads 3]
                                 [--backends numpy,numba,basic,aer] [--seed 1] [--json FILE]

The variable is needed where children are forked: OpenBLAS joins its threads inside ``fork()``, and
can wait for ever for one that has just been woken.

The slope of the memory is that of a straight line through the samples without their first third, in
MiB an hour: through the means of 12 blocks of samples, since neighbouring samples are alike. Its
error is the standard error of that line. ``before`` and ``after`` are taken when no job runs,
``before`` after the first third.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

import simquay
from simquay.execution.memory import host_ledger
from simquay.testing.harness.circuits import bell, circuit_of, layers, too_wide
from simquay.testing.harness.processes import call_in_fork, resident_bytes

LONGEST = 600.0  # seconds that a job may take, also where the machine is busy with other work
BLOCKS = 12


@dataclass
class Soak:
    """What happened.

    Attributes:
        seconds: how long jobs were submitted.
        ends: how many jobs ended how, by kind of job and status.
        problems: wrong counts, jobs that hung, other errors: none is right.
        samples: seconds, MiB of this process, MiB with its descendants, threads, descriptors.
        idle: the last three and the MiB when no job ran, after a third of the time and at the end.
        reserved: bytes reserved in the ledger at the end.
    """

    seconds: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    samples: list[tuple[float, ...]] = field(default_factory=list)
    idle: list[tuple[float, ...]] = field(default_factory=list)
    reserved: int = 0

    def slope(self, column: int) -> tuple[float, float]:
        """The slope of a column of the samples an hour, and its standard error."""
        rows = np.array(self.samples[len(self.samples) // 3 :])
        number = max(3, min(BLOCKS, len(rows)))
        blocks = np.array([block.mean(axis=0) for block in np.array_split(rows, number)])
        hours, values = blocks[:, 0] / 3600, blocks[:, column]
        (slope, _), residuals, *_ = np.polyfit(hours, values, 1, full=True)
        spread = ((hours - hours.mean()) ** 2).sum()
        variance = (residuals[0] if len(residuals) else 0.0) / (number - 2)
        return float(slope), float(np.sqrt(variance / spread))


def sample(started: float) -> tuple[float, ...]:
    """One sample; see :class:`Soak`."""
    process = psutil.Process()
    own = process.memory_info().rss
    return (
        time.monotonic() - started,
        own / 2**20,
        resident_bytes() / 2**20,
        threading.active_count(),
        process.num_fds(),
    )


def middle() -> QuantumCircuit:
    """A qubit that is measured twice."""
    steps = (("h", 0), ("measure", 0, 0), ("measure", 0, 1), ("cx", 0, 1), ("measure", 1, 2))
    return circuit_of("measured twice", (2, 3), *steps)


class Jobs:
    """The kinds of jobs on one backend; each method is one, and returns the job's end in a word.

    Raises:
        AssertionError: what the job gives is wrong.
    """

    def __init__(self, name: str, executors: dict[str, Executor], seed: int) -> None:
        self._name = name
        self._backend = simquay.get_backend(name)
        self._executors = executors
        self._random = random.Random(f"{seed} {name}")
        slow = name == "basic"
        self._wide = layers(10 if slow else 18, 4)
        self._long = layers(12 if slow else 20, 10 if slow else 200)

    def run_one(self) -> str:
        """A job of a random kind."""
        kinds: list[Callable[[], str]] = [self.small] * 4 + [
            *(self.many, self.middle, self.wide, self.cancelled, self.cancelled),
            *(self.failing, self.threads),
        ]
        if self._name in ("numpy", "numba") and self._random.random() < 0.3:
            kinds = [self.processes, self.fork]
        kind = self._random.choice(kinds)
        return f"{kind.__name__} {kind()}"

    def _counts(self, circuits: Any, **options: Any) -> Any:
        job = self._backend.run(circuits, **options)
        job.wait_for_final_state(LONGEST)
        return job.result().get_counts()

    def _check(self, counts: Any, outcomes: set[str], shots: int) -> str:
        assert set(counts) <= outcomes, f"outcomes {sorted(counts)[:9]}"
        assert sum(counts.values()) == shots, f"{sum(counts.values())} of {shots} shots"
        return "DONE"

    def small(self) -> str:
        """A Bell pair."""
        return self._check(self._counts(bell(), shots=500), {"00", "11"}, 500)

    def many(self) -> str:
        """Twenty Bell pairs."""
        for counts in self._counts([bell() for _ in range(20)], shots=50):
            self._check(counts, {"00", "11"}, 50)
        return "DONE"

    def middle(self) -> str:
        """A measurement in the middle."""
        return self._check(self._counts(middle(), shots=300), {"000", "111"}, 300)

    def wide(self) -> str:
        """Many qubits, and many shots whose outcomes are kept."""
        job = self._backend.run(self._wide, shots=20_000, memory=True)
        job.wait_for_final_state(LONGEST)
        assert len(job.result().get_memory()) == 20_000
        return "DONE"

    def cancelled(self) -> str:
        """A long job that is cancelled, perhaps before it begins."""
        job = self._backend.run(self._long, shots=10)
        time.sleep(self._random.choice((0.0, 0.01, 0.3)))
        job.cancel()
        job.wait_for_final_state(LONGEST)
        return str(job.status().name)

    def failing(self) -> str:
        """A circuit that does not fit, beside one that does."""
        job = self._backend.run([bell(), too_wide()], shots=10)
        job.wait_for_final_state(LONGEST)
        assert job.status() is JobStatus.ERROR, job.status()
        assert job.error_message()
        return "ERROR"

    def threads(self) -> str:
        """On an executor of threads."""
        counts = self._counts(bell(), shots=100, executor=self._executors["threads"])
        return self._check(counts, {"00", "11"}, 100)

    def processes(self) -> str:
        """On an executor of processes, its shots split."""
        options = {"executor": self._executors["processes"], "max_shots_per_task": 100}
        return self._check(self._counts(bell(), shots=300, **options), {"00", "11"}, 300)

    def fork(self) -> str:
        """In a forked child."""
        call_in_fork(self.small, LONGEST)
        return "DONE"


def soak(seconds: float, backends: list[str], threads: int = 3, seed: int = 1) -> Soak:
    """Run jobs for ``seconds``."""
    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads and fork
    seen, lock = Soak(), threading.Lock()
    begins = threading.Barrier(threads + 1)

    def work(number: int, jobs: list[Jobs]) -> None:
        chosen = random.Random(seed + number)
        for end in (started + seconds / 3, started + seconds):
            while time.monotonic() < end:
                one = chosen.choice(jobs)
                try:
                    ended = one.run_one()
                except Exception as error:  # noqa: BLE001  # a problem, which the report names
                    ended = "problem"
                    with lock:
                        seen.problems.append(f"{one._name}: {type(error).__name__}: {error}"[:300])
                with lock:
                    seen.ends[ended] += 1
            begins.wait()
            begins.wait()

    def idle() -> None:
        begins.wait()
        time.sleep(2.0)
        gc.collect()
        seen.idle.append(sample(started))
        begins.wait()

    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(1.0):
            seen.samples.append(sample(started))

    with (
        ThreadPoolExecutor(2) as pool,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes,
    ):
        executors: dict[str, Executor] = {"threads": pool, "processes": processes}
        workers = []
        for number in range(threads):
            jobs = [Jobs(name, executors, seed + number) for name in backends]
            workers.append(threading.Thread(target=work, args=(number, jobs), daemon=True))
        started = time.monotonic()
        watcher = threading.Thread(target=watch, daemon=True)
        for thread in (*workers, watcher):
            thread.start()
        idle()
        idle()
        seen.seconds = time.monotonic() - started
        stop.set()
        for thread in (*workers, watcher):
            thread.join()
    seen.reserved = host_ledger().reserved
    return seen


def show(seen: Soak) -> None:
    """Print the figures."""
    print(f"{sum(seen.ends.values())} jobs in {seen.seconds:.0f} s, {len(seen.problems)} problems")
    for end, number in sorted(seen.ends.items()):
        print(f"  {end:24} {number:6}")
    for problem in seen.problems[:20]:
        print("  problem:", problem)
    for label, column in (("this process", 1), ("it and its descendants", 2)):
        slope, error = seen.slope(column)
        print(f"memory of {label}: {slope:+.1f} ± {error:.1f} MiB/h")
    before, after = seen.idle
    print("idle        MiB  with descendants  threads  descriptors")
    for label, row in (("before", before), ("after", after)):
        print(f"{label:8} {row[1]:6.0f} {row[2]:17.0f} {row[3]:8.0f} {row[4]:12.0f}")
    print(f"reserved in the ledger: {seen.reserved} bytes")


def main() -> None:
    """Do what the command line requests."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--threads", type=int, default=3)
    parser.add_argument("--backends", default="numpy,numba,basic,aer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    backends = arguments.backends.split(",")
    seen = soak(arguments.seconds, backends, arguments.threads, arguments.seed)
    show(seen)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(vars(seen)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
