"""The states of a run's branches: how many branches share one, and the memory for them.

Branches at the same step share a state of many vectors, so that a step is one call of the engine
for all of them. That saves time as long as a call costs more than the arithmetic. Beyond that it
would only take memory: there each branch has a state of its own (see :data:`BATCH_BYTES`).

*Invariant:* states that share the run's room have at most ``room`` vectors together, and at most
``room`` more while one takes the place of another. All of that is reserved at once, when the first
branch splits, and given back when the run ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from simquay.engines.base import State
from simquay.errors import OutOfMemoryError
from simquay.execution.branching.branches import Batch, Child, Split
from simquay.execution.evolution import Run
from simquay.execution.memory import Reservation

__all__ = ["BATCH_BYTES", "States"]

BATCH_BYTES = {"cpu": 64 << 20, "gpu": 256 << 20}
"""Bytes of all vectors that share the room, scratch included.

A call costs some tens of microseconds beside the arithmetic: from Python, and on a GPU for the
launch. In that time a CPU goes through about a MiB of amplitudes, and a GPU of 3 TB/s through a
hundred. Passes over several times as much spend their time on amplitudes."""

LEAST_ROOM = 32
"""If fewer vectors than this fit into :data:`BATCH_BYTES`, the arithmetic on one takes as long as a
call, and branches run one by one."""

MOST_ROOM = 8192
"""More vectors gain nothing, and the interpreter's share of a step should stay short."""


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
            need = self._bytes(2 * room)
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
        return min(room, MOST_ROOM, self._run.piece.shots)

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
