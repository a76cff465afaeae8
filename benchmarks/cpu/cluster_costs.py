"""What a cluster costs the engine ``numpy`` on this machine: the table that its planner is given.

    python -m benchmarks.cpu.cluster_costs

For each precision: nanoseconds an amplitude on one core, for clusters of 0 to 5 qubits. A cluster
of 0 qubits is the copy of a tile. engines/numpy/engine.py has the table that is in use, of which
only the ratios matter. Set OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from simquay.engines.numpy.engine import DenseEngine
from simquay.planning.dense.orders import column_limit
from simquay.program import Precision

STEP_COSTS = {Precision.SINGLE: 0.3, Precision.DOUBLE: 0.6}
"""What a step of a real run takes beyond the product alone: the call, colder caches, fewer columns.
With less, plans have more and narrower clusters, and take longer."""


def measure(precision: Precision, tile: int, widest: int, rounds: int) -> list[float]:
    """Nanoseconds an amplitude, for clusters of 0 to ``widest`` qubits in a tile."""
    dtype = precision.complex_dtype
    source = np.ones(1 << tile, dtype)
    target = np.empty_like(source)
    seconds = [best_seconds(partial(np.copyto, target, source), rounds)]
    for width in range(1, widest + 1):
        matrix = np.full((1 << width, 1 << width), 2.0**-width, dtype)
        shape = (-1, 1 << width, 1 << min(column_limit(width), tile - width))
        before, after = source.reshape(shape), target.reshape(shape)
        seconds.append(best_seconds(partial(np.matmul, matrix, before, after), rounds))
    return [1e9 * each / (1 << tile) + STEP_COSTS[precision] for each in seconds]


def best_seconds(call: Callable[[], object], rounds: int) -> float:
    """The shortest of ``rounds`` calls."""
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - started)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    args = parser.parse_args()
    for precision in Precision:
        profile = DenseEngine().profile(precision, 30)
        costs = measure(precision, profile.tile, profile.width, args.rounds)
        print(f"{precision.name:7}", *(f"{cost:6.2f}" for cost in costs))


if __name__ == "__main__":
    main()
