"""The calibration of the NumPy engine: what a cluster costs, and how to measure it anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from simquay.planning.dense.orders import column_limit
from simquay.program import Precision

__all__ = ["CLUSTER_COSTS", "TILE_BITS", "measure_cluster_costs"]

TILE_BITS = {Precision.SINGLE: 16, Precision.DOUBLE: 15}
"""Qubits of a tile: two buffers of 512 KiB a thread, which a level 2 cache of 1 MiB holds.
One qubit fewer makes products a little faster, but takes more passes."""

CLUSTER_COSTS: dict[Precision, tuple[float, ...]] = {
    Precision.SINGLE: (0.40, 0.90, 1.05, 1.30, 1.85, 2.95),
    Precision.DOUBLE: (0.80, 1.60, 1.85, 2.50, 3.60, 5.70),
}
"""Nanoseconds an amplitude on one core by the cluster's qubits, as :func:`measure_cluster_costs`
gave them on a 2.6 GHz Zen 5 with NumPy's own OpenBLAS. The planner needs the ratios only, and these
differ little between machines: below four qubits the time goes to moving amplitudes, above to
arithmetic."""

_STEP_COSTS = {Precision.SINGLE: 0.3, Precision.DOUBLE: 0.6}
"""What a step of a real run takes beyond the product alone: the call, colder caches, fewer columns.
With less, plans have more and narrower clusters, and take longer."""


def measure_cluster_costs(
    precision: Precision, widest: int = 5, rounds: int = 200
) -> tuple[float, ...]:
    """Measure :data:`CLUSTER_COSTS` on this machine, for clusters of 0 to ``widest`` qubits.

    Takes about a second. Entry 0 is the copy of a tile.
    """
    tile = TILE_BITS[precision]
    dtype = precision.complex_dtype
    source = np.ones(1 << tile, dtype)
    target = np.empty_like(source)
    costs = [_best_seconds(partial(np.copyto, target, source), rounds)]
    step = _STEP_COSTS[precision]
    for width in range(1, widest + 1):
        matrix = np.full((1 << width, 1 << width), 2.0**-width, dtype)
        shape = (-1, 1 << width, 1 << min(column_limit(width), tile - width))
        before, after = source.reshape(shape), target.reshape(shape)
        costs.append(_best_seconds(partial(np.matmul, matrix, before, after), rounds))
    return tuple(round(seconds / (1 << tile) * 1e9 + step, 2) for seconds in costs)


def _best_seconds(call: Callable[[], object], rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - started)
    return best
