"""Dynamic circuits: shots share what they have in common and split by outcome.

A branch is a state, a classical memory, and the shots that have come this way. A measurement or
reset in the middle draws an outcome for each of its shots; each outcome that was drawn becomes a
branch of its own. Branches are worked off depth first, and the last one of a split takes over the
state, so the states alive are at most the open splits on one path, and one more. Where there is
no memory for a copy, the branch is noted down with the outcomes that lead to it, and replayed from
the start when the others are done: a program whose first state fits always runs.

The draws depend on the shot and on the number of the event on its path alone, so copying,
replaying and the order of branches change nothing in the samples.
"""

from __future__ import annotations

import time
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quayside.control import Control
from quayside.engines.base import Engine
from quayside.errors import OutOfMemoryError
from quayside.execution.branches import Branch, Child, History, Shots, Split, backwards
from quayside.execution.finish import (
    PORTION,
    UNCERTAIN,
    Samples,
    check_statevector,
    final_resets,
    many_states,
    sample_into,
    stored_qubits,
    vector,
    write_word,
)
from quayside.execution.grouping import equal_runs
from quayside.execution.memory import MemorySource
from quayside.execution.outcomes import Outcome, RunSettings
from quayside.execution.randomness import Randomness
from quayside.execution.sampling import Sampler
from quayside.execution.steps import (
    Assign,
    Choose,
    Enter,
    Event,
    Finish,
    Gates,
    Iterate,
    Jump,
    JumpUnless,
    Keep,
    Steps,
    places_that_need_the_state,
)
from quayside.planning import Layout, Plan, make_plan
from quayside.program import Program
from quayside.program.expressions import ClassicalMemory, assign, convert, evaluate

__all__ = ["run_dynamic"]

Vector: TypeAlias = NDArray[np.complexfloating[Any]]


def run_dynamic(
    program: Program,
    steps: Steps,
    capacity: int,
    engine: Engine,
    settings: RunSettings,
    control: Control,
    memory: MemorySource,
    samples: Samples,
) -> Outcome:
    """Run a program of any kind; see :func:`~quayside.execution.run.run_program`.

    ``capacity`` is how many qubits will be stored; ``samples``, all 0, is filled in.
    """
    run = _Run(program, steps, capacity, engine, settings, control, memory, samples)
    started = time.perf_counter()
    try:
        run.work()
    finally:
        run.release_all()
    seconds = time.perf_counter() - started
    return Outcome(
        samples,
        statevector=run.statevector,
        saved=run.saved,
        metadata={
            "branches": run.branches,
            "passes": run.passes,
            "stored_qubits": run.stored_qubits,
            "strategy": run.profile.strategy,
            "replays": run.replays,
            "planning_time": run.planning_time,
            "execution_time": seconds - run.planning_time,
        },
    )


