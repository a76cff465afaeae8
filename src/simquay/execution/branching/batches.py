"""Branches (shots, or a probability, on one path), batches of them, splits and levels; and the
states of batches: how many branches share one, and the memory for them.

Branches at the same step share a state of many vectors, so that a step is one call of the engine
for all of them. That saves time as long as a call costs more than the arithmetic. Beyond that it
would only take memory: there each branch has a state of its own (see :data:`BATCH_BYTES`).

*Invariant:* states that share the run's room have at most ``room`` vectors together, and at most
``room + ROWS_AT_ONCE`` more while one takes the place of another. All of that is reserved at once,
when the first branch splits, and given back when the run ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.engines.base import State
from simquay.errors import OutOfMemoryError
from simquay.execution.branching.steps import Event
from simquay.execution.evolution import Run
from simquay.execution.memory import Reservation
from simquay.execution.trajectories.segments import Errors
from simquay.program import Gate
from simquay.program.expressions import ClassicalMemory

__all__ = [
    "BATCH_BYTES",
    "MOST_CHOICES",
    "ROWS_AT_ONCE",
    "Batch",
    "Branch",
    "Child",
    "History",
    "Level",
    "Shots",
    "Split",
    "States",
    "backwards",
]

Shots: TypeAlias = NDArray[np.int64]

# The outcomes that led to a branch, last first: (earlier ones, outcome, probability). A linked
# list shares its past with its siblings, so a branch of many events costs no copies.
History: TypeAlias = "tuple[History, int, float] | None"

BATCH_BYTES = {"cpu": 64 << 20, "gpu": 256 << 20}
"""Bytes of all vectors that share the room, scratch included.

A call costs some tens of microseconds beside the arithmetic: from Python, and on a GPU for the
launch. In that time a CPU goes through about a MiB of amplitudes, and a GPU of 3 TB/s through a
hundred. Passes over several times as much spend their time on amplitudes."""

LEAST_ROOM = 32
"""If fewer vectors than this fit into :data:`BATCH_BYTES`, the arithmetic on one takes as long as a
call, and branches run one by one."""

ROWS_AT_ONCE = 64
"""The most vectors, up to the room, that a sweep may have beside the batch and copies."""

MOST_CHOICES = 16
"""The most Kraus operators, of all errors of a branch in a segment together, that are tried."""

MOST_ROOM = 8192
"""More vectors gain nothing, and the interpreter's share of a step should stay short."""


@dataclass(slots=True)
class Child:
    """The part of one branch that has one outcome of an event, before it is a branch.

    Attributes:
        branch: the number in its batch of the branch that the shots come from.
        outcome: a bit for each measured qubit that is stored.
        probability: of the outcome, given the branch.
        shots: in increasing order; none where every outcome that is possible makes a child.
        errors: of a :class:`~simquay.execution.branching.steps.Noise` step; None for an event.
    """

    branch: int
    outcome: int
    probability: float
    shots: Shots
    errors: Errors | None = None

    @property
    def size(self) -> float:
        """The most branches that it can become."""
        return len(self.shots) or math.inf

    def history(self, before: History) -> History:
        """The history of its branch. Errors are not in it: a replay draws them again."""
        return before if self.errors is not None else (before, self.outcome, self.probability)


