"""A reference engine that counts what it is asked for, and can be told to run out of memory."""

from __future__ import annotations

from typing import Any

from quayside.control import Control
from quayside.engines.reference import ReferenceEngine, ReferenceState
from quayside.planning import Plan
from quayside.program import Precision

__all__ = ["CountingEngine"]


class CountingEngine(ReferenceEngine):
    """Counts calls; ``alive`` and ``most_alive`` are states that were not released yet."""

    def __init__(self) -> None:
        self.applied = 0
        self.copied = 0
        self.allocated = 0
        self.alive = 0
        self.most_alive = 0

    def allocate(
        self, num_qubits: int, precision: Precision, *, capacity: int, batch: int = 1
    ) -> ReferenceState:
        self.allocated += 1
        self._born()
        return super().allocate(num_qubits, precision, capacity=capacity, batch=batch)

    def copy(self, state: ReferenceState) -> ReferenceState:
        self.copied += 1
        self._born()
        return super().copy(state)

    def apply(self, state: ReferenceState, plan: Plan, control: Control) -> None:
        self.applied += 1
        super().apply(state, plan, control)

    def release(self, state: Any) -> None:
        self.alive -= 1
        super().release(state)

    def _born(self) -> None:
        self.alive += 1
        self.most_alive = max(self.alive, self.most_alive)
