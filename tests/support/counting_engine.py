"""A reference engine that counts what it is asked for, and can be told to run out of memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simquay.control import Control
from simquay.engines.reference import ReferenceEngine, ReferenceState
from simquay.planning import Plan
from simquay.program import GateOperation, Precision

__all__ = ["CountingEngine"]


class CountingEngine(ReferenceEngine):
    """Counts calls; ``alive`` and ``most_alive`` are states that were not released yet.

    ``applied`` counts the program's plans: projections and flips aside.
    ``vectors`` and ``most_vectors`` are those of all these states, and ``most_together`` is the
    largest number of vectors in one.
    """

    def __init__(self) -> None:
        self.applied = 0
        self.copied = 0
        self.selected = 0
        self.most_together = 1
        self.vectors = 0
        self.most_vectors = 0
        self.allocated = 0
        self.alive = 0
        self.most_alive = 0

    def allocate(
        self, num_qubits: int, precision: Precision, *, capacity: int, batch: int = 1
    ) -> ReferenceState:
        self.allocated += 1
        self._born(batch)
        return super().allocate(num_qubits, precision, capacity=capacity, batch=batch)

    def copy(self, state: ReferenceState) -> ReferenceState:
        self.copied += 1
        self._born(state.batch)
        return super().copy(state)

    def select(self, parts: Sequence[tuple[ReferenceState, Sequence[int]]]) -> ReferenceState:
        self.selected += 1
        chosen = super().select(parts)
        self._born(chosen.batch)
        return chosen

    def apply(self, state: ReferenceState, plan: Plan, control: Control) -> None:
        self.applied += 1
        super().apply(state, plan, control)

    def _apply_gates(self, state: ReferenceState, gates: Sequence[GateOperation]) -> None:
        super()._apply_gates(state, gates)
        self.applied -= 1  # a projection or a flip is none of the program's plans

    def release(self, state: Any) -> None:
        self.alive -= 1
        self.vectors -= state.batch
        super().release(state)

    def _born(self, batch: int) -> None:
        self.alive += 1
        self.vectors += batch
        self.most_vectors = max(self.vectors, self.most_vectors)
        self.most_together = max(batch, self.most_together)
        self.most_alive = max(self.alive, self.most_alive)
