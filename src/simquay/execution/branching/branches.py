"""Branches of a dynamic circuit (shots on one path), batches of them, and what waits to be run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.engines.base import State
from simquay.execution.branching.steps import Event
from simquay.execution.memory import Reservation
from simquay.program.expressions import ClassicalMemory

__all__ = ["Batch", "Branch", "Child", "History", "Level", "Shots", "Split", "backwards"]

Shots: TypeAlias = NDArray[np.int64]

# The outcomes that led to a branch, last first: (earlier ones, outcome, probability). A linked
# list shares its past with its siblings, so a branch of many events costs no copies.
History: TypeAlias = "tuple[History, int, float] | None"


@dataclass(slots=True)
class Child:
    """One outcome of a split: ``outcome`` has a bit for each measured qubit that is stored.

    ``branch`` is the number in its batch of the branch that it comes from.
    """

    branch: int
    outcome: int
    probability: float
    shots: Shots


@dataclass(slots=True)
class Branch:
    """Shots on one path. ``draw`` is the number of the next event on it.

    ``replay`` are outcomes that are known already, the next one last; such a branch is alone in
    its batch.
    """

    memory: ClassicalMemory
    shots: Shots
    counters: list[int]
    draw: int = 0
    history: History = None
    replay: list[tuple[int, float]] | None = None

    def child(self, child: Child) -> Branch:
        """The branch of one outcome."""
        return Branch(
            self.memory.copy(),
            child.shots,
            list(self.counters),
            self.draw,
            (self.history, child.outcome, child.probability),
        )


@dataclass(slots=True)
class Batch:
    """Branches that stand at step ``place``; branch ``i`` has vector ``i`` of ``state``.

    The state is None where no step ahead looks at it. ``reservation`` is of a state whose memory
    was reserved for it alone.
    """

    state: State | None
    branches: list[Branch]
    place: int = 0
    reservation: Reservation | None = None

    @property
    def vectors(self) -> int:
        """How many vectors it has of those that the run shares out."""
        return 0 if self.state is None or self.reservation is not None else len(self.branches)

    @property
    def shots(self) -> int:
        """Shots of all its branches."""
        return sum(len(branch.shots) for branch in self.branches)


@dataclass(slots=True)
class Split:
    """A batch that stands behind an event, and the children that are still to be run."""

    parent: Batch
    event: Event
    qubits: Sequence[int]
    children: list[Child]


@dataclass(slots=True)
class Level:
    """Batches that are run before what lies below them goes on.

    ``room`` is how many vectors they may have, and ``shots`` how many they have begun with. While
    there is a split, it goes on first.
    """

    room: int
    shots: int
    batches: list[Batch] = field(default_factory=list)
    split: Split | None = None

    def fits(self, children: int) -> bool:
        """Whether so many new vectors may take the place of those of the split's parent.

        A level uses half of its room, and leaves the other half to those above it. But a branch
        has a shot at least: with no more shots than room, it never needs a level above it.
        """
        if self.shots <= self.room:
            return True
        others = sum(batch.vectors for batch in self.batches)
        return others + children <= max(self.room // 2, 1)


def backwards(history: History) -> Iterator[tuple[int, float]]:
    """``(outcome, probability)`` of each event of ``history``, the last one first."""
    while history is not None:
        history, outcome, probability = history
        yield outcome, probability
