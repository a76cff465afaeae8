"""Gates with known traits, and the stages that the tiled planner makes of gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.planning import Layout, Plan, Profile, make_plan
from simquay.planning.tiled.passes import Stage, TilePass
from simquay.program import GateOperation, Permutation

__all__ = ["HADAMARD", "NOT", "cx", "only_stages", "rotation", "tile_passes"]

HADAMARD = np.array([[1, 1], [1, -1]], dtype=np.complex128) * 0.5**0.5
NOT = np.array([1, 0], dtype=np.intp)


def cx(control: int, target: int) -> Permutation:
    return Permutation(NOT, (target,), (control,), 1)


def rotation(angle: float, axis: str) -> NDArray[np.complex128]:
    """The matrix of RX, RY or RZ."""
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    rows: dict[str, Any] = {
        "x": [[c, -1j * s], [-1j * s, c]],
        "y": [[c, -s], [s, c]],
        "z": [[np.exp(-0.5j * angle), 0], [0, np.exp(0.5j * angle)]],
    }
    return np.array(rows[axis], dtype=np.complex128)


def tile_passes(plan: Plan) -> list[TilePass]:
    """The passes of a tiled plan that has no wide ones."""
    found = []
    for pass_ in plan.passes:
        assert isinstance(pass_, TilePass)
        found.append(pass_)
    return found


def only_stages(
    gates: Sequence[GateOperation],
    stored: tuple[int, ...] = (0, 1, 2, 3),
    profile: Profile | None = None,
) -> tuple[Stage, ...]:
    """The stages of the only pass of a plan."""
    plan = make_plan(gates, Layout(stored), profile or Profile("tiled", tile=4, low=0))
    (pass_,) = tile_passes(plan)
    return pass_.stages
