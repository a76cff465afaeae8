"""The evolution of states through a segment, where each vector has errors of its own.

Most vectors of a batch have no error in a segment, and one plan takes all of them through it. It
takes those with Pauli errors as well, with other numbers (:mod:`~..trajectories.moving`), where the
engine can give vectors their own. Other vectors with errors are copied before, run as a sweep, and
put back in their places.

An error that depends on the state is one of several Kraus operators. Where a branch has one shot,
it is run with each of them, in the same sweep: the probability of an operator is the squared norm
that it leaves at the end of the segment, since all other gates are unitary. Then one is drawn. A
branch of more shots stops at such an error instead (:class:`Evolve`), and may split there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.execution.branching.batches import MOST_CHOICES, ROWS_AT_ONCE, Batch, Branch, States
from simquay.execution.branching.steps import Evolve
from simquay.execution.evolution import Run, SweepRefusedError
from simquay.execution.trajectories.drawing import draw_errors
from simquay.execution.trajectories.moving import Moved, Moving
from simquay.execution.trajectories.rows import gates_at, sweep_of
from simquay.execution.trajectories.segments import Error, Factors
from simquay.planning import Layout, Plan, SweepPlan
from simquay.program import Gate
from simquay.program.bits import extract, mask_of

__all__ = ["Evolution"]

_LISTED_AT_ONCE = 16
"""As many, where an engine applies sweeps gate by gate."""


@dataclass(slots=True, eq=False)
class _Row:
    """A branch with errors in the segment.

    Attributes:
        number: of the branch in the batch.
        branch: the branch.
        errors: by site; the last one may be where the branch stops.
        draw: the number of the branch's next draw when it came.
        draws: the numbers of those that decide on errors that depend on the state, in order.
        operators: how many each of these errors has.
    """

    number: int
    branch: Branch
    errors: list[Error]
    draw: int
    draws: list[int] = field(default_factory=list)
    operators: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class _Portion:
    """Rows that are swept together, with each choice of operators.

    Attributes:
        rows: the rows.
        sizes: how many choices each has.
        errors: by site, for each choice of each row.
    """

    rows: list[_Row] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    errors: list[dict[int, Factors]] = field(default_factory=list)

    @property
    def sources(self) -> list[int]:
        """The number in the batch of each choice's branch."""
        sources: list[int] = np.repeat([row.number for row in self.rows], self.sizes).tolist()
        return sources


