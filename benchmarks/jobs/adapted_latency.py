"""Latency of an adapted backend over the bare one's: what a worker process costs a small circuit.

Circuits of 4 and 8 qubits, 20 layers deep, 1,024 shots, with a warm worker. Bare and adapted runs
take turns, so that a change of the machine's load meets both. The goal: within 5 ms of the clock,
in the median, on a machine that is quiet. Processor time is shown as well, of this process and its
workers together: a busy machine changes it less. It counts what is done side by side twice.

    python -m benchmarks.jobs.adapted_latency [--backends basic,aer] [--qubits 4,8] [--repeats 100]
                                         [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qiskit
from qiskit import QuantumCircuit

import simquay
from benchmarks.jobs.latency import LAYERS, SHOTS, layered_circuit
from simquay.jobs.workers.pool import default_workers

GOAL_MS = 5.0
WARM_UP = 20


def processor_seconds() -> float:
    """What this process and its workers have used; of this process alone where there is no
    /proc."""
    used = time.process_time()
    for pid in default_workers().pids():
        for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            used += int(file.read_text().split()[0]) / 1e9
    return used


def runner(backend: Any, **options: Any) -> Callable[[QuantumCircuit], Any]:
    """A function that runs a circuit to its result."""
    return lambda circuit: backend.run(circuit, shots=SHOTS, **options).result()


def measure(
    timed: dict[str, Callable[[QuantumCircuit], Any]], qubits: int, repeats: int
) -> dict[str, list[tuple[float, float]]]:
    """Seconds of the clock and of processors of each run, by name; the runs take turns."""
    circuit = layered_circuit(qubits, 0)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in timed}
    for index in range(WARM_UP + repeats):
        for name, run in timed.items():
            used, started = processor_seconds(), time.perf_counter()
            run(circuit)
            seconds = time.perf_counter() - started
            if index >= WARM_UP:
                taken[name].append((seconds, processor_seconds() - used))
    return taken


def summary(values: list[tuple[float, float]]) -> dict[str, float]:
    """The best and the median time, and the median processor time, in milliseconds."""
    clock, processor = zip(*values, strict=True)
    return {
        "best_ms": 1e3 * min(clock),
        "median_ms": 1e3 * statistics.median(clock),
        "processor_ms": 1e3 * statistics.median(processor),
    }


def main() -> None:
    """Measure, print one table, write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--backends", default="basic,aer")
    parser.add_argument("--qubits", default="4,8")
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} over {os.cpu_count()} CPUs; ms")
    print(
        f"{'backend':<8} {'qubits':>6} {'how':<8} {'best':>8} {'over bare':>9} "
        f"{'median':>8} {'over bare':>9} {'processor':>9} {'over bare':>9}"
    )
    rows = []
    for name in arguments.backends.split(","):
        adapted = simquay.get_backend(name)
        timed = {
            "bare": runner(adapted.foreign),
            "thread": runner(adapted, isolation="thread"),
            "process": runner(adapted),
        }
        for qubits in map(int, arguments.qubits.split(",")):
            taken = measure(timed, qubits, arguments.repeats)
            bare = summary(taken["bare"])
            for how, values in taken.items():
                figures = summary(values)
                over = {f"{key}_over_bare": one - bare[key] for key, one in figures.items()}
                row = {"backend": name, "qubits": qubits, "how": how, **figures, **over}
                rows.append(row)
                shown = (
                    f"{row[key]:8.2f} {row[f'{key}_over_bare']:9.2f}"
                    for key in ("best_ms", "median_ms", "processor_ms")
                )
                print(f"{name:<8} {qubits:>6} {how:<8} {' '.join(shown)}")
    missed = [
        row for row in rows if row["how"] == "process" and row["median_ms_over_bare"] > GOAL_MS
    ]
    print(f"goal (a process within {GOAL_MS:g} ms): {'missed' if missed else 'reached'}")
    if arguments.json:
        report = {
            "layers": LAYERS,
            "shots": SHOTS,
            "repeats": arguments.repeats,
            "load": os.getloadavg()[0],
            "python": platform.python_version(),
            "qiskit": qiskit.__version__,
            "rows": rows,
        }
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
