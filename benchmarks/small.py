"""Jobs of fresh small circuits, side by side with Aer: milliseconds a circuit, in all.

Each job has 100 circuits, each of another structure (random gates on random qubits) and none seen
before, 200 gates each, measured at the end, 1,024 shots. The backends take turns job by job, each
on copies of the same circuits, so that a change of the machine's load meets them all. ``run`` is
the time until ``backend.run`` returns, ``all`` ends with the result. Aer runs by its defaults, and
with circuits in parallel; ratios are to the faster of both. Without the variable, the OpenMP
threads of Aer and of Numba may wait for each other in loops.

    OMP_WAIT_POLICY=passive python -m benchmarks.small [--backends numba,numpy]
                               [--qubits 4,8,12,16] [--repeats 7] [--circuits 100]
                               [--gates 200] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import qiskit
from qiskit import QuantumCircuit

import simquay

SHOTS = 1024


def random_circuit(qubits: int, gates: int, rng: np.random.Generator) -> QuantumCircuit:
    """Random gates of six kinds, two of them on two qubits, with angles of their own."""
    circuit = QuantumCircuit(qubits)
    for kind in rng.integers(6, size=gates):
        first, second = (int(qubit) for qubit in rng.choice(qubits, 2, replace=False))
        angles = rng.uniform(0, 2 * np.pi, 3).tolist()
        if kind == 0:
            circuit.h(first)
        elif kind == 1:
            circuit.rz(angles[0], first)
        elif kind == 2:
            circuit.rx(angles[0], first)
        elif kind == 3:
            circuit.u(*angles, first)
        elif kind == 4:
            circuit.cx(first, second)
        else:
            circuit.rzz(angles[0], first, second)
    circuit.measure_all()
    return circuit


def runners(names: list[str]) -> dict[str, Callable[[list[QuantumCircuit]], Any]]:
    """Functions that start a job, by name; Aer's two forms first where it is installed."""
    starts: dict[str, Callable[[list[QuantumCircuit]], Any]] = {}
    try:
        from qiskit_aer import AerSimulator
    except ImportError:
        print("qiskit-aer is not installed: no ratios")
    else:
        plain, parallel = AerSimulator(), AerSimulator(max_parallel_experiments=0)
        starts["aer"] = lambda circuits: plain.run(circuits, shots=SHOTS)
        starts["aer, circuits in parallel"] = lambda circuits: parallel.run(circuits, shots=SHOTS)

    def starter(backend: Any) -> Callable[[list[QuantumCircuit]], Any]:
        return lambda circuits: backend.run(circuits, shots=SHOTS)

    return starts | {name: starter(simquay.get_backend(name)) for name in names}


def measure(
    starts: dict[str, Callable[[list[QuantumCircuit]], Any]],
    qubits: int,
    gates: int,
    circuits: int,
    repeats: int,
) -> dict[str, tuple[float, float]]:
    """Median milliseconds a circuit until ``run`` returned, and in all, by name."""
    rng = np.random.default_rng(qubits)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in starts}
    for repeat in range(-1, repeats):  # the first job warms up
        fresh = [random_circuit(qubits, gates, rng) for _ in range(circuits)]
        for name, start in starts.items():
            batch = [circuit.copy() for circuit in fresh]
            started = time.perf_counter()
            job = start(batch)
            returned = time.perf_counter()
            result = job.result()
            ended = time.perf_counter()
            if not result.success:
                raise SystemExit(f"{name}: {result.status}")
            if repeat >= 0:
                times[name].append((returned - started, ended - started))
    return {
        name: (
            1e3 / circuits * statistics.median(returned for returned, _ in values),
            1e3 / circuits * statistics.median(ended for _, ended in values),
        )
        for name, values in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--backends", default="numba,numpy")
    parser.add_argument("--qubits", default="4,8,12,16")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--circuits", type=int, default=100)
    parser.add_argument("--gates", type=int, default=200)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(f"{platform.python_version()}, Qiskit {qiskit.__version__}, NumPy {np.__version__}")

    starts = runners(arguments.backends.split(","))
    rows = []
    for qubits in (int(number) for number in arguments.qubits.split(",")):
        found = measure(starts, qubits, arguments.gates, arguments.circuits, arguments.repeats)
        peer = min((all_ for name, (_, all_) in found.items() if name.startswith("aer")), default=0)
        print(f"{qubits} qubits, {arguments.gates} gates: milliseconds a circuit")
        for name, (run, all_) in found.items():
            ratio = f"{peer / all_:6.2f} times Aer" if peer else ""
            print(f"  {name:28}run {run:7.3f}   all {all_:7.3f}  {ratio}")
            rows.append({"qubits": qubits, "backend": name, "run_ms": run, "all_ms": all_})
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
