"""Drafts: a dense plan as passes and orders, with what it will cost, but without matrices.

Where a run is long, several are made, and only the best one's matrices are worked out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from simquay.planning.dense.assignment import (
    DiagonalTable,
    PassAssigner,
    PassContents,
    PlacedCluster,
)
from simquay.planning.dense.clusters import Cluster, Piece
from simquay.planning.dense.cost import (
    DIAGONAL_COST,
    MOVE_COST,
    PERMUTE_COST,
    PHASE_COST,
    cluster_costs,
)
from simquay.planning.dense.fusion import GateNode, WireGate
from simquay.planning.dense.orders import Move, column_factor, find_orders
from simquay.planning.profile import Profile
from simquay.program.bits import bits_of, mask_of

__all__ = [
    "CandidateLonePass",
    "CandidateMove",
    "CandidatePlan",
    "CandidateTable",
    "CandidateTilePass",
]


class CandidateMove(NamedTuple):
    """A product, or without ``slot`` a permutation."""

    slot: PlacedCluster | None
    move: Move


class CandidateTable(NamedTuple):
    """A table of diagonals, in a buffer of this order."""

    table: DiagonalTable
    order: tuple[int, ...]


class CandidateTilePass(NamedTuple):
    """A pass over tiles whose wires are ``tile`` (a mask).

    All else is as in :class:`~simquay.planning.dense.steps.ClusterPass`.
    """

    tile: int
    before: tuple[int, ...]
    new: int
    loaded: tuple[int, ...]
    steps: list[CandidateMove | CandidateTable]
    after: tuple[int, ...]
    keep: int


class CandidateLonePass(NamedTuple):
    """A gate by itself."""

    item: WireGate
    before: tuple[int, ...]
    new: int


class CandidatePlan:
    """Passes for pieces.

    Attributes:
        start: the cluster at the beginning, if there is one.
        passes: what comes after it.
        order: the storage order, in the end that of the final state.
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
            self._add_tile(assigner.next_tile(low, self.order), assigner.next_uses())

    def _add_wide(self, node: GateNode) -> None:
        stored = set(self.order)
        for item in node.items:
            _, kind, wires, _, _, _ = item
            new = [wire for wire in wires if wire not in stored] if kind != "d" else []
            self.order = (*self.order, *new)
            stored.update(new)
            self.passes.append(CandidateLonePass(item, self.order, len(new)))
            self.cost += MOVE_COST * (1 << len(self.order))

    def _add_tile(self, pieces: PassContents, later: dict[int, int]) -> None:
        tile = pieces.tile
        stored = set(self.order)
        new = [wire for wire in bits_of(tile) if wire not in stored]
        before = (*self.order, *new)
        active = [wire for wire in before if tile >> wire & 1]
        low = 0
        limit = min(self._profile.low, len(self.order), len(active))
        while low < limit and before[low] == active[low]:
            low += 1
        slots = [step for step in pieces.steps if isinstance(step, PlacedCluster)]
        orders = find_orders([slot.wires for slot in slots], active, low, later, self._costs)
        steps: list[CandidateMove | CandidateTable] = []
        order = orders.loaded
        cost = MOVE_COST
        moves = iter(orders.moves)
        for step in pieces.steps:
            if isinstance(step, DiagonalTable):
                steps.append(CandidateTable(step, order))
                cost += DIAGONAL_COST
                continue
            for move in moves:
                if not move.permutes:
                    break
                steps.append(CandidateMove(None, move))
                cost += PERMUTE_COST
            steps.append(CandidateMove(step, move))
            order = move.after
            cost += self._costs[len(step.wires)] * column_factor(len(move.columns))
            cost += PHASE_COST * (bool(step.outer_before) + bool(step.outer_after))
        self.cost += cost * (1 << len(before))
        after = list(before)
        places = [position for position, wire in enumerate(before) if tile >> wire & 1]
        for position, wire in zip(places, order, strict=True):
            after[position] = wire
        self.order = tuple(after)
        self.passes.append(
            CandidateTilePass(tile, before, len(new), orders.loaded, steps, self.order, orders.keep)
        )