class _Run:
    """The work of one :func:`run_dynamic`."""

    def __init__(
        self,
        program: Program,
        steps: Steps,
        capacity: int,
        engine: Engine,
        settings: RunSettings,
        control: Control,
        memory: MemorySource,
        samples: Samples,
    ) -> None:
        self.program = program
        self.steps = steps.steps
        self.counters = steps.counters
        # Asked for the state, every place needs it.
        self.needs_state = (
            [True] * len(self.steps)
            if settings.statevector
            else places_that_need_the_state(self.steps)
        )
        self.capacity = capacity
        self.engine = engine
        self.settings = settings
        self.control = control
        self.memory = memory
        self.samples = samples
        self.randomness = Randomness(settings.seed, settings.circuit)
        self.profile = engine.profile(settings.precision, capacity)
        self.plans: dict[tuple[int, Layout], Plan] = {}
        self.copy_bytes = engine.required_bytes(capacity, settings.precision)
        self.splits: list[Split] = []  # open, innermost last
        self.waiting: list[tuple[History, Shots]] = []  # to be replayed
        self.current: Branch | None = None
        self.culprit: str | None = None  # what first split the shots
        self.finished_shots = 0
        self.branches = 0
        self.passes = 0
        self.replays = 0
        self.stored_qubits = 0
        self.planning_time = 0.0
        self.statevector: Vector | None = None
        self.saved: dict[str, Vector] = {}

    def work(self) -> None:
        """Run all shots."""
        self.current = self._first(np.arange(self.settings.shots, dtype=np.int64), None)
        while True:
            while self.current is not None:
                self._step(self.current)
            if self.splits:
                self._next_child()
            elif self.waiting:
                history, shots = self.waiting.pop()
                self.replays += 1
                self.current = self._first(shots, history)
            else:
                return

    def release_all(self) -> None:
        """Give back every state that is alive, also after an error."""
        if self.current is not None:
            self._release(self.current)
        for split in self.splits:
            self._release(split.parent)

    def _release(self, branch: Branch) -> None:
        if branch.borrows:
            return
        self.engine.release(branch.state)
        if branch.reservation is not None:
            branch.reservation.release()

    def _first(self, shots: Shots, history: History) -> Branch:
        """A branch at the start of the program, which will replay ``history``."""
        state = self.engine.allocate(
            self.program.num_qubits, self.settings.precision, capacity=self.capacity
        )
        memory = ClassicalMemory(0, [None] * len(self.program.variables))
        replay = None if history is None else list(backwards(history))
        return Branch(state, None, memory, shots, [0] * self.counters, replay=replay)

    def _step(self, branch: Branch) -> None:
        """Do one step of the current branch."""
        self.control.check()
        step = self.steps[branch.place]
        branch.place += 1
        match step:
            case Gates():
                self._apply(branch, step)
            case Event():
                self._event(branch, step)
            case Assign(store):
                assign(store.target, evaluate(store.value, branch.memory), branch.memory)
            case Jump(target):
                branch.place = target
            case JumpUnless(condition, target):
                if not evaluate(condition, branch.memory):
                    branch.place = target
            case Choose(expression, table, default):
                value = int(evaluate(expression, branch.memory))
                branch.place = table.get(value, default)
            case Enter(counter):
                branch.counters[counter] = 0
            case Iterate():
                self._iterate(branch, step)
            case Keep(key):
                self._keep(branch, key)
            case Finish():
                self._finish(branch, step)

    def _apply(self, branch: Branch, step: Gates) -> None:
        layout = branch.state.layout
        key = (id(step), layout)
        plan = self.plans.get(key)
        if plan is None:
            started = time.perf_counter()
            plan = self.plans[key] = make_plan(step.gates, layout, self.profile)
            self.planning_time += time.perf_counter() - started
        # Steps say little of how long a branch takes, but they only go forward within one pass of
        # the program, and the fraction that the control keeps never falls.
        here, total = branch.place / len(self.steps), self.settings.shots
        low = (self.finished_shots + here * len(branch.shots)) / total
        self.engine.apply(branch.state, plan, self.control.section(min(low, 0.999), 0.999))
        self.passes += len(plan)
        self.stored_qubits = max(self.stored_qubits, len(plan.final.order))

    def _iterate(self, branch: Branch, step: Iterate) -> None:
        iteration = branch.counters[step.counter]
        if iteration == len(step.starts):
            branch.place = step.target
            return
        branch.counters[step.counter] = iteration + 1
        branch.place = step.starts[iteration]
        variable = step.loop.variable
        if variable is not None:
            value = convert(step.loop.values[iteration], self.program.variables[variable].type)
            branch.memory.variables[variable] = value

    def _keep(self, branch: Branch, key: str) -> None:
        if branch.replay:
            return  # the branch that was here first has kept it
        if self.culprit is not None:
            raise many_states(self.program.name, self.culprit)
        check_statevector(self.program, self.settings.precision)
        self.saved[key] = vector(self.engine, branch.state)

    def _event(self, branch: Branch, event: Event) -> None:
        """Measure: go on with one outcome, or split."""
        if branch.replay:
            qubits = stored_qubits(branch.state, event)
            outcome, probability = branch.replay.pop()
            children = [Child(outcome, probability, branch.shots)]
        else:
            qubits, children = self._draw(branch, event)
            self._blame(event, children)
        branch.draw += 1
        if len(children) == 1:
            self._take(branch, event, qubits, children[0])
            return
        self.splits.append(Split(branch, event, qubits, children))
        self.current = None

    def _blame(self, event: Event, children: list[Child]) -> None:
        """Remember the first event that makes several states of several shots.

        Whether the shots at hand happen to agree has no say: a circuit is refused for every seed.
        """
        if self.culprit is not None or self.settings.shots == 1:
            return
        if children[0].probability < 1 - UNCERTAIN[self.settings.precision]:
            self.culprit = _describe(event)
            if self.settings.statevector:
                raise many_states(self.program.name, self.culprit)

    def _draw(self, branch: Branch, event: Event) -> tuple[list[int], list[Child]]:
        qubits = stored_qubits(branch.state, event)
        if not qubits:
            return qubits, [Child(0, 1.0, branch.shots)]
        outcomes, weights = self._pick(branch, qubits)
        first = int(outcomes[0])
        if (outcomes == first).all():
            return qubits, [Child(first, float(weights[0]), branch.shots)]
        # A stable sort keeps the shots of each outcome in increasing order.
        order = np.argsort(outcomes, kind="stable")
        ranked = outcomes[order]
        children = [
            Child(int(ranked[low]), float(weights[order[low]]), branch.shots[order[low:high]])
            for low, high in equal_runs(ranked)
        ]
        return qubits, children

    def _pick(self, branch: Branch, qubits: list[int]) -> tuple[Shots, NDArray[np.float64]]:
        """The outcome of each shot of ``branch``, and its probability."""
        sampler = Sampler(self.engine, branch.state, qubits)
        quiet = self.control.section(0, 0)
        shots = branch.shots + self.settings.first_shot
        parts = []
        for start in range(0, len(shots), PORTION):
            draws = self.randomness.of(branch.draw, shots[start : start + PORTION])
            parts.append(sampler.pick(draws, quiet))
        if len(parts) == 1:
            return parts[0]
        outcomes, weights = zip(*parts, strict=True)
        return np.concatenate(outcomes), np.concatenate(weights)

    def _take(self, branch: Branch, event: Event, qubits: list[int], child: Child) -> None:
        """Go on in ``branch`` with one outcome of ``event``."""
        values = {qubit: child.outcome >> bit & 1 for bit, qubit in enumerate(qubits)}
        needed = self.needs_state[branch.place]
        if values and needed:
            self.engine.collapse(branch.state, values, child.probability)
        for qubit, clbit in event.writes:
            branch.memory.set_bit(clbit, values.get(qubit, 0))
        ones = [qubit for qubit in event.resets if values.get(qubit, 0)]
        if ones and needed:
            self.engine.flip(branch.state, ones)
        branch.shots = child.shots
        branch.history = (branch.history, child.outcome, child.probability)

    def _next_child(self) -> None:
        """Begin a child of the innermost split: on a copy, or the last on the state itself."""
        split = self.splits[-1]
        parent = split.parent
        child = split.children.pop()
        if not split.children:
            self.splits.pop()
            self.current = parent
            self._take(parent, split.event, split.qubits, child)
            return
        copied = self._copy(parent)
        if copied is None:
            history = (parent.history, child.outcome, child.probability)
            self.waiting.append((history, child.shots))
        else:
            self.current = copied
            self._take(copied, split.event, split.qubits, child)

    def _copy(self, branch: Branch) -> Branch | None:
        """A copy of ``branch`` with a state of its own; None where there is no memory."""
        state, reservation = branch.state, None
        borrows = not self.needs_state[branch.place]
        if not borrows:
            try:
                reservation = self.memory.try_reserve(self.copy_bytes)
            except OutOfMemoryError:
                return None
            if reservation is None:
                return None
            try:
                state = self.engine.copy(state)
            except MemoryError:
                # The device has less than it said: others may have taken it.
                reservation.release()
                return None
            except BaseException:
                reservation.release()
                raise
        return Branch(
            state,
            reservation,
            branch.memory.copy(),
            branch.shots,
            list(branch.counters),
            branch.place,
            branch.draw,
            branch.history,
            borrows=borrows,
        )

    def _finish(self, branch: Branch, step: Finish) -> None:
        settings = self.settings
        event = step.event
        rows = slice(None) if len(branch.shots) == settings.shots else branch.shots
        bits = branch.memory.bits
        if event is not None:
            for _, clbit in event.writes:
                bits &= ~(1 << clbit)
        write_word(self.samples, rows, bits)
        if event is not None:
            done = self.finished_shots / settings.shots
            share = len(branch.shots) / settings.shots
            sample_into(
                self.samples,
                self.engine,
                branch.state,
                event,
                self.randomness,
                branch.draw,
                branch.shots,
                settings.first_shot,
                self.control.section(min(done, 0.999), min(done + share, 0.999)),
            )
        if settings.statevector:
            final_resets(
                self.engine, branch.state, step.resets, settings.precision, self.program.name
            )
            self.statevector = vector(self.engine, branch.state)
        self.branches += 1
        self.finished_shots += len(branch.shots)
        self.current = None
        self._release(branch)
        self.control.report(min(self.finished_shots / settings.shots, 0.999))


def _describe(event: Event) -> str:
    """What an event is in the words of the circuit, for messages."""
    if not event.writes:
        return f"the reset of qubit {', '.join(map(str, event.resets))}"
    pairs = ", ".join(f"qubit {qubit} into classical bit {clbit}" for qubit, clbit in event.writes)
    return f"the mid-circuit measurement of {pairs}"
