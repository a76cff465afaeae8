"""Runs one program on one engine."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.execution.branching.compiler import compile_steps, portions
from simquay.execution.branching.deferral import Deferred, defer
from simquay.execution.branching.dynamic import run_dynamic
from simquay.execution.branching.steps import measurement_event
from simquay.execution.memory import MemorySource, ledger_for
from simquay.execution.randomness import Randomness
from simquay.execution.readout import (
    Samples,
    check_statevector,
    final_resets,
    sample_into,
    vector,
)
from simquay.execution.settings import Outcome, RunSettings
from simquay.planning import make_plan
from simquay.program import GateOperation, Program
from simquay.program.program import touched_qubits

__all__ = ["run_program"]


def run_program(
    program: Program,
    engine: Engine,
    settings: RunSettings,
    control: Control,
    *,
    memory: MemorySource | None = None,
) -> Outcome:
    """Run ``program`` on ``engine``.

    The caller has reserved the memory of one state
    (:func:`~simquay.execution.memory.required_bytes`). Copies that branching makes are reserved
    from ``memory``, by default the ledger of the engine's device; where it has no room, shots are
    replayed from the start instead.

    With ``settings.statevector`` the outcome holds the final state, before the measurements that
    were deferred to the end (those that nothing depends on); a program whose last operations are
    measurements gives the state that they measure. ``Save`` keeps the state where it stands: a
    measurement before it has happened.

    Raises:
        Cancelled: if ``control`` says so; checked before each pass, step and sampled block.
        ManyStatesError: if one state is asked for where measurement or reset made several.
        OutOfMemoryError: if a state vector to be returned does not fit the host's memory.
        ProgramError: for a program that makes no sense, such as a break outside a loop, or that
            fails as it runs, such as a variable that is read before it is stored.
    """
    control.check()
    if settings.statevector:
        check_statevector(program, settings.precision)
    deferred = defer(program)
    capacity = len(touched_qubits(program))
    samples = np.zeros((settings.shots, max((program.num_clbits + 63) // 64, 1)), dtype=np.uint64)
    if deferred.gates is not None:
        outcome = _run_straight(
            program, deferred.gates, deferred, capacity, engine, settings, control, samples
        )
    else:
        source = ledger_for(engine) if memory is None else memory
        steps = compile_steps(deferred)
        outcome = run_dynamic(program, steps, capacity, engine, settings, control, source, samples)
    control.report(1.0)
    return outcome


def _run_straight(
    program: Program,
    gates: Sequence[GateOperation],
    deferred: Deferred,
    capacity: int,
    engine: Engine,
    settings: RunSettings,
    control: Control,
    samples: Samples,
) -> Outcome:
    """Run gates, and then at most measurements: few plans, and one sampling."""
    started = time.perf_counter()
    profile = engine.profile(settings.precision, capacity)
    planning_time = 0.0
    passes = 0
    statevector = None
    state = engine.allocate(program.num_qubits, settings.precision, capacity=capacity)
    try:
        done = 0
        for portion in portions(gates):
            control.check()
            began = time.perf_counter()
            plan = make_plan(portion, state.layout, profile)
            planning_time += time.perf_counter() - began
            passes += len(plan)
            low, done = done, done + len(portion)
            here = control.section(0.9 * low / len(gates), 0.9 * done / len(gates))
            engine.apply(state, plan, here)
        event = measurement_event(deferred.measures)
        if event is not None:
            sample_into(
                samples,
                engine,
                state,
                event,
                Randomness(settings.seed, settings.circuit),
                0,
                range(settings.shots),
                settings.first_shot,
                control.section(0.9, 0.999),
            )
        if settings.statevector:
            final_resets(engine, state, deferred.resets, settings.precision, program.name)
            statevector = vector(engine, state)
        stored = len(state.layout.order)
    finally:
        engine.release(state)
    return Outcome(
        samples,
        statevector=statevector,
        metadata={
            "branches": 1,
            "passes": passes,
            "stored_qubits": stored,
            "strategy": profile.strategy,
            "planning_time": planning_time,
            "execution_time": time.perf_counter() - started - planning_time,
        },
    )
