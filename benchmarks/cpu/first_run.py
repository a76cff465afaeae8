"""The first run of a new structure on few qubits, stage by stage, side by side with Aer.

Each circuit is run once: its structure is new to the planner. Columns: gates of the circuit;
microseconds a gate of lowering, planning and applying the plan; the same with a plan by search, as
a second run has it made; milliseconds of ``run().result()`` in all (1,024 shots), and its ratio to
Aer's. All are medians over circuits of one family.

    python -m benchmarks.cpu.first_run [--engine numba] [--qubits 4,8,12] [--circuits 20]
                                       [--precision single] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import quantum_volume
from qiskit.circuit.random import random_circuit
from qiskit.synthesis import synth_qft_full
from qiskit_aer import AerSimulator

import simquay
from simquay.circuits.lowering.circuit import lower
from simquay.control import Control
from simquay.execution.branching.deferral import defer
from simquay.planning import Layout
from simquay.planning.planner import make_plan, plan_cache
from simquay.program import Precision

SHOTS = 1024


def layers(qubits: int, rng: np.random.Generator) -> QuantumCircuit:
    """Ten layers of a random one-qubit gate on each qubit, and CX on random pairs."""
    circuit = QuantumCircuit(qubits)
    for _ in range(10):
        for qubit in range(qubits):
            name = rng.choice(["h", "t", "rx", "rz"])
            angle = [rng.random()] if name.startswith("r") else []
            getattr(circuit, name)(*angle, qubit)
        order = rng.permutation(qubits).tolist()
        for control, target in zip(order[::2], order[1::2], strict=False):
            circuit.cx(control, target)
    return circuit


def volume(qubits: int, rng: np.random.Generator) -> QuantumCircuit:
    """Quantum volume, in one-qubit gates and CX."""
    return quantum_volume(qubits, qubits, seed=int(rng.integers(1 << 30))).decompose()


def fourier(qubits: int, rng: np.random.Generator) -> QuantumCircuit:
    """A rotation of each qubit, and the Fourier transform with the qubits in random order."""
    circuit = QuantumCircuit(qubits)
    for qubit in range(qubits):
        circuit.rx(rng.random(), qubit)
    return circuit.compose(synth_qft_full(qubits), rng.permutation(qubits).tolist())


def qaoa(qubits: int, rng: np.random.Generator) -> QuantumCircuit:
    """Three layers of QAOA on a random graph."""
    circuit = QuantumCircuit(qubits)
    circuit.h(range(qubits))
    edges = [(a, b) for a in range(qubits) for b in range(a) if rng.random() < 0.4]
    for layer in range(3):
        for edge in edges:
            circuit.rzz(0.3 * layer + 0.1, *edge)
        circuit.rx(0.4, range(qubits))
    return circuit


def any_gates(qubits: int, rng: np.random.Generator) -> QuantumCircuit:
    """Qiskit's random circuit, 12 layers of gates on up to three qubits, in gates that Aer has."""
    circuit = random_circuit(qubits, 12, max_operands=3, seed=int(rng.integers(1 << 30)))
    return transpile(circuit, AerSimulator(), optimization_level=0)


FAMILIES: dict[str, Callable[[int, np.random.Generator], QuantumCircuit]] = {
    "layers": layers,
    "volume": volume,
    "fourier": fourier,
    "qaoa": qaoa,
    "any": any_gates,
}


def measure(
    backend: Any,
    peer: Any,
    circuit: QuantumCircuit,
    other: QuantumCircuit,
    precision: Precision,
) -> list[float]:
    """Seconds of each stage of one circuit, and of whole runs of another one of its family."""
    engine = backend.engine
    clock = time.perf_counter
    plan_cache.clear()
    started = clock()
    program = lower(circuit)
    marks = [clock() - started]
    gates = defer(program).gates
    assert gates is not None
    profile = engine.profile(precision, circuit.num_qubits)
    searched = replace(profile, direct=0)
    for chosen in (profile, searched):
        started = clock()
        plan = make_plan(gates, Layout(), chosen)
        marks.append(clock() - started)
        size = circuit.num_qubits
        state = engine.allocate(size, precision, capacity=size)
        started = clock()
        engine.apply(state, plan, Control())
        marks.append(clock() - started)
        engine.release(state)
    for run in (backend, peer):
        plan_cache.clear()
        started = clock()
        run.run(other, shots=SHOTS).result()
        marks.append(clock() - started)
    return [len(gates), *marks]


def main() -> None:
    """Measure, print one table, write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--engine", default="numba")
    parser.add_argument("--qubits", default="4,8,12")
    parser.add_argument("--circuits", type=int, default=20)
    parser.add_argument("--precision", default="single", choices=["single", "double"])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    backend = simquay.get_backend(arguments.engine)
    backend.set_options(precision=arguments.precision)
    peer = AerSimulator(method="statevector", precision=arguments.precision)
    rows = []
    print(f"{'microseconds a gate':>43} {'milliseconds':>34}")
    print(f"{'without a search':>49} {'by search':>17} {'in all':>18}")
    stages = " ".join(f"{name:>8}" for name in ("lower", *2 * ("plan", "apply"), "run"))
    print(f"qubits family    gates {stages} {'aer':>6} {'/aer':>6}")
    for qubits in map(int, arguments.qubits.split(",")):
        for family, make in FAMILIES.items():
            rng = np.random.default_rng(qubits)
            measured = []
            for number in range(arguments.circuits + 2):
                circuit, other = make(qubits, rng), make(qubits, rng)
                for one in (circuit, other):
                    one.measure_all()
                figures = measure(backend, peer, circuit, other, Precision(arguments.precision))
                if number >= 2:  # the first two warm up
                    measured.append(figures)
            gates, *seconds = (statistics.median(column) for column in zip(*measured, strict=True))
            per_gate = [1e6 * one / gates for one in seconds[:5]]
            run, aer = (1e3 * one for one in seconds[5:])
            row = [qubits, family, gates, *per_gate, run, aer, run / aer]
            rows.append(row)
            print(
                f"{qubits:6} {family:8} {gates:6.0f} "
                + " ".join(f"{one:8.2f}" for one in per_gate)
                + f" {run:8.2f} {aer:6.2f} {run / aer:6.2f}"
            )
    if arguments.json:
        report = {"engine": arguments.engine, "rows": rows}
        arguments.json.write_text(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
