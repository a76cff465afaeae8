"""Runs programs that differ in gates' numbers alone as one batch: a parameter sweep.

There is one state, with a vector for each program, and one plan; the first axis of its matrices is
the program. Draws depend on (seed, circuit, shot, draw) alone, so samples are those of runs one by
one, up to rounding at a boundary.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.errors import SimquayError
from simquay.execution.branching.compiler import portions
from simquay.execution.branching.deferral import defer
from simquay.execution.branching.steps import Event, measurement_event
from simquay.execution.randomness import Randomness
from simquay.execution.readout import PORTION, Samples, stored_qubits, write_outcomes
from simquay.execution.sampling import Distribution
from simquay.execution.settings import Outcome, RunSettings
from simquay.planning import make_sweep_plan
from simquay.program import (
    Diagonal,
    GateOperation,
    Matrix,
    Measure,
    Permutation,
    Precision,
    Prepare,
    Program,
    Relabel,
    Reset,
)
from simquay.program.program import touched_qubits

__all__ = [
    "SweepRefusedError",
    "SweepShape",
    "run_sweep",
    "same_shape",
    "sweep_shape",
]

_GATE_BYTES = 1280
"""Bytes for a gate while plans are filled: a matrix on three qubits and a share of products."""


class SweepRefusedError(SimquayError):
    """These programs cannot run as one batch, though they have one structure: run them one by
    one."""


@dataclass(frozen=True, slots=True, eq=False)
class SweepShape:
    """The properties that all programs of a batch share.

    Attributes:
        num_qubits, num_clbits: of each program.
        places: where in a program its gates stand, in order.
        event: the measurement at the end; None where there is none.
        capacity: how many qubits will be stored.
        bytes: an estimate of the memory that each program adds to a batch.
    """

    num_qubits: int
    num_clbits: int
    places: tuple[int, ...]
    event: Event | None
    capacity: int
    bytes: int

    def gates(self, program: Program) -> list[GateOperation]:
        """The gates of one of the programs."""
        operations: Any = program.operations
        return [operations[place] for place in self.places]


def same_shape(one: Program, other: Program) -> bool:
    """Whether two programs have gates, measurements and resets alone, and are the same but for the
    numbers of matrices, diagonals and amplitudes."""
    if (
        one.num_qubits != other.num_qubits
        or one.num_clbits != other.num_clbits
        or len(one.operations) != len(other.operations)
    ):
        return False
    # Every job of several circuits comes here, so this is written for speed and creates no objects:
    # those that `structure_of` creates for many circuits would keep the garbage collector busy.
    first: Any
    second: Any
    for first, second in zip(one.operations, other.operations, strict=True):
        kind = type(first)
        if kind is not type(second):
            return False
        if kind is Matrix or kind is Diagonal or kind is Permutation:
            if (
                first.qubits != second.qubits
                or first.controls != second.controls
                or first.control_state != second.control_state
            ):
                return False
            if (
                kind is Permutation
                and first.table is not second.table
                and not np.array_equal(first.table, second.table)
            ):
                return False
        elif kind is Measure:
            if first.qubit != second.qubit or first.clbit != second.clbit:
                return False
        elif kind is Reset:
            if first.qubit != second.qubit:
                return False
        elif kind is Relabel:
            if first.qubits != second.qubits or first.sources != second.sources:
                return False
        elif kind is not Prepare or first.qubits != second.qubits:
            return False
    return True


def sweep_shape(
    program: Program, engine: Engine, precision: Precision, *, statevector: bool
) -> SweepShape | None:
    """The shape of ``program`` and of all that :func:`same_shape` says are like it; None if they
    have to run one by one.

    They run as a batch if they consist of gates, then measurements, and are so small that the
    engine is faster with several.
    """
    most = engine.sweep_qubits(precision)
    if most < 1 or (statevector and program.num_qubits > most):
        return None
    capacity = len(touched_qubits(program))
    if capacity > most:
        return None
    deferred = defer(program)
    # With the state asked for, a reset at the end depends on it: each program runs by itself.
    if not deferred.gates or (statevector and deferred.resets):
        return None
    # Deferral depends on kinds and qubits alone, so it is the same for all programs. Gates keep
    # their order, and are identified by place, since one object may stand at several places.
    places = [
        place
        for place, operation in enumerate(program.operations)
        if not isinstance(operation, (Measure, Reset))
    ]
    assert len(places) == len(deferred.gates)
    size = 1 << capacity
    need = engine.required_bytes(capacity, precision, batch=2)
    need -= engine.required_bytes(capacity, precision)
    need += 40 * size  # the state as planning computes it, weights and their sums
    need += _GATE_BYTES * len(deferred.gates)
    if statevector:
        need += precision.amplitude_bytes << program.num_qubits
    return SweepShape(
        program.num_qubits,
        program.num_clbits,
        tuple(places),
        measurement_event(deferred.measures),
        capacity,
        need,
    )


def run_sweep(
    shape: SweepShape,
    programs: Sequence[Program],
    circuits: Sequence[int],
    engine: Engine,
    settings: RunSettings,
    control: Control,
) -> Iterator[tuple[Outcome, float]]:
    """Run programs of one shape as one batch.

    The caller has reserved the memory of one run, and ``shape.bytes`` for each program.

    Args:
        shape: of the programs.
        programs: the programs.
        circuits: the number of each in its job; ``settings.circuit`` has no meaning.
        engine: one of :meth:`~simquay.engines.base.BaseEngine.sweep_qubits` that are enough.
        settings: of all programs.
        control: checked before each pass, and before each program is sampled.

    Yields:
        For each program, in order: its outcome, as :func:`~simquay.execution.run.run_program`
        gives it, and the seconds that it took, its share of the common work included.

    Raises:
        SweepRefusedError: before the first outcome, where the numbers allow no common plan.
        Cancelled: if ``control`` says so.
    """
    began = time.perf_counter()
    batch, event = len(programs), shape.event
    profile = engine.profile(settings.precision, shape.capacity)
    gates = [shape.gates(program) for program in programs]
    planning = 0.0
    passes = done = 0
    weights: NDArray[np.float64] | None = None
    vectors: NDArray[np.complexfloating[Any]] | None = None
    state = engine.allocate(
        shape.num_qubits, settings.precision, capacity=shape.capacity, batch=batch
    )
    try:
        for parts in zip(*map(portions, gates), strict=True):
            control.check()
            started = time.perf_counter()
            plan = make_sweep_plan(parts, state.layout, profile)
            if plan is None:
                raise SweepRefusedError("no plan serves all circuits of this structure at once")
            planning += time.perf_counter() - started
            passes += len(plan)
            low, done = done, done + len(parts[0])
            total = 2 * len(shape.places)
            engine.apply_sweep(state, plan, control.section(low / total, done / total))
        stored = len(state.layout.order)
        qubits: list[int] = []
        if event is not None:
            qubits = stored_qubits(state, event)
            weights = engine.probabilities(state, qubits, {})
        if settings.statevector:
            vectors = engine.amplitudes(state)
    finally:
        engine.release(state)
    shared = (time.perf_counter() - began) / batch
    words = max((shape.num_clbits + 63) // 64, 1)
    for number, circuit in enumerate(circuits):
        control.check()
        started = time.perf_counter()
        samples = np.zeros((settings.shots, words), dtype=np.uint64)
        if event is not None and weights is not None:
            randomness = Randomness(settings.seed, circuit)
            _sample(samples, weights[number], event, qubits, randomness, settings, control)
        statevector = None if vectors is None else vectors[number].copy()
        seconds = shared + time.perf_counter() - started
        metadata = {
            "branches": 1,
            "passes": passes,
            "stored_qubits": stored,
            "strategy": profile.strategy,
            "planning_time": planning / batch,
            "execution_time": seconds - planning / batch,
        }
        control.report(0.5 + 0.5 * (number + 1) / batch)
        yield Outcome(samples, statevector=statevector, metadata=metadata), seconds


def _sample(
    samples: Samples,
    weights: NDArray[np.float64],
    event: Event,
    qubits: Sequence[int],
    randomness: Randomness,
    settings: RunSettings,
    control: Control,
) -> None:
    """As :func:`~simquay.execution.readout.sample_into`, from the weights of all outcomes."""
    distribution = Distribution(weights)
    for start in range(0, settings.shots, PORTION):
        control.check()
        count = min(PORTION, settings.shots - start)
        draws = randomness.consecutive(0, settings.first_shot + start, count)
        outcomes, _ = distribution.locate(draws)
        write_outcomes(samples, slice(start, start + count), event.writes, qubits, outcomes)
