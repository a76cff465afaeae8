"""A run on an engine: it allocates states, plans gates, applies plans and gathers figures.

Straight, branching and sweep runs all hold a :class:`Run`.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import Engine, State
from simquay.errors import SimquayError
from simquay.execution.branching.compiler import portions
from simquay.execution.branching.saves import Saved, save_once
from simquay.execution.branching.steps import Event
from simquay.execution.kinds import KINDS, needed_bytes, of_one_state
from simquay.execution.memory import Budget, MemorySource, ledger_for
from simquay.execution.readout import PORTION, final_resets, stored_qubits, write_outcomes
from simquay.execution.results import End
from simquay.execution.sampling.randomness import Randomness
from simquay.execution.sampling.sampler import Sampler
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.execution.trajectories.misreading import misread_samples
from simquay.planning import (
    GateSweep,
    Layout,
    Plan,
    Profile,
    SweepPlan,
    make_plan,
    make_sweep_plan,
)
from simquay.program import Gate, Program, Save
from simquay.program.program import most_stored_qubits

__all__ = ["Run", "SweepRefusedError", "Turn", "run_gates"]


class SweepRefusedError(SimquayError):
    """These programs cannot run as one batch, though they have one structure: run them one by
    one."""


class Turn:
    """One gate list of a sweep whose vectors run one after another, each a state by itself. Plans
    of all are made as soon as one needs its plan.

    Args:
        sweep: the gate lists.
        number: of the vector.
        plans: those made so far, by the gates that they apply and the layout before.
        span: the gates: from which place on, and before which.
    """

    def __init__(
        self,
        sweep: GateSweep,
        number: int,
        plans: dict[tuple[tuple[int, int], Layout], SweepPlan | None],
        span: tuple[int, int] | None = None,
    ) -> None:
        self.gates = sweep.gates
        self._sweep = sweep
        self._number = number
        self._plans = plans
        self._span = span or (0, len(sweep.gates))

    def part(self, start: int, stop: int) -> Turn:
        """The gates from place ``start`` on, and before ``stop``."""
        return Turn(self._sweep, self._number, self._plans, (start, stop))

    def plan(self, layout: Layout, profile: Profile) -> Plan | None:
        """The plan of the vector; None if the gate lists, or the engine, have no common plan."""
        key = self._span, layout
        if key not in self._plans:
            part = self._sweep.part(*self._span)
            self._plans[key] = make_sweep_plan(part, layout, profile, together=False)
        plan = self._plans[key]
        return None if plan is None else plan.of_vector(self._number)


class Run:
    """A run of one program, or of several of one structure as a batch.

    Args:
        program: the program, or the first of several.
        engine: runs it.
        context: of the job.
        piece: the circuits and shots of the run.
        control: checked before each pass and step.
        memory: for copies of the state; None for the engine's device, within the context's limit.
        capacity: of the program, where it is known.

    Attributes:
        capacity: how many qubits will be stored.
        profile: the engine's.
        samples: the classical bits of the circuit that is sampled, a row for each shot.
        randomness: its draws; shots are counted from the piece's first.
        passes: applied so far.
        stored_qubits: the most so far.
        planning_time: seconds so far.
        method: by which a program with noise is run; None for one without.
        started: when the run began (``time.perf_counter()``).
    """

    samples: NDArray[np.uint64]
    randomness: Randomness

    def __init__(
        self,
        program: Program,
        engine: Engine,
        context: RunContext,
        piece: Piece,
        control: Control,
        memory: MemorySource | None = None,
        capacity: int | None = None,
    ) -> None:
        self.started = time.perf_counter()
        self.program = program
        self.engine = engine
        self.context = context
        self.piece = piece
        self.control = control
        self._memory = memory
        self.capacity = most_stored_qubits(program) if capacity is None else capacity
        self.profile = engine.profile(context.precision, self.capacity)
        self.passes = 0
        self.stored_qubits = 0
        self.planning_time = 0.0
        self.method: str | None = None

    @property
    def memory(self) -> MemorySource:
        """The source of memory for copies of the state."""
        if self._memory is None:
            self._memory, most = ledger_for(self.engine), self.context.max_bytes
            if most is not None:
                used = needed_bytes(self.program, self.engine, self.context, self.piece.shots)
                self._memory = Budget(self._memory, most, used)
        return self._memory

    def again(self, shots: int) -> Run:
        """The run again, of so many shots."""
        piece = replace(self.piece, shots=shots)
        known = (self._memory, self.capacity)
        run = Run(self.program, self.engine, self.context, piece, self.control, *known)
        run.started = self.started
        return run

    def begin(self, number: int = 0) -> None:
        """Begin the samples of circuit ``number`` of the piece."""
        words = max((self.program.num_clbits + 63) // 64, 1)
        self.samples = np.zeros((self.piece.shots, words), dtype=np.uint64)
        self.randomness = Randomness(
            self.context.seed, self.piece.circuits[number], self.piece.first_shot
        )

    def drawn(self) -> dict[str, Any]:
        """The samples, unless the job asks for none."""
        return {"samples": self.samples} if self.context.shots else {}

    def allocate(self, batch: int = 1) -> Any:
        """A state at the start; the run's caller has reserved its memory."""
        return self.engine.allocate(
            self.program.num_qubits, self.context.precision, capacity=self.capacity, batch=batch
        )

    def plan(
        self,
        gates: Sequence[Gate] | GateSweep | Turn,
        layout: Layout,
        profile: Profile | None = None,
    ) -> Plan | SweepPlan:
        """A plan that applies ``gates`` to a state, or a sweep to its vectors; for another
        ``profile`` than the engine's, if one is given.

        Raises:
            SweepRefusedError: if the numbers of a sweep allow no common plan.
        """
        started = time.perf_counter()
        plan: Plan | SweepPlan | None
        if isinstance(gates, (GateSweep, Turn)):
            if isinstance(gates, Turn):
                plan = gates.plan(layout, self.profile)
            else:
                plan = make_sweep_plan(gates, layout, profile or self.profile)
            if plan is None:
                raise SweepRefusedError("no plan serves all circuits of this structure at once")
        else:
            plan = make_plan(gates, layout, profile or self.profile)
        self.planning_time += time.perf_counter() - started
        return plan

    def apply(self, state: Any, plan: Plan | SweepPlan, control: Control) -> None:
        """Apply a plan."""
        if isinstance(plan, SweepPlan):
            self.engine.apply_sweep(state, plan, control)
        else:
            self.engine.apply(state, plan, control)
        self.passes += len(plan)
        self.stored_qubits = max(self.stored_qubits, len(plan.final.order))

    def sample(
        self,
        sampler: Sampler,
        event: Event,
        control: Control,
        shots: NDArray[np.int64] | range | None = None,
        draw: int = 0,
    ) -> None:
        """Measure ``event`` for ``shots`` (rows of the samples; None for all) and set their
        classical bits, which are 0 before; in portions, so that many shots need little memory and
        can be cancelled."""
        chosen = range(self.piece.shots) if shots is None else shots
        for start in range(0, len(chosen), PORTION):
            part, section = chosen, control
            if len(chosen) > PORTION:
                part = chosen[start : start + PORTION]
                section = control.section(start / len(chosen), (start + len(part)) / len(chosen))
            rows: slice | NDArray[np.int64]
            if isinstance(part, range):
                rows = slice(part.start, part.stop)
                draws = self.randomness.consecutive(draw, part.start, len(part))
            else:
                rows = part if len(part) < len(self.samples) else slice(None)
                draws = self.randomness.of(draw, part)
            outcomes = sampler.outcomes(draws, section)
            write_outcomes(self.samples, rows, event.writes, sampler.qubits, outcomes)
            if event.misreads:
                self.misread(event, part, draw)
            if section is not control:
                section.report(1.0)

    def misread(
        self,
        event: Event,
        shots: NDArray[np.int64] | range,
        draws: int | NDArray[np.int64],
    ) -> None:
        """Record the bits of ``shots`` (rows of the samples) with errors; ``draws`` are the numbers
        of the draws that ``event`` took, of all or of each. Those that follow are taken here."""
        for start in range(0, len(shots), PORTION):
            part = shots[start : start + PORTION]
            rows = slice(part.start, part.stop) if isinstance(part, range) else part
            for number, misread in enumerate(event.misreads, start=1):
                if isinstance(draws, int):
                    drawn = self.randomness.of(draws + number, part)
                else:
                    some = draws[start : start + PORTION] + number
                    drawn = self.randomness.each(some, np.asarray(part))
                samples = self.samples[rows]
                misread_samples(samples, misread, drawn)
                self.samples[rows] = samples

    def read(
        self,
        state: State,
        event: Event | None,
        resets: Sequence[int],
        bits: Sequence[int] = (),
    ) -> dict[str, Sequence[Any]]:
        """The results that are read from the final state: of each kind, one for each vector.

        ``event`` and ``resets`` follow: measurements, and resets of qubits that nothing uses again.
        ``bits`` are the classical bits of each vector; by default all are 0.

        Raises:
            ManyStatesError: if one state is asked for and a reset qubit's value is not certain.
        """
        context, circuits = self.context, self.piece.circuits
        if not context.wanted:
            return {}
        if of_one_state(context):
            final_resets(self.engine, state, resets, context.precision, self.program.name)
        if len(circuits) == 1:
            circuits *= state.batch
        bits = bits or (0,) * state.batch
        end = End(circuits, event, resets, self.program.num_clbits, bits, self.control)
        return {name: KINDS[name].read(self.engine, state, context, end) for name in context.wanted}

    def figures(
        self, seconds: float | None = None, batch: int = 1, *, measure_sampling: bool = True
    ) -> dict[str, Any]:
        """Figures of the run for :attr:`Outcome.metadata`, of one of ``batch`` programs.

        Args:
            seconds: that the program took; None for those since the run began.
            measure_sampling: whether all shots, if there are any, were drawn from one state.
        """
        if seconds is None:
            seconds = time.perf_counter() - self.started
        planning = self.planning_time / batch
        sampling = {"measure_sampling": measure_sampling} if self.context.shots else {}
        method = {} if self.method is None else {"method": self.method}
        return (
            sampling
            | method
            | {
                "branches": 1,
                "passes": self.passes,
                "stored_qubits": self.stored_qubits,
                "strategy": self.profile.strategy,
                "planning_time": planning,
                "execution_time": seconds - planning,
            }
        )