class Evolution:
    """Applies the gates of segments to states whose vectors have different errors."""

    def __init__(self, run: Run, states: States) -> None:
        self._run = run
        self._states = states
        self._plans: dict[tuple[int, Layout], Plan | SweepPlan] = {}
        profile = run.profile
        self._plain = replace(
            profile, direct=0, direct_sweeps=False, tile=profile.batch_tile or profile.tile
        )
        self._moving: dict[int, Moving] = {}
        # Gate by gate, each row pays for the errors of all; otherwise one structure serves all.
        self._every = not run.profile.direct_sweeps
        self._most = ROWS_AT_ONCE if self._every else _LISTED_AT_ONCE

    def apply(self, batch: Batch, step: Evolve, stopping: Sequence[bool]) -> bool:
        """Apply to each vector the gates of ``step`` with the errors of its branch. A branch whose
        errors are all dealt with has none afterwards; ``stopping`` is what :meth:`stops` says.

        Returns:
            Whether there was enough memory; if not, the branches are to be replayed.
        """
        branches = batch.branches
        rows: Sequence[_Row] = [
            _Row(number, branch, list(branch.errors), branch.draw)
            for number, branch in enumerate(branches)
            if branch.errors
        ]
        if not rows and not any(stopping):
            self._default(batch.state, step)
        elif any(stopping) or self._states.room == 1:
            self._by_runs(batch, step)
        else:
            shared, rows = self._shared(batch.state, step, rows)
            self._complete(step, rows)
            if not rows:
                self._default(batch.state, step, shared)
            elif any(prod(row.operators) > MOST_CHOICES for row in rows):
                for row in rows:
                    row.branch.draw = row.draw
                self._by_runs(batch, step)
            elif (
                shared is not None
                or 2 * len(rows) <= len(branches)
                or not self._in_place(batch.state, step, rows)
            ):
                try:
                    self._beside(batch, step, rows, shared)
                except MemoryError:
                    self._states.room = 1
                    return False
        return True

    def _shared(
        self, state: Any, step: Evolve, rows: Sequence[_Row]
    ) -> tuple[SweepPlan | None, Sequence[_Row]]:
        """A plan for the vectors without errors and for as many of ``rows`` as can be; and the
        rows that are left. No plan if it would be for no row."""
        if not self._plain.batch_tile or step.start:
            return None, rows
        moving = self._moving_of(step)
        found = [moving.of(row.errors) for row in rows]
        moved = [one for one in found if one is not None]
        left = [row for row, one in zip(rows, found, strict=True) if one is None]
        numbers = [row.number for row, one in zip(rows, found, strict=True) if one is not None]
        lists = np.zeros(state.batch, dtype=np.int64)
        lists[numbers] = range(1, len(moved) + 1)
        plan = self._moved(state, step, moved, lists)
        return (None, rows) if plan is None else (plan, left)

    def _moved(
        self, state: Any, step: Evolve, moved: Sequence[Moved], lists: NDArray[np.int64]
    ) -> SweepPlan | None:
        """The plan of the gates without errors and of those with ``moved``; ``lists``: which each
        vector has. None if there are no ``moved``, or no such plan."""
        if not moved:
            return None
        sweep = self._moving_of(step).sweep(moved, lists)
        try:
            plan = self._run.plan(sweep, state.layout, self._plain)
        except SweepRefusedError:
            return None
        assert isinstance(plan, SweepPlan)
        order = plan.final.order
        if any(one.x & ~mask_of(order) for one in moved):  # X on a qubit that is not stored
            return None
        ends = [(extract(one.x, order), extract(one.z, order)) for one in moved]
        return replace(plan, strings=np.array([(0, 0), *ends], dtype=np.int64).T)

    def _moving_of(self, step: Evolve) -> Moving:
        key = id(step.segment)
        if key not in self._moving:
            self._moving[key] = Moving(step.segment)
        return self._moving[key]

    def _beside(
        self, batch: Batch, step: Evolve, rows: Sequence[_Row], shared: SweepPlan | None
    ) -> None:
        """Apply the gates of ``shared``, or those without errors, to all vectors, and those of
        ``rows`` to copies, which then take their places."""
        engine = self._run.engine
        portions = [*self._portions(step, rows)]
        taken: list[Any] = []  # vectors as they are before the segment
        few = sum([len(one.errors) for one in portions]) <= ROWS_AT_ONCE
        try:
            if few:
                taken += [engine.select([(batch.state, one.sources)]) for one in portions]
            else:
                taken.append(engine.select([(batch.state, [row.number for row in rows])]))
            if len(rows) < len(batch.branches):
                self._default(batch.state, step, shared)
            place = 0
            for portion in portions:
                if few:
                    swept = taken.pop(0)
                else:
                    sources = np.repeat(np.arange(place, place + len(portion.rows)), portion.sizes)
                    swept = engine.select([(taken[0], sources.tolist())])
                    place += len(portion.rows)
                self._sweep(batch, step, swept, portion)
        finally:
            for one in taken:
                engine.release(one)

    def _by_runs(self, batch: Batch, step: Evolve) -> None:
        """Apply the gates to consecutive vectors of the same errors at once, up to where they
        stop."""
        engine, state, branches = self._run.engine, batch.state, batch.branches
        assert state is not None
        layout = state.layout
        bounds = [0]
        for number in range(1, len(branches)):
            one, other = branches[number - 1], branches[number]
            if one.errors != other.errors or one.pending or other.pending:
                bounds.append(number)
        parts = []
        for start, stop in zip(bounds, [*bounds[1:], len(branches)], strict=True):
            rows = state if stop - start == state.batch else engine.rows(state, start, stop)
            self._one(rows, step, branches[start])
            parts.append(rows)
        if len(parts) > 1 and any(rows.layout != layout for rows in parts):
            batch.state = engine.select([(rows, range(rows.batch)) for rows in parts])
            engine.release(state)

    def _in_place(self, state: Any, step: Evolve, rows: Sequence[_Row]) -> bool:
        """Apply the gates to all vectors, with errors that are unitary, by sweeps of some of them;
        False, with nothing changed, if a sweep would not leave each qubit where it is."""
        run, engine = self._run, self._run.engine
        if any(row.draws for row in rows) or not engine.sweep_qubits(run.context.precision):
            return False
        errors: list[dict[int, Factors]] = [{} for _ in range(state.batch)]
        for row in rows:
            errors[row.number] = next(self._choices(step, row))
        starts = range(0, state.batch, self._most)
        portions = [errors[first : first + self._most] for first in starts]
        try:
            plans = [
                run.plan(sweep_of(step.segment, some, self._every), state.layout)
                for some in portions
            ]
        except SweepRefusedError:
            return False
        # An error on a qubit that is not stored stores it, in its own portion alone.
        if any(plan.final != state.layout for plan in plans):
            return False
        for first, some, plan in zip(starts, portions, plans, strict=True):
            vectors = engine.rows(state, first, first + len(some))
            run.apply(vectors, plan, run.control.section(0, 0))
        for row in rows:
            row.branch.errors = ()
        return True

    def stops(self, step: Evolve, branch: Branch) -> bool:
        """Whether a branch stops at an error, or its gates are not all of the segment."""
        if branch.pending or step.start or not branch.errors or step.segment.certain > MOST_CHOICES:
            return bool(branch.pending or branch.errors)
        return branch.errors[-1] in step.events and (len(branch.shots) > 1 or bool(branch.replay))

    def _default(self, state: Any, step: Evolve, shared: SweepPlan | None = None) -> None:
        """Apply the gates without errors to all vectors, or those of ``shared``."""
        key = id(step), state.layout
        plan = self._plans.get(key) if shared is None else shared
        if plan is None:
            gates = step.segment.gates((), step.start)
            plan = self._plans[key] = self._run.plan(gates, state.layout, self._plain)
        self._run.apply(state, plan, self._run.control.section(0, 0))

    def _one(self, state: Any, step: Evolve, branch: Branch) -> None:
        """Apply to all vectors the gates with the errors of ``branch``, up to one where it
        stops."""
        errors, stop = branch.errors, None
        if not errors and not branch.pending:
            self._default(state, step)
            return
        if errors and errors[-1] in step.events:
            errors, stop = errors[:-1], errors[-1][0]
        plan: Plan | SweepPlan | None = None
        if self._plain.batch_tile and not branch.pending and not step.start and stop is None:
            moved = self._moving_of(step).of(errors)
            lists = np.ones(state.batch, dtype=np.int64)
            plan = None if moved is None else self._moved(state, step, [moved], lists)
        if plan is None:
            gates: list[Gate] = [*branch.pending, *step.segment.gates(errors, step.start, stop)]
            plan = self._run.plan(gates, state.layout)
        self._run.apply(state, plan, self._run.control.section(0, 0))

    def _complete(self, step: Evolve, rows: Sequence[_Row]) -> None:
        """Draw the errors behind those that depend on the state. The draws are those that a branch
        takes which stops there: one for the event, and then those of the sites behind it."""
        segment, randomness = step.segment, self._run.randomness
        going = [row for row in rows if row.errors[-1] in step.events]
        while going:
            for row in going:
                site, part = row.errors[-1]
                row.operators += (len(segment.channels[site].mixture.parts[part]),)
                row.draws.append(row.branch.draw)
                row.branch.draw += 1
            going = [row for row in going if row.errors[-1][0] + 1 < len(segment.channels)]
            going.sort(key=lambda row: int(row.branch.shots[0]))
            starts = np.array([row.errors[-1][0] + 1 for row in going], dtype=np.intp)
            numbers = np.array([row.branch.draw for row in going], dtype=np.int64)
            shots = np.array([row.branch.shots[0] for row in going], dtype=np.int64)
            found = draw_errors(segment, starts, randomness, numbers, shots) if going else {}
            for place, row in enumerate(going):
                more = found.get(place, [])
                row.errors += more
                row.branch.draw += 1 + len(more)
            going = [going[place] for place in found if going[place].errors[-1] in step.events]

    def _portions(self, step: Evolve, rows: Sequence[_Row]) -> Iterator[_Portion]:
        """The rows, few at a time."""
        portion = _Portion()
        for row in rows:
            choices = [*self._choices(step, row)]
            if portion.rows and len(portion.errors) + len(choices) > self._most:
                yield portion
                portion = _Portion()
            portion.rows.append(row)
            portion.errors += choices
            portion.sizes.append(len(choices))
        if portion.rows:
            yield portion

    def _choices(self, step: Evolve, row: _Row) -> Iterator[dict[int, Factors]]:
        segment = step.segment
        operators: list[Sequence[int | None]] = []
        for site, part in row.errors:
            matrix = segment.channels[site].mixture.parts[part]
            operators.append(range(len(matrix)) if matrix.ndim == 3 else (None,))
        for chosen in itertools.product(*operators):
            yield {
                site: segment.factors(site, part, operator)
                for (site, part), operator in zip(row.errors, chosen, strict=True)
            }

    def _sweep(self, batch: Batch, step: Evolve, swept: Any, portion: _Portion) -> None:
        """Run rows with each choice of operators, draw one of each, and put it in its place.
        Releases ``swept``."""
        engine = self._run.engine
        try:
            swept = self._apply_sweep(swept, step, portion.errors)
            chosen = self._chosen(swept, portion)
            numbers = [row.number for row in portion.rows]
            for row in portion.rows:
                row.branch.errors = ()
            batch.state = engine.overwritten(batch.state, numbers, swept, chosen)
        finally:
            engine.release(swept)

    def _apply_sweep(self, swept: Any, step: Evolve, listed: list[dict[int, Factors]]) -> Any:
        run, engine = self._run, self._run.engine
        sweep = sweep_of(step.segment, listed, self._every)
        quiet = run.control.section(0, 0)
        with suppress(SweepRefusedError):
            if engine.sweep_qubits(run.context.precision):
                run.apply(swept, run.plan(sweep, swept.layout), quiet)
                return swept
        for number in range(swept.batch):
            one = engine.select([(swept, [number])])
            run.apply(one, run.plan(gates_at(sweep, number), one.layout), quiet)
            swept = engine.overwritten(swept, [number], one, [0])
            engine.release(one)
        return swept

    def _chosen(self, swept: Any, portion: _Portion) -> list[int]:
        """The number of the vector that each row goes on with; its norm is made 1."""
        starts: list[int] = np.cumsum([0, *portion.sizes])[:-1].tolist()
        drawing = [number for number, row in enumerate(portion.rows) if row.draws]
        if not drawing:
            return starts
        engine = self._run.engine
        norms = engine.probabilities(swept, (), {})[:, 0]
        scales = np.ones(swept.batch)
        some = [portion.rows[number] for number in drawing]
        shots = np.repeat([row.branch.shots[0] for row in some], [len(row.draws) for row in some])
        numbers = np.array([draw for row in some for draw in row.draws])
        drawn = iter(self._run.randomness.each(numbers, shots).tolist())
        for number in drawing:
            row, start = portion.rows[number], starts[number]
            weights = norms[start : start + portion.sizes[number]].reshape(row.operators)
            place = 0
            for draw in itertools.islice(drawn, len(row.draws)):
                cumulative = weights.reshape(len(weights), -1).sum(axis=1).cumsum()
                outcome = int((cumulative <= draw * cumulative[-1]).sum())
                if outcome == len(weights):  # rounded up to the sum itself
                    outcome = int(np.flatnonzero(np.diff(cumulative, prepend=0.0))[-1])
                before = cumulative[outcome - 1] if outcome else 0.0
                probability = float((cumulative[outcome] - before) / cumulative[-1])
                row.branch.history = (row.branch.history, outcome, probability)
                place = place * len(weights) + outcome
                weights = weights[outcome]
            starts[number] += place
            scales[starts[number]] = float(weights)
        engine.project(swept, (), np.zeros(swept.batch, dtype=np.int64), scales)
        return starts
