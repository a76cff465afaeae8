"""The costs of the steps of a dense plan, in nanoseconds an amplitude on the calibrated machine.

The planner compares them, so only their ratios matter. An engine that has measured its own costs of
clusters gives them in its profile.
"""

from __future__ import annotations

from simquay.planning.profile import Profile

__all__ = [
    "DEFAULT_CLUSTER_COSTS",
    "DIAGONAL_COST",
    "MOVE_COST",
    "PERMUTE_COST",
    "PHASE_COST",
    "cluster_costs",
]

DEFAULT_CLUSTER_COSTS: tuple[float, ...] = (0.40, 0.90, 1.05, 1.30, 1.85, 2.95, 5.60, 10.5)
"""Of a product on 0, 1, ... qubits: one core of a 2.6 GHz Zen 5, AVX2 BLAS, single precision.
Below four qubits most of the time is memory traffic, above it is arithmetic."""


def cluster_costs(profile: Profile) -> tuple[float, ...]:
    """The cost of a cluster of each width up to the widest that the profile allows."""
    return (profile.costs or DEFAULT_CLUSTER_COSTS)[: profile.width + 1]


MOVE_COST = 1.5
"""Of loading and storing a tile."""

DIAGONAL_COST = 0.25
"""Of multiplying a tile by a table."""

PERMUTE_COST = 1.8
"""Of a step that only changes the order of a tile."""

PHASE_COST = 0.04
"""Of making a matrix for one tile from a phase table."""
