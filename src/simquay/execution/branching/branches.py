"""The records of branching: branches (shots on one path), batches of them, splits and levels."""

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
    """The shots of one branch that have one outcome of an event, before they are a branch.

    Attributes:
        branch: the number in its batch of the branch that the shots come from.
        outcome: a bit for each measured qubit that is stored.
        probability: of the outcome, given the branch.
        shots: in increasing order.
    """

    branch: int
    outcome: int
    probability: float
    shots: Shots


@dataclass(slots=True)
class Branch:
    """Shots on one path through the program.

    Attributes:
        memory: the classical bits and variables.
        shots: in increasing order.
        counters: of the loops.
        draw: the number of the next event on the path.
        history: the outcomes so far.
        replay: outcomes that are known already, the next one last; such a branch is alone in its
            batch. None for a branch that draws its outcomes.
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
    """Branches at step ``place``; branch ``i`` has vector ``i`` of ``state``.

    The state is None if no later step needs it. ``reservation`` is set for a state whose memory was
    reserved by itself, outside the run's room.
    """

    state: State | None
    branches: list[Branch]
    place: int = 0
    reservation: Reservation | None = None

    @property
    def vectors(self) -> int:
        """How many vectors of the run's room it takes."""
        return 0 if self.state is None or self.reservation is not None else len(self.branches)

    @property
    def shots(self) -> int:
        """Shots of all its branches."""
        return sum(len(branch.shots) for branch in self.branches)


@dataclass(slots=True)
class Split:
    """A batch that stands behind ``event``, and the children that have not been run yet.

    ``qubits`` are the stored ones of the event's qubits, a bit of an outcome each.
    """

    parent: Batch
    event: Event
    qubits: Sequence[int]
    children: list[Child]


@dataclass(slots=True)
class Level:
    """Batches that are run to their end before the levels below go on.

    Attributes:
        room: how many vectors the batches may have.
        shots: how many shots the level began with.
        batches: those that can run.
        split: a batch whose children are being run; it goes on before the batches do.
    """

    room: int
    shots: int
    batches: list[Batch] = field(default_factory=list)
    split: Split | None = None

    def fits(self, children: int) -> bool:
        """Whether so many new vectors may take the place of those of the split's parent.

        A level uses half of its room, and leaves the other half to the levels above it. But each
        branch has at least one shot: with no more shots than room, no level above is ever needed.
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
