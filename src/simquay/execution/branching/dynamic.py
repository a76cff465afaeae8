"""Dynamic circuits: shots share what they have in common and split by outcome.

A *branch* is a state, a classical memory, and the shots on one path. A measurement or reset in the
middle draws an outcome for each of its shots; the shots of each outcome become a branch. Branches
at the same step are a *batch*: their states are the vectors of one state, so that a step is one
call of the engine for all of them. If control flow takes them to different steps, each part becomes
a batch. The batch at the earliest step runs first, so that parts that reach the same step are
joined again.

States take memory:

- If the children of a split do not fit, the batch that splits is kept, and its children are run a
  portion at a time, each to its end, in the level above (depth first). The last child, of most
  shots, takes the batch's place, so that a level has at most half of the shots of the one below.
- Large states are batches of one, and so run one by one. There the child of the lowest outcome
  comes last, and at most one state for each open split on a path is alive, and one more.
- If there is no memory for another state, the branch is recorded with the outcomes that lead to it,
  and replayed from the start when the others are done. So a program whose first state fits always
  runs.

A draw depends on the shot and on the number of the event on its path alone, so batches, copies,
replays and the order of branches change no sample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from simquay.control import Control
from simquay.engines.base import State
from simquay.execution.branching.batches import (
    Batch,
    Branch,
    Child,
    History,
    Shots,
    States,
    backwards,
)
from simquay.execution.branching.evolving import Evolution
from simquay.execution.branching.noise import Work, children_by_errors
from simquay.execution.branching.outcomes import children_of, draw_outcomes, known_weights
from simquay.execution.branching.saves import Gathered, datum_bytes, read_save
from simquay.execution.branching.schedule import Schedule
from simquay.execution.branching.steps import (
    Event,
    Evolve,
    Finish,
    Gates,
    Jump,
    JumpTable,
    LoopBegin,
    LoopNext,
    MisreadEvent,
    Noise,
    Steps,
    steps_needing_state,
)
from simquay.execution.evolution import Run
from simquay.execution.kinds import KINDS, of_one_state
from simquay.execution.readout import (
    UNCERTAIN,
    many_states,
    stored_qubits,
    write_outcomes,
    write_words,
)
from simquay.execution.sampling.sampler import Sampler
from simquay.execution.settings import Outcome
from simquay.planning import Layout, Plan, SweepPlan
from simquay.program import Restart, Save, Store
from simquay.program.expressions import ClassicalMemory, assign, convert, evaluate

__all__ = ["Branching", "run_dynamic"]

_SAVED_AT_ONCE = 16 << 20
"""About so many bytes of data are read for a save at once, of all branches together."""


def run_dynamic(run: Run, steps: Steps) -> Outcome:
    """Run a program of any kind; see :func:`~simquay.execution.run.run_program`."""
    return Branching(run, steps).outcome()


class Branching:
    """The work of one :func:`run_dynamic`."""

    def __init__(self, run: Run, steps: Steps) -> None:
        run.begin()
        self.run = run
        self.steps = steps.steps
        self.counters = steps.counters
        # If a result is read from the final state, every step needs the state.
        self.needs_state = (
            [True] * len(self.steps) if run.context.wanted else steps_needing_state(self.steps)
        )
        self.plans: dict[tuple[int, Layout], Plan | SweepPlan] = {}
        batched = all(step.batched for step in self.steps if isinstance(step, Event))
        self.states = States(run, batched=batched)
        self.schedule = Schedule(self.states, self._start)
        self.first_split: str | None = None  # the operation that first split the shots, in words
        self.of_one_state = of_one_state(run.context)
        self.totals: dict[str, Any] = {}  # of the kinds of results that are means
        self.finished = 0.0  # the share of the run
        self.branches = 0
        self.saved = Gathered()
        self.evolution = Evolution(run, self.states)
        self.work = Work() if steps.noisy else None
        self.results = run.drawn()

    def outcome(self) -> Outcome:
        """Run all branches."""
        run, schedule = self.run, self.schedule
        try:
            schedule.begin(np.arange(run.piece.shots, dtype=np.int64))
            while (batch := schedule.next()) is not None:
                self._step(batch)
        finally:
            schedule.close()
        if run.context.shots and any(isinstance(step, Save) for step in self.steps):
            self.results["saved"] = self.saved.results()
        figures = run.figures(measure_sampling=False) | {
            "branches": self.branches,
            "branches_together": schedule.together,
            "replays": schedule.replays,
        }
        if self.work is not None:
            figures |= {
                "method": "trajectories",
                "trajectories": self.branches,
                "evolutions": self.work.evolutions(run.piece.shots),
            }
        return Outcome(self.results | self.means(), figures)

    def means(self) -> dict[str, Any]:
        """The results that are means over branches, by the name of their kind."""
        return {
            name: KINDS[name].mean(total, self.run.piece.shots)
            for name, total in self.totals.items()
        }

    def add(self, name: str, values: Sequence[Any], branches: Sequence[Branch]) -> None:
        """Add the results of branches to those of which there will be a mean."""
        shares = self.shares(branches)
        self.totals[name] = KINDS[name].add(self.totals.get(name), values, shares)

    def shares(self, branches: Sequence[Branch]) -> list[float]:
        """The share of the run that each branch is."""
        return [len(branch.shots) / self.run.piece.shots for branch in branches]

    def _start(self, shots: Shots, history: History, saved: int) -> Batch:
        memory = ClassicalMemory(0, [None] * len(self.run.program.variables))
        replay = None if history is None else list(backwards(history))
        branch = Branch(memory, shots, [0] * self.counters, saved=saved, replay=replay)
        return Batch(self.run.allocate(), [branch])

    def _step(self, batch: Batch) -> None:
        """Do one step of a batch."""
        self.run.control.check()
        place = batch.place
        step = self.steps[place]
        if not self.needs_state[place]:
            self.states.release(batch)
        batch.place += 1
        branches = batch.branches
        match step:
            case Gates():
                self._apply(batch, step)
            case Noise():
                self._noise(batch, step)
            case Evolve():
                self._evolve(batch, step)
            case Event():
                self._event(batch, step)
            case Store(target, value):
                for branch in branches:
                    assign(target, evaluate(value, branch.memory), branch.memory)
            case Jump(there):
                batch.place = there
            case JumpTable(expression, table, default):
                values = [int(evaluate(expression, branch.memory)) for branch in branches]
                self.schedule.go(batch, [table.get(value, default) for value in values])
            case LoopBegin(counter):
                for branch in branches:
                    branch.counters[counter] = 0
            case LoopNext():
                self.schedule.go(batch, [self._next_iteration(branch, step) for branch in branches])
            case Save():
                self._save(batch, step)
            case Restart():
                # The new state takes the place of the old one in what was reserved.
                self.run.engine.release(batch.state)
                batch.state = None
                batch.state = self.run.allocate(len(branches))
            case Finish():
                self._finish(batch, step)

    def _apply(self, batch: Batch, step: Gates) -> None:
        assert batch.state is not None
        layout = batch.state.layout
        key = (id(step), layout)
        plan = self.plans.get(key)
        if plan is None:
            plan = self.plans[key] = self.run.plan(step.gates, layout)
        if self.work is not None:
            self.work.add(len(step.gates), batch.branches)
        low, high = (self._fraction(batch, place) for place in (batch.place - 1, batch.place))
        self.run.apply(batch.state, plan, self.run.control.section(low, high))
        self.run.control.report(high)

    def _noise(self, batch: Batch, step: Noise) -> None:
        """Draw errors, and split each branch by them."""
        branches = batch.branches
        self._note_first_split(step, math.exp(-step.segment.levels[-1]))
        children = children_by_errors(step, branches, self.run.randomness)
        for branch in branches:
            branch.draw += 1
        if len(children) > len(branches):
            self.schedule.split(batch, step, (), children)
            return
        for branch, child in zip(branches, children, strict=True):
            branch.errors = child.errors or ()
            branch.clean &= not branch.errors
            branch.draw += len(branch.errors)

    def _evolve(self, batch: Batch, step: Evolve) -> None:
        high = self._fraction(batch, step.end)
        assert self.work is not None
        stopping = [self.evolution.stops(step, branch) for branch in batch.branches]
        if any(stopping) and not all(stopping) and self.steps[batch.place] is step:
            self.schedule.go(batch, [batch.place - (not stops) for stops in stopping])
            return
        self.work.evolve(step, batch.branches, stopping)
        if not self.evolution.apply(batch, step, stopping):
            self.schedule.replay(batch)
            return
        places = []
        for branch in batch.branches:
            last = branch.errors[-1] if branch.errors else None
            places.append(step.end if last is None else step.events.get(last, step.end))
            branch.errors = branch.pending = ()
        self.run.control.report(high)
        self.schedule.go(batch, places)

    def _fraction(self, batch: Batch, place: int) -> float:
        """How far the run is where ``batch`` is in front of step ``place``."""
        # An estimate: steps take different times, and loops go back. The control never lets the
        # fraction fall.
        here = place / len(self.steps)
        return min(self.finished + here * sum(self.shares(batch.branches)), 0.999)

    def _next_iteration(self, branch: Branch, step: LoopNext) -> int:
        iteration = branch.counters[step.counter]
        if iteration == len(step.starts):
            return step.target
        branch.counters[step.counter] = iteration + 1
        variable = step.loop.variable
        if variable is not None:
            value = convert(step.loop.values[iteration], self.run.program.variables[variable].type)
            branch.memory.variables[variable] = value
        return step.starts[iteration]

    def _save(self, batch: Batch, save: Save) -> None:
        if not self.run.context.shots:
            return  # its data are of shots
        assert batch.state is not None
        run, branches = self.run, batch.branches
        rows = []  # of the branches whose data no replayed branch has saved before
        for row, branch in enumerate(branches):
            branch.saves += 1
            if branch.saves > branch.saved:
                rows.append(row)
        if rows and save.form == "single" and not save.conditional:
            if self.first_split is not None:
                raise many_states(run.program.name, self.first_split)
            rows = [row for row in rows if row == self._main(batch)]
        size = max(_SAVED_AT_ONCE // datum_bytes(save, run.program, run.context.precision), 1)
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            first, last = some[0], some[-1] + 1
            state = batch.state
            if last - first < len(branches):
                state = run.engine.rows(state, first, last)
            values = read_save(save, run.engine, state, run.control.section(0, 0))
            shots = [branches[row].shots for row in some]
            memory = [branches[row].memory.bits for row in some]
            if len(some) < len(values):
                values = values[[row - first for row in some]]
            self.saved.add(save, values, shots, memory)

    def _event(self, batch: Batch, event: Event) -> None:
        """Measure, and split each branch by outcome."""
        if isinstance(event, MisreadEvent):
            qubits = [*range(len(event.writes))]
        else:
            assert batch.state is not None
            qubits = stored_qubits(batch.state, event)
        replay = batch.branches[0].replay
        if replay:
            outcome, probability = replay.pop()
            children = [Child(0, outcome, probability, batch.branches[0].shots)]
        else:
            children = self.children(batch.state, batch.branches, event, qubits)
            if not children:
                self.schedule.end(batch)
                return
            self._note_first_split(event, children[0].probability)
        for branch in batch.branches:
            branch.draw += 1
        if not self.needs_state[batch.place]:
            self.states.release(batch)
        self.schedule.split(batch, event, qubits, children)

    def children(
        self, state: State | None, branches: list[Branch], event: Event, qubits: list[int]
    ) -> list[Child]:
        """The children of each branch; bit ``j`` of an outcome is the value of ``qubits[j]``."""
        known = known_weights(event, self.run.engine, state, branches)
        if known is None and not qubits:
            return [Child(number, 0, 1.0, one.shots) for number, one in enumerate(branches)]
        return children_of(branches, draw_outcomes(self.run, state, qubits, branches, known))

    def _note_first_split(self, event: Event, likely: float) -> None:
        """Record the first event by which several shots get different states; ``likely`` is the
        probability of an outcome.

        It depends on probabilities, not on the outcomes drawn: a circuit is refused for every seed
        or for none.
        """
        context = self.run.context
        if self.first_split is not None or self.run.piece.shots == 1:
            return
        if likely < 1 - UNCERTAIN[context.precision]:
            self.first_split = event.words()
            if self.of_one_state:
                raise many_states(self.run.program.name, self.first_split)

    def _finish(self, batch: Batch, step: Finish) -> None:
        run = self.run
        event = step.event
        branches = batch.branches
        if event is not None:
            written = sum(1 << clbit for clbit in {clbit for _, clbit in event.writes})
            for branch in branches:
                branch.memory.bits &= ~written
        begun = self.finished
        self.finished += sum(self.shares(branches))
        low, high = (min(done, 0.999) for done in (begun, self.finished))
        if run.context.shots:
            bits = [branch.memory.bits for branch in branches]
            write_words(run.samples, [branch.shots for branch in branches], bits)
            if event is not None:
                self._sample(batch, event, run.control.section(low, high))
        if run.context.wanted:
            self._read(batch, step)
        self.branches += len(branches)
        self.schedule.end(batch)
        run.control.report(high)

    def _read(self, batch: Batch, step: Finish) -> None:
        """Read the results of all branches, or of one where one state is asked for."""
        state, branches = batch.state, batch.branches
        assert state is not None
        if self.of_one_state and len(branches) > 1:
            main = self._main(batch)
            state = self.run.engine.rows(state, main, main + 1)
            branches = branches[main : main + 1]
        bits = [branch.memory.bits for branch in branches]
        for name, value in self.run.read(state, step.event, step.resets, bits).items():
            if KINDS[name].averages:
                self.add(name, value, branches)
            else:
                self.results[name] = value[0]

    def _main(self, batch: Batch) -> int:
        """The number of the largest branch. Where one state is asked for, the outcomes of all
        others count as impossible (:data:`~simquay.execution.readout.UNCERTAIN`)."""
        shares = self.shares(batch.branches)
        return shares.index(max(shares))

    def _sample(self, batch: Batch, event: Event, control: Control) -> None:
        """Make the deferred measurements."""
        assert batch.state is not None
        run, branches = self.run, batch.branches
        qubits = stored_qubits(batch.state, event)
        if len(branches) == 1:
            sampler = Sampler(run.engine, batch.state, qubits)
            run.sample(sampler, event, control, branches[0].shots, branches[0].draw)
            return
        for _, shots, outcomes, _ in draw_outcomes(run, batch.state, qubits, branches):
            write_outcomes(run.samples, np.concatenate(shots), event.writes, qubits, outcomes)
        if event.misreads:
            groups = [branch.shots for branch in branches]
            draws = np.repeat([branch.draw for branch in branches], [*map(len, groups)])
            run.misread(event, np.concatenate(groups), draws)
