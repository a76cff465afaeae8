"""Branches of a dynamic circuit: shots on one path, and splits that are still being worked off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from quayside.engines.base import State
from quayside.execution.memory import Reservation
from quayside.execution.steps import Event
from quayside.program.expressions import ClassicalMemory

__all__ = ["Branch", "Child", "History", "Shots", "Split", "backwards"]

Shots: TypeAlias = NDArray[np.int64]

# The outcomes that led to a branch, last first: (earlier ones, outcome, probability). A linked
# list shares its past with its siblings, so a branch of many events costs no copies.
History: TypeAlias = "tuple[History, int, float] | None"


@dataclass(slots=True)
class Child:
    """One outcome of a split: ``outcome`` has a bit for each measured qubit that is stored."""

    outcome: int
    probability: float
    shots: Shots


@dataclass(slots=True)
class Branch:
    """Shots on one path. ``place`` is the number of the next step; ``draw`` of the next event.

    ``replay`` are outcomes that are known already, the next one last. A branch that ``borrows``
    its state never touches it, and leaves it to its owner to release.
    """

    state: State
    reservation: Reservation | None
    memory: ClassicalMemory
    shots: Shots
    counters: list[int]
    place: int = 0
    draw: int = 0
    history: History = None
    replay: list[tuple[int, float]] | None = None
    borrows: bool = False


@dataclass(slots=True)
class Split:
    """A branch that stands at an event, and the children that are still to be run."""

    parent: Branch
    event: Event
    qubits: list[int]
    children: list[Child]


def backwards(history: History) -> Iterator[tuple[int, float]]:
    """``(outcome, probability)`` of each event of ``history``, the last one first."""
    while history is not None:
        history, outcome, probability = history
        yield outcome, probability
