"""``simquay plan``: the passes that an engine would make of a circuit."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simquay.cli.errors import OK, USAGE, CommandError
from simquay.cli.options import (
    Command,
    chosen_backend,
    circuits_on_a_backend,
    noise_given,
    noise_options,
    precision_option,
    shots_option,
)
from simquay.cli.output import output
from simquay.cli.parameters import bound
from simquay.cli.views.counts import at_point, counted
from simquay.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simquay.engines.base import Engine
    from simquay.execution.settings import RunContext
    from simquay.planning import Plan
    from simquay.program import Gate, Precision, Program

__all__ = ["command"]


@click.command("plan", cls=Command, short_help="Show the passes that an engine would make.")
@circuits_on_a_backend
@precision_option
@shots_option
@noise_options
def command(
    *,
    file: Path,
    format: str | None,
    backend: str | None,
    fallback: str | None,
    bind: dict[str, list[float]],
    precision: str | None,
    shots: int | None,
    noise: str | None,
    method: str | None,
) -> int:
    """Show, for every circuit of FILE, the passes over the state that would compute it.

    For each: qubits, operations, flops, bytes, and the predicted share. The engine is that which
    'simquay run' would take. Nothing is run. With noise, the passes are those of the density
    matrix, or of one trajectory without errors.
    """
    from simquay.circuits.files import load_circuits
    from simquay.circuits.lowering.circuit import lower
    from simquay.planning import explain
    from simquay.simulators.options import resolve

    given = {"precision": precision, "shots": shots, **noise_given(noise, method)}
    circuits = bound(load_circuits(file, format), bind)
    chosen = chosen_backend(backend, fallback)
    engine = getattr(chosen, "engine", None)
    if engine is None:
        raise CommandError(
            f"backend {chosen.name!r} has no engine of Simquay that makes plans; "
            "use numpy or another engine from 'simquay backends'",
            USAGE,
        )
    context, model, _ = resolve(chosen.options, given)
    tell = partial(print, file=output())
    for number, (circuit, point) in enumerate(circuits):
        program, run_by, how = _by_method(lower(circuit, model), engine, context)
        plans = list(_plans(program, run_by, context.precision))
        if number:
            tell("")
        qubits = counted(circuit.num_qubits, "qubit")
        tell(one_line(f"{at_point(circuit.name, point)}: {qubits} on {chosen.name}{how}"))
        if not plans:
            tell("no gates: nothing to plan")
        for section, plan in enumerate(plans):
            if len(plans) > 1:
                tell(f"section {section + 1} of {len(plans)}:")
            tell("\n".join(map(one_line, explain(plan, context.precision).split("\n"))))
    return OK


def _by_method(
    program: Program, engine: Engine, context: RunContext
) -> tuple[Program, Engine, str]:
    """What is planned for a program, and for which engine; and how it is run, in words that may be
    empty."""
    from simquay.execution.branching.deferral import defer
    from simquay.execution.density.doubling import doubled
    from simquay.execution.density.method import check_density, method_of
    from simquay.execution.density.packing import packed
    from simquay.execution.trajectories.prediction import predicted_evolutions

    method = method_of(program, context)
    if method == "trajectories":
        work = f"{predicted_evolutions(program, context.shots):.3g} evolutions"
        how = f", trajectories: about {work} for {counted(context.shots, 'shot')}"
        return program, engine, how
    if method != "density_matrix":
        return program, engine, ""
    deferred = defer(program)
    check_density(program, deferred, context)
    twice = doubled(program, deferred)
    return twice, packed(twice, engine), ", density matrix: a state of twice as many qubits"


def _plans(program: Program, engine: Engine, precision: Precision) -> Iterator[Plan]:
    """A plan for each section of gates between measurements and branches, in program order.

    A section is planned from the layout in which the plan before it, in that order, ends.
    """
    from simquay.execution.branching.compiler import compile_steps
    from simquay.execution.branching.deferral import defer
    from simquay.execution.branching.steps import Evolve, Gates
    from simquay.execution.density.packing import PackingEngine
    from simquay.planning import Layout, make_plan
    from simquay.program.program import most_stored_qubits

    # The plan of repeated runs: the first run of a small circuit may do without a search.
    profile = replace(engine.profile(precision, most_stored_qubits(program)), direct=0)
    layout = engine.start if isinstance(engine, PackingEngine) else Layout()
    steps = compile_steps(defer(program)).steps
    for step, before in zip(steps, [None, *steps], strict=False):
        if isinstance(step, Gates):
            gates: Sequence[Gate] = step.gates
        elif isinstance(step, Evolve) and not step.start and step is not before:  # it stands twice
            gates = step.segment.gates(())
        else:
            continue
        plan = make_plan(gates, layout, profile)
        layout = plan.final
        yield plan
