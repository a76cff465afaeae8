"""Runs programs that differ in gates' numbers alone as one batch: a parameter sweep. They are
points of one program, or programs of one shape. Points that are too large for a batch run one after
another, with plans that are made for several at once.

There is one state, with a vector for each program, and one plan; the first axis of its matrices is
the program. Draws depend on (seed, circuit, shot, draw) alone, so samples are those of runs one by
one, up to rounding at a boundary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.execution.branching.deferral import defer
from simquay.execution.branching.saves import saved_bytes
from simquay.execution.branching.steps import Event, measurement_event
from simquay.execution.density.doubling import uniform
from simquay.execution.density.engine import DensityEngine
from simquay.execution.density.method import method_of
from simquay.execution.evolution import Run, SweepRefusedError, Turn, run_gates
from simquay.execution.kinds import KINDS, is_plain, needed_bytes, of_one_state, result_bytes
from simquay.execution.points import Points, unbound
from simquay.execution.run import run_program, run_straight
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.planning import GateSweep, Layout, SweepPlan
from simquay.program import (
    Channel,
    Diagonal,
    Gate,
    Matrix,
    Measure,
    Misread,
    Permutation,
    Program,
    Relabel,
    Reset,
    Save,
)
from simquay.program.equality import same
from simquay.program.program import most_stored_qubits

__all__ = ["Batch", "SweepShape", "Turns", "batches", "run_sweep", "same_shape", "sweep_shape"]

_GATE_BYTES = 1280
"""Bytes for a gate while a plan with products is filled: a share of a cluster's matrix."""

_NUMBER_BYTES = 80
"""Bytes for each of a gate's numbers: in the sweep, in the plan, and while they are computed."""

_TURNS_BYTES = 2 << 20
"""The most bytes of plans that points which run one after another have at a time: little beside the
plans that are kept for later runs."""


@dataclass(frozen=True, slots=True, eq=False)
class SweepShape:
    """The properties that all programs of a batch share.

    Attributes:
        places: where in a program its gates stand, in order.
        event: the measurement at the end; None where there is none.
        resets: qubits that are reset at the end.
        saves: data to save, and how many gates come before each.
        bytes: an estimate of the memory that each program adds to a batch.
        doubled: whether all this is of the doubled programs, which have density matrices.
    """

    places: tuple[int, ...]
    event: Event | None
    resets: tuple[int, ...]
    saves: tuple[tuple[int, Save], ...]
    bytes: int
    doubled: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive programs that run together, or one program by itself.

    Attributes:
        first: the position of the first program.
        count: how many there are.
        alone: bytes that one of them needs by itself.
        results: bytes that the results of each take at most.
        counting: bytes that are needed beside them until they are counted.
        method: by which each is run.
        shape: of the sweep; None for one program by itself.
    """

    first: int
    count: int
    alone: int
    results: int
    counting: int
    method: str
    shape: SweepShape | None = None

    @property
    def need(self) -> int:
        """Bytes to reserve before it runs."""
        return self.alone if self.shape is None else self.alone + self.count * self.shape.bytes

    def one_by_one(self, done: int) -> list[Batch]:
        """Its programs, each by itself, without the ``done`` first."""
        return [
            Batch(self.first + place, 1, self.alone, self.results, self.counting, self.method)
            for place in range(done, self.count)
        ]

    def span(self, total: int) -> tuple[float, float]:
        """The part of a job of ``total`` programs that it is: ``(low, high)``, from 0 to 1."""
        return self.first / total, (self.first + self.count) / total


def batches(
    programs: Sequence[Program], engine: Engine, context: RunContext, shots: int, counted: bool
) -> list[Batch]:
    """All programs in order, each in a batch of those that should run together: consecutive ones
    of one shape, where the engine is faster with several and the memory allows it. ``counted`` says
    whether samples are counted as soon as a program has run."""
    found: list[Batch] = []
    programs = unbound(programs)
    for first, count in _alike(programs):
        one = programs[first]
        plain = is_plain(one)
        ideal = plain and context.method == "automatic"
        method = "statevector" if ideal else method_of(one, context)
        alone = needed_bytes(one, engine, context, shots, plain=plain, method=method)
        results, counting = result_bytes(one, engine, context, shots, counted, plain=plain)
        size = 1
        shape = sweep_shape(one, engine, context, method) if count > 1 else None
        if shape is not None:
            room = engine.sweep_bytes
            if context.max_bytes is not None:
                room = min(room, context.max_bytes - alone)
            most = max(room // shape.bytes, 1)
            size = -(-count // -(-count // most))  # batches of about one size
        for start in range(first, first + count, size):
            members = min(size, first + count - start)
            together = shape if members > 1 else None
            found.append(Batch(start, members, alone, results, counting, method, together))
    return found


def _alike(programs: Sequence[Program]) -> Iterator[tuple[int, int]]:
    """Runs of consecutive programs of one shape: the first's position, and their number."""
    first, count = 0, len(programs)
    while first < count:
        one, end = programs[first], first + 1
        while end < count and (programs[end] is one or same_shape(one, programs[end])):
            end += 1
        yield first, end - first
        first = end