@dataclass(slots=True)
class Branch:
    """One path through the program.

    Attributes:
        memory: the classical bits and variables.
        shots: those on the path, in increasing order; none in a run of no samples.
        counters: of the loops.
        draw: the number of the next event on the path.
        history: the outcomes so far.
        saves: how many saves it has passed.
        saved: how many of them have its data already, since it is replayed.
        replay: outcomes that are known already, the next one last; such a branch is alone in its
            batch. None for a branch that draws its outcomes.
        probability: of the path.
        errors: those of the segment that it is in.
        pending: gates that come before the next ones (:meth:`Event.gates`).
        clean: whether no channel has made an error so far.
    """

    memory: ClassicalMemory
    shots: Shots
    counters: list[int]
    draw: int = 0
    history: History = None
    saves: int = 0
    saved: int = 0
    replay: list[tuple[int, float]] | None = None
    probability: float = 1.0
    errors: Errors = ()
    pending: tuple[Gate, ...] = ()
    clean: bool = True

    def child(self, child: Child) -> Branch:
        """The branch of one outcome, or of one choice of errors."""
        return Branch(
            self.memory.copy(),
            child.shots,
            list(self.counters),
            self.draw + len(child.errors or ()),  # a draw each
            child.history(self.history),
            self.saves,
            self.saved,
            self.replay,
            self.probability * child.probability,
            child.errors or (),
            self.pending,
            self.clean and not child.errors,
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
        size: the most branches that what it began with can become.
        batches: those that can run.
        split: a batch whose children are being run; it goes on before the batches do.
    """

    room: int
    size: float
    batches: list[Batch] = field(default_factory=list)
    split: Split | None = None

    def fits(self, children: int) -> bool:
        """Whether so many new vectors may take the place of those of the split's parent.

        A level uses half of its room, and leaves the other half to the levels above it. But each
        branch has at least one shot: with no more shots than room, no level above is ever needed.
        """
        if self.size <= self.room:
            return True
        others = sum(batch.vectors for batch in self.batches)
        return others + children <= max(self.room // 2, 1)


def backwards(history: History) -> Iterator[tuple[int, float]]:
    """``(outcome, probability)`` of each event of ``history``, the last one first."""
    while history is not None:
        history, outcome, probability = history
        yield outcome, probability


class States:
    """Makes, splits and releases the states of one run.

    Args:
        run: the run.
        batched: whether branches may share a state.

    ``room`` is how many vectors may be alive that share the run's memory; 1 until
    :meth:`reserve`, and where branches run one by one.
    """

    def __init__(self, run: Run, *, batched: bool = True) -> None:
        self.room = 1
        self._run = run
        self._engine = run.engine
        self._batched = batched and run.engine.batched
        self._reservation: Reservation | None = None
        self._asked = False

    def reserve(self) -> None:
        """Reserve the run's room, when the first branch splits. Later calls do nothing."""
        if self._asked:
            return
        self._asked = True
        room = self._wanted_room()
        while room > 1:
            need = self._bytes(2 * room + min(ROWS_AT_ONCE, room))
            self._reservation = self._try_reserve(need)
            if self._reservation is not None:
                break
            room //= 2
        self.room = max(room, 1)

    def _wanted_room(self) -> int:
        if not self._batched:
            return 1
        forced = self._run.context.branches_together
        if forced is not None:
            return forced
        vector = self._bytes(2) - self._bytes(1)
        room = BATCH_BYTES.get(self._engine.device, BATCH_BYTES["cpu"]) // vector
        if room < LEAST_ROOM:
            return 1
        return min(room, MOST_ROOM, self._run.piece.shots or MOST_ROOM)

    def _bytes(self, batch: int) -> int:
        run = self._run
        return self._engine.required_bytes(run.capacity, run.context.precision, batch)

    def _try_reserve(self, count: int) -> Reservation | None:
        try:
            return self._run.memory.try_reserve(count)
        except OutOfMemoryError:
            return None

    def select(self, parts: Sequence[tuple[Batch, Sequence[int]]]) -> State | None:
        """A state of chosen branches' vectors, within the room; None if the device has less memory
        than was reserved, since other processes have taken it. The room is 1 from then on."""
        chosen = [(batch.state, numbers) for batch, numbers in parts]
        try:
            state: State = self._engine.select(chosen)
        except MemoryError:
            self.room = 1
            return None
        return state

    def copy(self, batch: Batch, number: int) -> tuple[State, Reservation] | None:
        """A state of one branch's vector, with its memory reserved by itself; None if there is not
        enough."""
        reservation = self._try_reserve(self._bytes(1))
        if reservation is None:
            return None
        state: State
        try:
            if len(batch.branches) == 1:
                state = self._engine.copy(batch.state)
            else:
                state = self._engine.select([(batch.state, [number])])
        except BaseException as error:
            reservation.release()
            if isinstance(error, MemoryError):
                return None
            raise
        return state, reservation

    def collapse(self, state: State, split: Split, children: Sequence[Child]) -> None:
        """Change vector ``i`` as the outcome of ``children[i]`` does."""
        outcomes = [child.outcome for child in children]
        probabilities = [child.probability for child in children]
        split.event.collapse(self._engine, state, split.qubits, outcomes, probabilities)

    def release(self, batch: Batch) -> None:
        """Give a batch's state back. A second call does nothing."""
        state, batch.state = batch.state, None
        reservation, batch.reservation = batch.reservation, None
        if state is not None:
            self._engine.release(state)
        if reservation is not None:
            reservation.release()

    def close(self) -> None:
        """Give the room back; all states were released before."""
        if self._reservation is not None:
            self._reservation.release()
