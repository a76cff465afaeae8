"""Circuits a second of a parameter sweep: as a batch, one by one, and beside Aer.

The circuits are bindings of Qiskit's ``efficient_su2`` (three repetitions, measured at the end),
default settings. Each way gives the counts of all of them in one job. The ways take turns, so that
a change of the machine's load meets them all; what is compared are ratios of one run.

    python -m benchmarks.cpu.sweep [--engine numpy] [--qubits 6,10] [--circuits 100] [--shots 1024]
                               [--rounds 7] [--crossover 2-14] [--states 4:200,10:50] [--json FILE]

Ways: ``batch`` and ``one by one`` are Simquay's engine with and without batches, ``binds`` gives it
the circuit and ``parameter_binds``, ``aer list`` gives AerSimulator the list of bound circuits,
``aer binds`` the circuit and ``parameter_binds``, and ``binding`` is the time of
``assign_parameters``, which the lists need besides.

``--crossover`` prints the CPU time of each circuit in the engine's task alone (planning, passes and
sampling; no lowering and no result), which says up to how many qubits a batch pays.

``--states`` prints the wall time of the engine's task from the angles of many points to their final
states, without a measurement, for pairs of qubits and points.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import qiskit
from qiskit import QuantumCircuit
from qiskit.circuit.library import efficient_su2

import simquay
from simquay.circuits.lowering.circuit import lower_points
from simquay.execution.settings import Piece
from simquay.jobs.dispatch.tasks import TaskControl
from simquay.program import Precision
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.engine.task import EngineTask
from simquay.simulators.options import default_options, resolve

Figures = dict[str, dict[str, float]]


def ansatz(qubits: int) -> QuantumCircuit:
    """The circuit with its parameters."""
    circuit = efficient_su2(qubits, reps=3)
    circuit.measure_all()
    return circuit


def angles(circuit: QuantumCircuit, count: int) -> np.ndarray:
    """Angles of ``count`` bindings, a row each."""
    generator = np.random.default_rng(circuit.num_qubits)
    return generator.uniform(0, 2 * np.pi, (count, circuit.num_parameters))


def with_limit(engine: Any, limit: int | None) -> Any:
    """An engine like ``engine`` with batches up to ``limit`` qubits; None: as it is."""
    if limit is None:
        return engine
    kind = type(engine)

    def sweep_qubits(self: Any, precision: Precision) -> int:
        return limit

    return type(kind.__name__, (kind,), {"sweep_qubits": sweep_qubits})()


def ways(engine: Any, qubits: int, count: int, shots: int) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    circuit = ansatz(qubits)
    rows = angles(circuit, count)
    bound = [circuit.assign_parameters(row) for row in rows]
    batch, alone = (
        EngineBackend(with_limit(engine, limit), name=engine.name) for limit in (None, 0)
    )
    binds = [{name: rows[:, place].tolist() for place, name in enumerate(circuit.parameters)}]
    found: dict[str, Callable[[], object]] = {
        "batch": lambda: batch.run(bound, shots=shots).result().get_counts(),
        "binds": lambda: (
            batch.run(circuit, parameter_binds=binds, shots=shots).result().get_counts()
        ),
        "one by one": lambda: alone.run(bound, shots=shots).result().get_counts(),
        "binding": lambda: [circuit.assign_parameters(row) for row in rows],
    }
    try:
        from qiskit_aer import AerSimulator
    except ImportError:
        print("qiskit-aer is not installed: no comparison")
        return found
    aer = AerSimulator()
    flat = circuit.decompose()  # Aer knows no circuit inside a circuit
    listed = [one.decompose() for one in bound]
    found["aer list"] = lambda: aer.run(listed, shots=shots).result().get_counts()
    found["aer binds"] = lambda: (
        aer.run(flat, parameter_binds=binds, shots=shots).result().get_counts()
    )
    return found


def measure(timed: dict[str, Callable[[], object]], rounds: int) -> Figures:
    """The least CPU time and the least wall time of each way, in seconds."""
    figures: Figures = {name: {"cpu": float("inf"), "wall": float("inf")} for name in timed}
    for number in range(rounds + 1):
        for name, call in timed.items():
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            if number:  # the first round warms up
                figures[name]["cpu"] = min(figures[name]["cpu"], cpu)
                figures[name]["wall"] = min(figures[name]["wall"], wall)
    return figures


def task_times(engine: Any, qubits: int, count: int, shots: int, rounds: int) -> tuple[float, ...]:
    """Seconds of CPU a circuit in the engine's task, one by one and as batches."""
    circuit = ansatz(qubits)
    programs = lower_points(circuit, angles(circuit, count))
    context, *_ = resolve(default_options(), {"shots": shots})
    piece = Piece(tuple(range(count)), 0, shots)

    def run(one: Any) -> None:
        task = EngineTask(programs, one, context, piece)
        for _ in task.outcomes(TaskControl()):
            pass
        assert not task.failures

    timed: dict[str, Callable[[], object]] = {
        "one by one": lambda: run(with_limit(engine, 0)),
        "batch": lambda: run(with_limit(engine, 99)),
    }
    figures = measure(timed, rounds)
    return figures["one by one"]["cpu"] / count, figures["batch"]["cpu"] / count


