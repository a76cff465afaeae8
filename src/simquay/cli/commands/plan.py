"""``simquay plan``: the passes that an engine would make of a circuit."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from simquay.cli.errors import OK, USAGE, CommandError
from simquay.cli.options import add_file, add_precision
from simquay.cli.views.counts import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simquay.cli.options import Commands
    from simquay.engines.base import Engine
    from simquay.planning import Plan
    from simquay.program import Precision, Program

__all__ = ["add_parser", "execute"]


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "plan",
        help="show the passes that an engine would make of a circuit",
        description="Show, for every circuit of a file, the passes over the state that would "
        "compute it: qubits, operations, flops, bytes, and the predicted share of each. "
        "Nothing is run.",
    )
    add_file(parser)
    parser.add_argument(
        "--engine",
        metavar="NAME",
        default="numpy",
        help="the backend whose engine to plan for; default: numpy",
    )
    add_precision(parser, default="double")
    parser.set_defaults(execute=execute)


def execute(options: argparse.Namespace) -> int:
    """Run the command.

    Raises:
        CommandError: the backend has no engine that plans.
        SimquayError: the backend's name or the file is wrong.
    """
    import simquay
    from simquay.circuits.files import load_circuits
    from simquay.circuits.lowering.circuit import lower
    from simquay.planning import explain
    from simquay.program import Precision

    circuits = load_circuits(options.file)
    backend = simquay.get_backend(options.engine)
    engine = getattr(backend, "engine", None)
    if engine is None:
        raise CommandError(
            f"backend {backend.name!r} has no engine of Simquay that makes plans; "
            "use numpy or another engine from 'simquay backends'",
            USAGE,
        )
    precision = Precision(options.precision)
    for number, circuit in enumerate(circuits):
        if number:
            print()
        print(f"{circuit.name}: {counted(circuit.num_qubits, 'qubit')} on {backend.name}")
        plans = list(_plans(lower(circuit), engine, precision))
        if not plans:
            print("no gates: nothing to plan")
        for section, plan in enumerate(plans):
            if len(plans) > 1:
                print(f"section {section + 1} of {len(plans)}:")
            print(explain(plan, precision))
    return OK


def _plans(program: Program, engine: Engine, precision: Precision) -> Iterator[Plan]:
    """A plan for each section of gates between measurements and branches, in program order.

    A section is planned from the layout in which the plan before it, in that order, ends.
    """
    from simquay.execution.branching.compiler import compile_steps
    from simquay.execution.branching.deferral import defer
    from simquay.execution.branching.steps import Gates
    from simquay.planning import Layout, make_plan
    from simquay.program.program import most_stored_qubits

    # The plan of repeated runs: the first run of a small circuit may do without a search.
    profile = replace(engine.profile(precision, most_stored_qubits(program)), direct=0)
    layout = Layout()
    for step in compile_steps(defer(program)).steps:
        if isinstance(step, Gates):
            plan = make_plan(step.gates, layout, profile)
            layout = plan.final
            yield plan
