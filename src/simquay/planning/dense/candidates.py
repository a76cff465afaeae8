"""Candidate plans: passes and buffer orders of a dense plan, with their cost, without matrices.

Where a run is long, several candidates are made, and only the cheapest one's matrices are computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from simquay.planning.dense.assignment import PassAssigner
from simquay.planning.dense.clusters import Cluster, Part, Piece
from simquay.planning.dense.cost import (
    DIAGONAL_COST,
    MOVE_COST,
    PERMUTE_COST,
    PHASE_COST,
    cluster_costs,
)
from simquay.planning.dense.fusion import GateNode
from simquay.planning.dense.orders import Move, column_factor, find_orders
from simquay.planning.profile import Profile
from simquay.planning.wires import WireGate
from simquay.program.bits import bits_of, mask_of

__all__ = ["CandidateLonePass", "CandidatePlan", "CandidateTilePass"]


class CandidateTilePass(NamedTuple):
    """A pass over tiles whose wires are ``tile`` (a mask).

    All else is as in :class:`~simquay.planning.dense.steps.ClusterPass`.
    """

    tile: int
    before: tuple[int, ...]
    new: int
    loaded: tuple[int, ...]
    moves: list[Move]
    after: tuple[int, ...]
    keep: int


class CandidateLonePass(NamedTuple):
    """A gate by itself."""

    wire_gate: WireGate
    before: tuple[int, ...]
    new: int


class CandidatePlan:
    """Passes for pieces.

    Attributes:
        start: the cluster at the beginning, or None.
        passes: the passes after it.
        order: the storage order of the final state.
        cost: in nanoseconds of one core of the calibrated machine.
    """

    def __init__(
        self,
        start: Cluster | None,
        pieces: Sequence[Piece],
        order: tuple[int, ...],
        profile: Profile,
    ) -> None:
        self.start = start
        self.passes: list[CandidateTilePass | CandidateLonePass] = []
        self.order = order if start is None else start.wires
        self.cost = 0.0
        self._profile = profile
        self._costs = cluster_costs(profile)
        assigner = PassAssigner(pieces, profile.tile)
        while assigner:
            lone = assigner.next_lone()
            if lone is not None:
                self._add_wide(lone)
                continue
            low = mask_of(self.order[: min(profile.low, profile.tile)])
            tile, parts = assigner.next_tile(low, self.order)
            self._add_tile(tile, parts, assigner.next_uses())

    def _add_wide(self, node: GateNode) -> None:
        (wire_gate,) = node.gates
        new = [wire for wire in wire_gate[2] if wire not in self.order and not node.diagonal]
        self.order = (*self.order, *new)
        self.passes.append(CandidateLonePass(wire_gate, self.order, len(new)))
        self.cost += MOVE_COST * (1 << len(self.order))

    def _add_tile(self, tile: int, parts: Sequence[Part], later: dict[int, int]) -> None:
        # 1. The tile: its new wires go on top of storage.
        stored = set(self.order)
        new = [wire for wire in bits_of(tile) if wire not in stored]
        before = (*self.order, *new)
        active = [wire for wire in before if tile >> wire & 1]
        low = 0
        limit = min(self._profile.low, len(self.order), len(active))
        while low < limit and before[low] == active[low]:
            low += 1
        # 2. The order of the buffer before and after each step.
        loaded, keep, moves = find_orders(parts, active, low, later, self._costs)
        order = iter(moves[-1].after if moves else loaded)
        cost = MOVE_COST
        for part, columns, _, _ in moves:
            if part is None:
                cost += PERMUTE_COST
            elif isinstance(part, Cluster):
                cost += self._costs[len(part.wires)] * column_factor(len(columns))
                cost += PHASE_COST * (bool(part.outer_before) + bool(part.outer_after))
            else:
                cost += DIAGONAL_COST
        # 3. The tile is written back to the storage bits that it came from.
        self.cost += cost * (1 << len(before))
        self.order = tuple([next(order) if tile >> wire & 1 else wire for wire in before])
        self.passes.append(
            CandidateTilePass(tile, before, len(new), loaded, moves, self.order, keep)
        )