def state_time(engine: Any, qubits: int, count: int, rounds: int) -> float:
    """Seconds from the angles of ``count`` points to their final states."""
    circuit = efficient_su2(qubits, reps=3)
    points = lower_points(circuit, angles(circuit, count))
    context, *_ = resolve(default_options(), {"shots": 1})
    piece = Piece(tuple(range(count)), 0, 1)

    def run() -> None:
        task = EngineTask(points, engine, context, piece)
        task.run(TaskControl())
        assert not task.failures

    return measure({"states": run}, rounds)["states"]["wall"]


def pairs(text: str) -> list[tuple[int, int]]:
    """``4:200,10:50``."""
    return [(int(one), int(other)) for one, other in (part.split(":") for part in text.split(","))]


def numbers(text: str) -> Sequence[int]:
    """``6,10`` or ``2-14``."""
    if "-" in text:
        low, high = text.split("-")
        return range(int(low), int(high) + 1)
    return [int(part) for part in text.split(",")]


def main() -> None:
    """Measure, print tables, write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--engine", default="numpy", help="a backend's name")
    parser.add_argument("--qubits", type=numbers, default=[6, 10])
    parser.add_argument("--circuits", type=int, default=100)
    parser.add_argument("--shots", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--crossover", type=numbers, default=[])
    parser.add_argument("--states", type=pairs, default=[])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    engine = simquay.get_backend(arguments.engine).engine
    count, shots, rounds = arguments.circuits, arguments.shots, arguments.rounds
    rows: list[dict[str, Any]] = []
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{engine.name}, {count} circuits, {shots} shots, load of the machine {load:.1f}")
    print(
        f"{'qubits':>6} {'way':<12} {'CPU us':>8} {'wall us':>8} {'circuits/s':>10} {'/ batch':>8}"
    )
    for qubits in arguments.qubits:
        figures = measure(ways(engine, qubits, count, shots), rounds)
        for name, one in figures.items():
            cpu, wall = one["cpu"] / count, one["wall"] / count
            ratio = one["cpu"] / figures["batch"]["cpu"]
            rows.append({"qubits": qubits, "way": name, "cpu_s": cpu, "wall_s": wall})
            print(
                f"{qubits:>6} {name:<12} {1e6 * cpu:8.0f} {1e6 * wall:8.0f} {1 / wall:10.0f} "
                f"{ratio:8.2f}"
            )
    if arguments.crossover:
        print("\nCPU us a circuit in the engine's task\nqubits  one by one     batch")
    for qubits in arguments.crossover:
        alone, batch = task_times(engine, qubits, count, shots, rounds)
        rows.append({"qubits": qubits, "way": "task", "one_by_one_s": alone, "batch_s": batch})
        print(f"{qubits:>6} {1e6 * alone:11.0f} {1e6 * batch:9.0f}")
    if arguments.states:
        print("\nms from angles to final states\nqubits  points      wall")
    for qubits, points in arguments.states:
        seconds = state_time(engine, qubits, points, rounds)
        rows.append({"qubits": qubits, "way": "states", "points": points, "wall_s": seconds})
        print(f"{qubits:>6} {points:>7} {1e3 * seconds:9.2f}")
    if arguments.json:
        report = {
            "engine": engine.name,
            "circuits": count,
            "shots": shots,
            "load": load,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "qiskit": qiskit.__version__,
            "rows": rows,
        }
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
