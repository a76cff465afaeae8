"""Runs one program on one engine."""

from __future__ import annotations

from collections.abc import Sequence

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.execution.branching.compiler import compile_steps
from simquay.execution.branching.deferral import Deferred, defer
from simquay.execution.branching.dynamic import run_dynamic
from simquay.execution.branching.exact import run_exact
from simquay.execution.branching.steps import measurement_event
from simquay.execution.density.doubling import doubled
from simquay.execution.density.engine import DensityEngine
from simquay.execution.density.method import check_density, method_of
from simquay.execution.density.packing import packed
from simquay.execution.evolution import Run, Turn, run_gates
from simquay.execution.kinds import KINDS
from simquay.execution.memory import MemorySource
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.program import Gate, Program

__all__ = ["run_program", "run_straight"]


def run_program(
    program: Program,
    engine: Engine,
    context: RunContext,
    control: Control,
    piece: Piece | None = None,
    *,
    memory: MemorySource | None = None,
    method: str | None = None,
) -> Outcome:
    """Run ``program`` on ``engine``.

    The caller has reserved the memory of one run
    (:func:`~simquay.execution.kinds.needed_bytes`). Copies that branching makes are reserved from
    ``memory``, by default the ledger of the engine's device within ``context.max_bytes``; where it
    has no room, shots are replayed from the start instead.

    ``piece`` is the program's number in its job and the shots to run; None for all shots of the
    first.

    With ``statevector`` among the results wanted, the outcome holds the final state, before the
    measurements that were deferred to the end (those that nothing depends on); a program whose last
    operations are measurements gives the state that they measure. ``Save`` keeps the state where it
    stands: a measurement before it has happened.

    A program with noise is run by ``method``, by default that of
    :func:`~simquay.execution.density.method.method_of`; a
    ``density_matrix`` that is wanted is its state averaged over all that noise, measurements and
    resets may do.

    Raises:
        Cancelled: if ``control`` says so; checked before each pass, step and sampled block.
        ManyStatesError: if one state is asked for where measurement or reset made several.
        OutOfMemoryError: if a state vector to be returned does not fit the host's memory.
        ProgramError: for a program that makes no sense, such as a break outside a loop, that
            fails as it runs, such as a variable that is read before it is stored, or that has no
            density matrix where one is asked for by ``context.method``.
    """
    control.check()
    for kind in context.wanted:
        KINDS[kind].check(program, context)
    if piece is None:
        piece = Piece((0,), 0, context.shots)
    deferred = defer(program)
    if deferred.gates is None or deferred.saves:
        KINDS["saved"].check(program, context)
    if deferred.gates is None:
        if (method or method_of(program, context)) == "density_matrix":
            return _run_density(program, deferred, engine, context, control, piece)
        steps = compile_steps(deferred)
        run = Run(program, engine, context, piece, control, memory)
        outcome = run_dynamic(run, steps) if piece.shots else run_exact(run, steps)
        control.report(1.0)
        return outcome
    run = Run(program, engine, context, piece, control)
    return run_straight(run, deferred, deferred.gates)


def _run_density(
    program: Program,
    deferred: Deferred,
    engine: Engine,
    context: RunContext,
    control: Control,
    piece: Piece,
) -> Outcome:
    """Run a program with noise as gates on its density matrix."""
    check_density(program, deferred, context)
    twice = doubled(program, deferred)
    deferred = defer(twice)
    assert deferred.gates is not None
    run = Run(twice, DensityEngine(packed(twice, engine)), context, piece, control)
    run.method = "density_matrix"
    return run_straight(run, deferred, deferred.gates)


def run_straight(run: Run, deferred: Deferred, gates: Sequence[Gate] | Turn) -> Outcome:
    """Run ``gates``, which are those of the deferred program, and what follows them there."""
    event = measurement_event(deferred.measures, deferred.misreads)
    [(outcome, _)] = run_gates(run, gates, event, deferred.resets, deferred.saves)
    return outcome