def run_gates(
    run: Run,
    gates: Sequence[Gate] | GateSweep | Turn,
    event: Event | None,
    resets: Sequence[int] = (),
    saves: Sequence[tuple[int, Save]] = (),
) -> Iterator[tuple[Outcome, float]]:
    """Run gates, with saves among them, and then at most measurements: few plans, and one sampling.

    Args:
        run: with a circuit for each vector of a sweep, or with one.
        gates: of one program, of several as a sweep, or of one of these by itself.
        event: the measurement at the end, if there is one.
        resets: qubits that are reset at the end.
        saves: data to save, and how many gates come before each. All shots count as one there, as
            with Aer.

    Yields:
        For each program, in order: its outcome, and the seconds that it took, its share of the
        common work included.
    """
    engine, control = run.engine, run.control
    sweep = gates if isinstance(gates, (GateSweep, Turn)) else None
    batch = gates.batch if isinstance(gates, GateSweep) else 1
    listed = gates.gates if isinstance(gates, (GateSweep, Turn)) else gates
    total, done = len(listed), 0
    share = 0.9 if batch == 1 else 0.5  # of the progress, until sampling
    weights: NDArray[np.float64] | None = None
    values: dict[str, Sequence[Any]] | None = None
    saved: list[dict[str, Saved]] | None = [{} for _ in range(batch)] if saves else None
    state = run.allocate(batch)
    try:
        for place, save in (*saves, (total, None)):
            for part in portions(listed[done:place]):
                control.check()
                low, done = done, done + len(part)
                plan = run.plan(part if sweep is None else sweep.part(low, done), state.layout)
                run.apply(state, plan, control.section(share * low / total, share * done / total))
            if save is not None and saved is not None and run.piece.shots:
                rows = save_once(save, engine, state, control)
                for kept, data in zip(saved, rows, strict=True):
                    kept[save.key] = data
        sampler = None
        if event is not None and run.piece.shots:
            sampler = Sampler(engine, state, stored_qubits(state, event))
        if batch > 1:  # read for all at once; no single state is asked for where there are resets
            values = run.read(state, event, resets)
            if sampler is not None:
                weights = engine.probabilities(state, sampler.qubits, {})
        sampling = control.section(share, 0.999) if batch == 1 else control.section(0, 0)
        shared = (time.perf_counter() - run.started) / batch
        if sampler is None and values is not None:  # all is there: nothing is made for each
            run.begin()
            figures = run.figures(shared, batch)
            for number in range(batch):
                own = {name: copy.copy(value[number]) for name, value in values.items()}
                if saved is not None:
                    own["saved"] = saved[number]
                yield Outcome(run.drawn() | own, figures), shared
            control.report(1.0)
            return
        for number in range(batch):
            control.check()
            started = time.perf_counter()
            run.begin(number)
            if sampler is not None and event is not None:
                if weights is not None:
                    sampler.take(weights[number])
                run.sample(sampler, event, sampling)
            if values is None:
                values = run.read(state, event, resets)
            results = run.drawn()
            for name, value in values.items():
                # One vector that is kept must not keep the others.
                results[name] = value[number] if batch == 1 else copy.copy(value[number])
            if saved is not None:
                results["saved"] = saved[number]
            seconds = shared + time.perf_counter() - started
            control.report(share + (1 - share) * (number + 1) / batch)
            yield Outcome(results, run.figures(seconds, batch)), seconds
    finally:
        engine.release(state)
