"""How long do jobs of millions of shots take, and how much memory: counts, and memory lists?

Every qubit has a Hadamard gate, so that as many outcomes as possible are different: the worst case.
Times are seconds of CPU and, in brackets, of the clock, for `run().result()`; of each, the least of
``--rounds``. ``peak`` is the most resident memory above that before the job, in MiB (Linux).

    python -m benchmarks.jobs.counting [--backend numpy] [--sizes 20:1000000,22:8000000]
                                 [--clbits 80] [--rounds 1]
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qiskit import QuantumCircuit

import simquay


def uniform(qubits: int, clbits: int) -> QuantumCircuit:
    """A circuit whose outcomes are all as likely, measured into the highest classical bits."""
    circuit = QuantumCircuit(qubits, max(clbits, qubits))
    circuit.h(range(qubits))
    highest = circuit.num_clbits - qubits
    circuit.measure(range(qubits), range(highest, highest + qubits))
    return circuit


def timed(call: Callable[[], Any], rounds: int) -> str:
    """The least CPU time and wall time of ``call``."""
    found = []
    for _ in range(rounds):
        cpu, wall = time.process_time(), time.perf_counter()
        call()
        found.append((time.process_time() - cpu, time.perf_counter() - wall))
    cpus, walls = zip(*found, strict=True)
    return f"{min(cpus):6.2f} ({min(walls):5.1f})"


def run(backend: Any, circuit: QuantumCircuit, shots: int, memory: bool) -> None:
    """One job to its end."""
    backend.run(circuit, shots=shots, memory=memory, seed_simulator=1).result()


def resident(key: str) -> int:
    """MiB of this process: ``VmRSS`` now, ``VmHWM`` at most."""
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"{key}:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) >> 10


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--backend", default="numpy")
    parser.add_argument("--sizes", default="20:1000000,22:8000000", help="QUBITS:SHOTS,...")
    parser.add_argument("--clbits", type=int, default=80, help="of the circuits of many bits")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    backend = simquay.get_backend(options.backend)
    backend.run(uniform(14, options.clbits), shots=30_000, memory=True).result()  # warm up
    print(f"{'qubits':>6} {'shots':>9} {'clbits':>6} {'memory':>6}  {'CPU (clock), s':>14}  peak")
    for size in options.sizes.split(","):
        qubits, shots = map(int, size.split(":"))
        for clbits in (qubits, options.clbits):
            circuit = uniform(qubits, clbits)
            for memory in (False, True):
                Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
                before = resident("VmRSS")
                job = partial(run, backend, circuit, shots, memory)
                took = timed(job, options.rounds)
                peak = resident("VmHWM") - before
                print(
                    f"{qubits:6} {shots:9} {clbits:6} {memory!s:>6}  {took}  {peak:4}", flush=True
                )


if __name__ == "__main__":
    main()
