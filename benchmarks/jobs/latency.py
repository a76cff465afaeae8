"""Median latency of ``run().result()`` on small circuits, side by side with Aer.

Circuits of 4 and 8 qubits, 20 layers deep (random rotations and a ladder of CX), measured at the
end, 1,024 shots, all with default settings and warmed up. The backends take turns circuit by
circuit, so that a change of the machine's load meets them all. What is compared is the ratio to
Aer's median in the same run; absolute times hold for one machine and one moment.

    python -m benchmarks.jobs.latency [--backends numpy,reference] [--qubits 4,8] [--repeats 200]
                                 [--json FILE] [--profile]

``--profile`` also prints where the time of the first backend goes.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import platform
import pstats
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import qiskit
from qiskit import QuantumCircuit

import simquay

LAYERS = 20
SHOTS = 1024


def layered_circuit(qubits: int, seed: int) -> QuantumCircuit:
    """20 layers of a random rotation on every qubit and a ladder of CX, then measurement."""
    generator = np.random.default_rng(seed)
    circuit = QuantumCircuit(qubits, name=f"layered-{qubits}-{seed}")
    for layer in range(LAYERS):
        for qubit in range(qubits):
            circuit.u(*generator.uniform(0, 2 * np.pi, 3), qubit)
        for qubit in range(layer % 2, qubits - 1, 2):
            circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def runners(names: list[str]) -> dict[str, Callable[[QuantumCircuit], Any]]:
    """What is timed, by name; Aer first where it is installed."""
    backends: dict[str, Any] = {}
    try:
        from qiskit_aer import AerSimulator
    except ImportError:
        print("qiskit-aer is not installed: no ratios")
    else:
        backends["aer"] = AerSimulator()
    for name in names:
        backends[name] = simquay.get_backend(name)

    def runner(backend: Any) -> Callable[[QuantumCircuit], Any]:
        return lambda circuit: backend.run(circuit, shots=SHOTS).result()

    return {name: runner(backend) for name, backend in backends.items()}


def measure(
    timed: dict[str, Callable[[QuantumCircuit], Any]], qubits: int, repeats: int, fresh: bool
) -> dict[str, list[float]]:
    """Seconds of each run, by name; ``fresh``: every run has a circuit of its own."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    circuits = [layered_circuit(qubits, seed) for seed in range(repeats if fresh else 1)]
    for circuit in circuits[:5] * 4:  # warm up
        for run in timed.values():
            run(circuit)
    for index in range(repeats):
        circuit = circuits[index % len(circuits)]
        for name, run in timed.items():
            started = time.perf_counter()
            run(circuit)
            seconds[name].append(time.perf_counter() - started)
    return seconds


def main() -> None:
    """Measure, print one table, write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--backends", default="numpy,reference")
    parser.add_argument("--qubits", default="4,8")
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    timed = runners(arguments.backends.split(","))
    rows = []
    print(
        f"{'qubits':>6} {'circuit':<9} {'backend':<12} {'best ms':>8} {'median ms':>9} {'/ aer':>6}"
    )
    for qubits in map(int, arguments.qubits.split(",")):
        for kind, fresh in (("repeated", False), ("fresh", True)):
            seconds = measure(timed, qubits, arguments.repeats, fresh)
            medians = {name: statistics.median(values) for name, values in seconds.items()}
            for name, values in seconds.items():
                ratio = medians[name] / medians["aer"] if "aer" in medians else None
                rows.append(
                    {
                        "qubits": qubits,
                        "circuit": kind,
                        "backend": name,
                        "median_s": medians[name],
                        "best_s": min(values),
                        "ratio_to_aer": ratio,
                    }
                )
                shown = "" if ratio is None else f"{ratio:6.2f}"
                print(
                    f"{qubits:>6} {kind:<9} {name:<12} {1e3 * min(values):8.3f} "
                    f"{1e3 * medians[name]:9.3f} {shown:>6}"
                )
    if arguments.json:
        report = {
            "layers": LAYERS,
            "shots": SHOTS,
            "repeats": arguments.repeats,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "qiskit": qiskit.__version__,
            "rows": rows,
        }
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    if arguments.profile:
        profile(arguments.backends.split(",")[0], int(arguments.qubits.split(",")[-1]))


def profile(name: str, qubits: int, repeats: int = 100) -> None:
    """Where the time of a run goes, without the change of threads."""
    from simquay.circuits.info import CircuitInfo
    from simquay.circuits.lowering.circuit import lower
    from simquay.jobs.dispatch.tasks import TaskControl
    from simquay.jobs.job import TaskEnd
    from simquay.simulators.engine.work import EngineRun
    from simquay.simulators.options import default_options, resolve

    engine = simquay.get_backend(name).engine
    circuit = layered_circuit(qubits, 0)

    def run_once() -> None:
        context, *_ = resolve(default_options(), {"shots": SHOTS})
        infos = [CircuitInfo.of(circuit)]
        run = EngineRun([lower(circuit)], infos, engine, context, name, "", str)
        control = TaskControl()
        run.join([TaskEnd(run.task().run(control), None, 1, control)], "profile", 0.0)

    for _ in range(10):
        run_once()
    started = time.perf_counter()
    for _ in range(repeats):
        run_once()
    print(
        f"\n{name}, {qubits} qubits, no threads: "
        f"{1e3 * (time.perf_counter() - started) / repeats:.3f} ms a run"
    )
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(repeats):
        run_once()
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
