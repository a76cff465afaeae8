"""The time of noisy circuits by trajectories and by the density matrix, and which is chosen.

The constants of ``simquay.execution.density.method`` are fitted to what this prints::

    python -m benchmarks.noise.methods numba
"""

from __future__ import annotations

import sys
import time
from itertools import product

import simquay
from benchmarks.noise.cases import Case, depolarizing, relaxation

MODELS = {"depolarizing": lambda: depolarizing(1e-3, 1e-2), "relaxation": lambda: relaxation(8e-5)}


def main(name: str) -> None:
    """Print a row for each model, size and number of shots."""
    backend = simquay.get_backend(name)
    print("model, qubits, layers, shots | seconds by trajectories, by the density matrix | chosen")
    sizes = [(4, 10), (6, 10), (8, 20), (10, 20), (11, 20), (12, 20)]
    for model, (qubits, layers), shots in product(MODELS, sizes, (100, 1000, 10_000)):
        case = Case("", qubits, layers, shots, MODELS[model])
        circuit, noise = case.circuit(), case.model()
        times, chosen = [], ""
        for method in ("trajectories", "density_matrix", "automatic"):
            best = float("inf")
            for _ in range(2):
                began = time.perf_counter()
                job = backend.run(circuit, noise_model=noise, shots=shots, method=method)
                chosen = job.result().results[0].metadata["method"]
                best = min(best, time.perf_counter() - began)
            times.append(best)
        by_both = ", ".join(f"{one:.3g}" for one in times[:2])
        print(f"{model}, {qubits}, {layers}, {shots} | {by_both} | {chosen}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "numba")
