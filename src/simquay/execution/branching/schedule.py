"""Which batch of branches runs next: batches split, join, and wait for memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from simquay.execution.branching.batches import (
    Batch,
    Branch,
    Child,
    History,
    Level,
    Shots,
    Split,
    States,
)
from simquay.execution.branching.steps import Event

__all__ = ["Schedule"]

CLASSICAL_PORTION = 4096
"""The most branches without a state that run together: more would only take host memory."""


class Schedule:
    """The batches of one run, and the order in which they run.

    Args:
        states: the source of their states.
        start: makes a batch, at the first step, of one branch of some shots that replays a history,
            where so many saves have its data already.

    Attributes:
        together: the most branches that shared a state.
        replays: how many branches were replayed from the start.
    """

    def __init__(self, states: States, start: Callable[[Shots, History, int], Batch]) -> None:
        self.together = 1
        self.replays = 0
        self._states = states
        self._start = start
        self._levels: list[Level] = []  # the last is run first
        self._waiting: list[tuple[Shots, History, int]] = []  # to be replayed

    @property
    def spare(self) -> int:
        """How many more vectors the batch that is running may have."""
        level = self._levels[-1]
        return level.room - sum([batch.vectors for batch in level.batches])

    def begin(self, shots: Shots, history: History = None, saved: int = 0) -> None:
        """Put a branch of ``shots``, which will replay ``history``, at the first step."""
        level = Level(self._states.room, len(shots) or math.inf)
        self._levels.append(level)
        level.batches.append(self._start(shots, history, saved))

    def next(self) -> Batch | None:
        """The batch whose step is next; None when all have ended."""
        while True:
            while self._levels:
                level = self._levels[-1]
                if level.split is not None:
                    self._continue(level, level.split)
                elif level.batches:
                    return self._last_of(level)
                else:
                    self._levels.pop()
            if not self._waiting:
                return None
            self.replays += 1
            self.begin(*self._waiting.pop())

    def go(self, batch: Batch, places: Sequence[int]) -> None:
        """Move branch ``i`` of ``batch``, which is running, to step ``places[i]``. If the places
        differ, the batch becomes several."""
        level = self._levels[-1]
        if len(set(places)) == 1:
            batch.place = places[0]
            return
        numbers: dict[int, list[int]] = {}
        for number, place in enumerate(places):
            numbers.setdefault(place, []).append(number)
        parts: list[Batch] = []
        for place, chosen in numbers.items():
            state = None
            if batch.state is not None:
                state = self._states.select([(batch, chosen)])
                if state is None:
                    break
            parts.append(Batch(state, [batch.branches[number] for number in chosen], place))
            level.batches.append(parts[-1])
        else:
            self._drop(level, [batch])
            return
        self._drop(level, parts)
        self.replay(batch)

    def split(
        self, batch: Batch, event: Event, qubits: Sequence[int], children: list[Child]
    ) -> None:
        """Replace ``batch``, which is running and stands behind ``event``, by ``children``, one or
        more. Bit ``j`` of an outcome is ``qubits[j]``."""
        level = self._levels[-1]
        if len(children) > len(batch.branches):
            self._states.reserve()
            if len(self._levels) == 1:
                level.room = self._states.room
        level.batches = [one for one in level.batches if one is not batch]
        if level.room > 1 and not level.fits(len(children)):
            children.sort(key=lambda child: -child.size)  # the last is run first
        level.split = Split(batch, event, qubits, children)

    def replay(self, batch: Batch) -> None:
        """Remove ``batch``, which is running, and replay its branches from the start."""
        self._replay_later((one.shots, one.history, one.saves) for one in batch.branches)
        self.end(batch)

    def end(self, batch: Batch) -> None:
        """Remove ``batch``, which is running, and release its state."""
        self._drop(self._levels[-1], [batch])

    def close(self) -> None:
        """Release every state that is left, also after an error."""
        for level in self._levels:
            for batch in level.batches:
                self._states.release(batch)
            if level.split is not None:
                self._states.release(level.split.parent)
        self._states.close()

    def _last_of(self, level: Level) -> Batch:
        """The batch at the earliest step, joined with all other batches at that step."""
        batches = level.batches
        if len(batches) == 1:
            return batches[0]
        place = min(batch.place for batch in batches)
        here = [batch for batch in batches if batch.place == place]
        if len(here) == 1:
            return here[0]
        here.sort(key=lambda batch: -len(batch.branches))  # most of them keep their layout
        state = None
        if all(batch.state is not None for batch in here):
            state = self._states.select([(one, range(len(one.branches))) for one in here])
            if state is None:
                return here[0]
        joined = Batch(state, [branch for one in here for branch in one.branches], place)
        batches.append(joined)
        self._drop(level, here)
        self.together = max(self.together, joined.vectors)
        return joined

    def _drop(self, level: Level, batches: Sequence[Batch]) -> None:
        for batch in batches:
            level.batches = [one for one in level.batches if one is not batch]
            self._states.release(batch)

    def _continue(self, level: Level, split: Split) -> None:
        """Run children of a split: all that are left in the parent's place, or a portion of them
        in a level above.

        If the parent has no state, because no later step needs one, its children have none either.
        """
        parent, children = split.parent, split.children
        if parent.state is None:
            portion = children[:CLASSICAL_PORTION]
            del children[:CLASSICAL_PORTION]
            above = Level(0, 0, [Batch(None, _branches(split, portion), parent.place)])
            self._levels.append(above)
            if not children:
                level.split = None
        elif len(children) == len(parent.branches) or level.fits(len(children)):
            self._take_over(level, split)
        else:
            self._portion(level, split)

    def _take_over(self, level: Level, split: Split) -> None:
        """Run all children that are left in the place of the parent."""
        parent, children = split.parent, split.children
        chosen = [child.branch for child in children]
        if chosen == list(range(len(parent.branches))):
            level.split = None
            level.batches.append(parent)
            parent.branches = _branches(split, children)
            batch = parent
        else:
            state = self._states.select([(parent, chosen)])
            if state is None:
                self._replay_later(_histories(split, children))
                level.split = None
                self._states.release(parent)
                return
            batch = Batch(state, _branches(split, children), parent.place)
            level.batches.append(batch)
            level.split = None
            self._states.release(parent)
            self.together = max(self.together, batch.vectors)
        assert batch.state is not None
        self._states.collapse(batch.state, split, children)

    def _portion(self, level: Level, split: Split) -> None:
        """Run some of the children on states of their own, in a level above."""
        parent, children = split.parent, split.children
        room = level.room - sum(batch.vectors for batch in level.batches) - parent.vectors
        portion = [children.pop()]
        size = portion[0].size
        # The last child is left for the parent's place.
        while len(children) > 1 and (
            size + children[-1].size <= room
            or (math.isinf(size) and len(portion) < room // 2)  # as Level.fits
        ):
            portion.append(children.pop())
            size += portion[-1].size
        above = Level(room, size)
        self._levels.append(above)
        if room:
            state = self._states.select([(parent, [child.branch for child in portion])])
            reservation = None
        else:
            state, reservation = self._states.copy(parent, portion[0].branch) or (None, None)
        if state is None:
            self._replay_later(_histories(split, portion))
            return
        batch = Batch(state, _branches(split, portion), parent.place, reservation)
        above.batches.append(batch)
        self._states.collapse(state, split, portion)
        self.together = max(self.together, len(portion))

    def _replay_later(self, branches: Iterable[tuple[Shots, History, int]]) -> None:
        """Record branches that are to be replayed from the start."""
        self._waiting += branches


def _branches(split: Split, children: Sequence[Child]) -> list[Branch]:
    """The branches of ``children``, with the classical bits that the event writes."""
    bit_of = {qubit: bit for bit, qubit in enumerate(split.qubits)}
    writes = [(clbit, bit_of.get(qubit)) for qubit, clbit in split.event.writes]
    parents = split.parent.branches
    branches = []
    for child in children:
        branch = parents[child.branch].child(child)
        if child.errors is None:
            branch.pending = split.event.gates(child.outcome, child.probability)
        for clbit, bit in writes:
            branch.memory.set_bit(clbit, 0 if bit is None else child.outcome >> bit & 1)
        branches.append(branch)
    return branches


def _histories(split: Split, children: Sequence[Child]) -> Iterator[tuple[Shots, History, int]]:
    """The shots, the history and the number of saves of each of ``children``, for a replay."""
    for child in children:
        parent = split.parent.branches[child.branch]
        yield child.shots, child.history(parent.history), parent.saves
