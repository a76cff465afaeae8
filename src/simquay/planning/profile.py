"""The two values that planning takes beside gates: how an engine works, and where qubits lie."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Layout", "Profile"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The storage bit of each qubit.

    ``order[p]`` is the qubit at bit ``p`` of the storage index. A qubit that is not in ``order``
    is exactly |0> and not in the vector yet. A vector with this layout has ``2**len(order)``
    amplitudes.
    """

    order: tuple[int, ...] = ()

    def positions(self) -> dict[int, int]:
        """The storage bit of each stored qubit."""
        return {qubit: position for position, qubit in enumerate(self.order)}


@dataclass(frozen=True, slots=True)
class Profile:
    """The way an engine works, as far as planning depends on it.

    Attributes:
        strategy: the name of a planning strategy: ``gates`` (one pass a gate, as written),
            ``dense`` (clusters of up to ``width`` qubits become one matrix), ``tiled`` (passes over
            tiles of ``2**tile`` amplitudes, of which the lowest ``low`` storage bits are always
            active), or one that an engine registers
            (:func:`~simquay.planning.planner.register_strategy`).
        width: the most qubits of a dense cluster.
        tile: qubits of a tile.
        low: storage bits that every tile holds.
        span: the most target bits of a round within a tiled pass; 0 for no limit.
        search: from so many stored qubits on, a tiled plan is searched for more thoroughly, which
            may save a pass, and takes about a millisecond. 0: where that pays on any device.
        start: the most qubits of the vector that a dense plan begins with, computed by planning.
        direct: gates of a structure that was not planned before get a plan without a search
            (:mod:`simquay.planning.direct`) if they are at most so many; 0: never. The engine
            applies :class:`~simquay.planning.direct.GateListPass` then.
        direct_sweeps: whether sweeps get plans without a search.
        batch_tile: qubits of a tile where each thread has vectors of a batch to itself; 0 if no
            less than ``tile`` would do. The engine applies tiled sweeps whose vectors share gate
            lists then (:attr:`~simquay.planning.plan.SweepPlan.lists`).
        costs: the cost of a dense cluster by how many qubits it has, from the engine's calibration;
            empty for the planner's defaults.
    """

    strategy: str = "gates"
    width: int = 0
    tile: int = 0
    low: int = 0
    span: int = 0
    search: int = 0
    start: int = 0
    direct: int = 0
    direct_sweeps: bool = False
    batch_tile: int = 0
    costs: tuple[float, ...] = ()