def same_shape(one: Program, other: Program) -> bool:
    """Whether two programs have gates, channels, measurements, resets and saves alone, and are the
    same but for the numbers of matrices, diagonals and amplitudes."""
    if (
        one.num_qubits != other.num_qubits
        or one.num_clbits != other.num_clbits
        or len(one.operations) != len(other.operations)
    ):
        return False
    # Every job of several circuits comes here, so this is written for speed and creates no objects:
    # those that `structure` creates for many gates would keep the garbage collector busy.
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
        elif kind is Channel:
            if first.qubits != second.qubits or first.mixture is not second.mixture:
                return False
        elif kind is Reset:
            if first.qubit != second.qubit:
                return False
        elif kind is Misread:
            if first.clbits != second.clbits or not np.array_equal(
                first.probabilities, second.probabilities
            ):
                return False
        elif kind is Save:
            if not same(first, second):
                return False
        elif not isinstance(first, Gate) or first.structure() != second.structure():
            return False
    return True


def sweep_shape(
    program: Program, engine: Engine, context: RunContext, method: str = "statevector"
) -> SweepShape | None:
    """The shape of ``program`` and of all that :func:`same_shape` says are like it, where they run
    by ``method``; None if they have to run one by one.

    They run as a batch if they consist of gates and saves, then measurements, and are so small that
    the engine is faster with several; those with noise, if they have density matrices.
    """
    precision, of_state = context.precision, of_one_state(context)
    most = engine.sweep_qubits(precision)
    if most < 1 or (of_state and program.num_qubits > most):
        return None
    capacity = most_stored_qubits(program)
    if capacity > most:
        return None
    deferred, twice, operations = defer(program), False, program.operations
    if method == "density_matrix":
        inside = uniform(program)
        deferred, twice, operations = defer(inside), True, inside.operations
        capacity = most_stored_qubits(inside)
        if capacity > most:
            return None
    # With the state asked for, a reset at the end depends on it: each program runs by itself.
    if not deferred.gates or (of_state and deferred.resets):
        return None
    # Deferral depends on kinds and qubits alone, so it is the same for all programs. Gates keep
    # their order, and are identified by place, since one object may stand at several places.
    places = [
        place
        for place, operation in enumerate(operations)
        if not isinstance(operation, (Measure, Misread, Reset, Save))
    ]
    assert len(places) == len(deferred.gates)
    need = engine.required_bytes(capacity, precision, batch=2)
    need -= engine.required_bytes(capacity, precision)
    need += 40 << capacity  # the state as planning computes it, weights and their sums
    if not engine.profile(precision, capacity).direct_sweeps:
        need += _GATE_BYTES * len(deferred.gates)
    need += _NUMBER_BYTES * sum([_numbers_of(gate) for gate in deferred.gates])
    need += sum(KINDS[name].needed_bytes(program, context, 0) for name in context.wanted)
    need += 2 * saved_bytes(program, precision, context.shots)  # all rows, and each by itself
    event = measurement_event(deferred.measures, deferred.misreads)
    return SweepShape(tuple(places), event, deferred.resets, deferred.saves, need, twice)


