"""An engine that runs tiled plans with the NumPy interpreter: slow, plain and right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import check_plan
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.numpy.state import DenseState
from simquay.engines.tiled_interpreter import apply_tile_pass, apply_wide
from simquay.planning import Plan, Profile
from simquay.planning.tiled.passes import TilePass, WidePass
from simquay.program import Precision

__all__ = ["TiledEngine", "apply_tiled"]


def apply_tiled(amplitudes: NDArray[np.complexfloating[Any]], plan: Plan) -> None:
    """Apply all passes of a tiled plan in place.

    ``amplitudes`` has shape ``(batch, size)`` with ``size`` at least ``2**width`` of every pass.
    The state is in the first ``2**len(plan.initial.order)`` columns before, and in the first
    ``2**len(plan.final.order)`` after; what is beyond them before is never read.
    """
    for pass_ in plan.passes:
        if isinstance(pass_, WidePass):
            apply_wide(amplitudes, pass_, np)
        else:
            assert isinstance(pass_, TilePass)
            apply_tile_pass(amplitudes, pass_)


class TiledEngine(DenseEngine):
    """Runs tiled plans on the host.

    Args:
        tile: qubits of a tile.
        low: storage bits that every tile holds; less than ``tile``.
        span: the most targets of a round; 0 for no limit.
    """

    name = "tiled"

    def __init__(self, *, tile: int = 8, low: int = 3, span: int = 0) -> None:
        super().__init__()
        self._tiled = Profile("tiled", tile=tile, low=low, span=span)

    def profile(self, precision: Precision, num_qubits: int) -> Profile:
        """What to plan for: the same tiles for every state."""
        return self._tiled

    def required_bytes(self, num_qubits: int, precision: Precision, batch: int = 1) -> int:
        """The interpreter copies the state twice."""
        state = batch * (precision.amplitude_bytes << num_qubits)
        return 2 * state + super().required_bytes(num_qubits, precision, batch)

    def sweep_qubits(self, precision: Precision) -> int:
        """None: tiled plans are applied one by one."""
        return 0

    def apply(self, state: DenseState, plan: Plan, control: Control) -> None:
        """Apply a tiled ``plan`` in place; it is one step to ``control``."""
        control.check()
        check_plan(self.name, state, plan, ("tiled",), state.capacity)
        apply_tiled(state.buffer, plan)
        state.layout = plan.final
        control.report(1.0)