def _numbers_of(gate: Gate) -> int:
    """The most numbers that a gate has."""
    if isinstance(gate, (Permutation, Relabel)):
        return 0
    return 1 << len(gate.qubits) * (1 if gate.is_diagonal else 2)


def run_sweep(
    shape: SweepShape,
    programs: Sequence[Program],
    engine: Engine,
    context: RunContext,
    control: Control,
    piece: Piece,
) -> Iterator[tuple[Outcome, float]]:
    """Run programs of one shape as one batch.

    The caller has reserved the memory of one run, and ``shape.bytes`` for each program.

    Args:
        shape: of the programs.
        programs: the programs.
        engine: one of :meth:`~simquay.engines.base.BaseEngine.sweep_qubits` that are enough.
        context: of the job.
        control: checked before each pass, and before each program is sampled.
        piece: the number of each program in its job, and the shots to run.

    Yields:
        For each program, in order: its outcome, as :func:`~simquay.execution.run.run_program`
        gives it, and the seconds that it took, its share of the common work included.

    Raises:
        SweepRefusedError: before the first outcome, where the numbers allow no common plan.
        Cancelled: if ``control`` says so.
    """

    def gates(program: Program) -> list[Any]:
        return [program.operations[place] for place in shape.places]

    if shape.doubled:
        programs, engine = [*map(uniform, programs)], DensityEngine(engine)
    if isinstance(programs, Points) and len(programs.groups) == 1:
        (program, angles) = programs.groups[0]
        sweep = GateSweep.at(gates(program), angles)
    else:
        sweep = GateSweep.of([*map(gates, programs)])
    run = Run(unbound(programs)[0], engine, context, piece, control)
    run.method = "density_matrix" if shape.doubled else None
    yield from run_gates(run, sweep, shape.event, shape.resets, shape.saves)


class Turns:
    """Points of one program that run one after another. Their gates are not made for each point:
    the numbers of several, and their plans, are computed at once.

    Args:
        program: the program.
        angles: of the points, shape ``(points, program.num_angles)``.
        engine: runs them.
        context: of the job.
    """

    def __init__(
        self, program: Program, angles: NDArray[np.float64], engine: Engine, context: RunContext
    ) -> None:
        self._program = program
        self._angles = angles
        self._engine = engine
        self._context = context
        self._deferred = defer(program)
        gates = self._deferred.gates or ()
        self._capacity = most_stored_qubits(program)
        profile = engine.profile(context.precision, self._capacity)
        # Plans of the tiled strategy alone are apart by vector.
        self._bound = (
            len(angles) < 2
            or not gates
            or bool(self._deferred.saves)
            or profile.strategy != "tiled"
        )
        size = _GATE_BYTES * len(gates) + _NUMBER_BYTES * sum(map(_numbers_of, gates))
        self._members = max(_TURNS_BYTES // max(size, 1), 1)
        self._first = -self._members
        self._sweep = GateSweep((), 0)
        self._plans: dict[tuple[tuple[int, int], Layout], SweepPlan | None] = {}

    def run(
        self, number: int, control: Control, piece: Piece, method: str | None = None
    ) -> Outcome:
        """Run point ``number``, as :func:`~simquay.execution.run.run_program` runs its program."""
        if not self._bound:
            with suppress(SweepRefusedError):
                return self._run(number, control, piece)
            self._bound = True
        program = self._program.at(self._angles[number])
        return run_program(program, self._engine, self._context, control, piece, method=method)

    def _run(self, number: int, control: Control, piece: Piece) -> Outcome:
        control.check()
        for kind in self._context.wanted:
            KINDS[kind].check(self._program, self._context)
        if not 0 <= number - self._first < self._members:
            self._first, self._plans = number, {}
            angles = self._angles[number : number + self._members]
            self._sweep = GateSweep.at(self._deferred.gates or (), angles)
        run = Run(
            self._program,
            self._engine,
            self._context,
            piece,
            control,
            capacity=self._capacity,
        )
        turn = Turn(self._sweep, number - self._first, self._plans)
        return run_straight(run, self._deferred, turn)
