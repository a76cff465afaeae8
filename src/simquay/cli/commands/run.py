"""``simquay run``: run the circuits of a file and show their counts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simquay.cli.errors import OK, CommandError, require_extra
from simquay.cli.messages import say
from simquay.cli.options import (
    Command,
    chosen_backend,
    circuits_on_a_backend,
    json_option,
    keep_options,
    kept,
    noise_given,
    noise_options,
    option_option,
    precision_option,
    seed_option,
    shots_option,
)
from simquay.cli.output import output
from simquay.cli.parameters import bound
from simquay.cli.views.document import check_target, print_json, save_json
from simquay.cli.views.jobs import job_facts, result_of, summary
from simquay.cli.views.outcomes import documents, outcomes_of, show_outcomes
from simquay.errors import one_line

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction

__all__ = ["command"]


@click.command("run", cls=Command, short_help="Run a circuit and show its counts.")
@circuits_on_a_backend
@shots_option
@seed_option
@precision_option
@noise_options
@option_option
@keep_options
@click.option(
    "--measure-all",
    is_flag=True,
    help="measure every qubit at the end of a circuit that measures nothing",
)
@click.option("--statevector", is_flag=True, help="also show the amplitudes of the final state")
@json_option
@click.option(
    "--output",
    "saved",
    metavar="JSON",
    type=click.Path(path_type=Path),
    help="also write the JSON document into a file",
)
@click.option(
    "--plot",
    metavar="IMAGE",
    type=click.Path(path_type=Path),
    help="also draw the counts: .png, .pdf or .svg",
)
def command(
    *,
    file: Path,
    format: str | None,
    backend: str | None,
    fallback: str | None,
    bind: dict[str, list[float]],
    measure_all: bool,
    statevector: bool,
    as_json: bool,
    saved: Path | None,
    plot: Path | None,
    **settings: Any,
) -> int:
    """Run every circuit of FILE (- is standard input), and show how often each outcome was seen.

    FILE is OpenQASM 2 or 3 (.qasm) or QPY (.qpy).
    """
    # All checks that can be made before the work are made before it.
    if not as_json:
        require_extra("rich", "the terminal histogram")
    if saved is not None:
        check_target("--output", saved)
    if plot is not None:
        from simquay.cli.views.plot import check_plot_file

        check_plot_file(plot)
    circuits = bound(_load(file, format, measure_all, statevector), bind)
    if plot is not None:
        from simquay.cli.views.plot import check_plot_size

        check_plot_size(len(circuits))

    from qiskit.exceptions import QiskitError

    chosen = chosen_backend(backend, fallback)
    try:
        job = chosen.run([one.circuit for one in circuits], **_run_options(settings, statevector))
    except QiskitError as error:  # of ``run`` itself: wrong input, not a failed job
        raise CommandError(error.message) from error
    result = result_of(job, file.name)
    points = [one.point for one in circuits]
    outcomes = outcomes_of(result, points, statevector)
    document = {**job_facts(job, getattr(result, "time_taken", None)), **documents(outcomes)}

    if as_json:
        print_json(document)
    else:
        show_outcomes(outcomes, summary(job, document["seconds"], loading=True))
    if saved is not None:  # last, so that a full disk cannot lose the counts
        save_json(document, saved)
    if plot is not None:
        from simquay.cli.views.plot import save_plot

        save_plot(outcomes, plot)
        if as_json:
            say("note", f"the plot is in {plot}")
        else:
            output().write(one_line(f"the plot is in {plot}") + "\n")
    return OK


def _load(
    path: Path, format: str | None, measure_all: bool, statevector: bool
) -> list[QuantumCircuit]:
    from simquay.circuits.files import load_circuits

    circuits = load_circuits(path, format)
    for circuit in circuits:
        if _measures(circuit):
            continue
        if measure_all:
            circuit.measure_all()
        elif not statevector:
            raise CommandError(
                f"{path}: circuit {circuit.name!r} measures nothing, so it has no counts; "
                "add a measurement, or give --measure-all or --statevector"
            )
    return circuits


def _measures(circuit: QuantumCircuit) -> bool:
    """Whether anything in ``circuit`` writes a classical bit."""
    return any(_writes(instruction) for instruction in circuit.data)


def _writes(instruction: CircuitInstruction) -> bool:
    operation = instruction.operation
    if operation.name == "measure":
        return True
    if operation.name == "store":  # into a classical bit or register, or a standalone variable
        from qiskit.circuit.classical import expr

        return not all(variable.standalone for variable in expr.iter_vars(operation.lvalue))
    if blocks := getattr(operation, "blocks", ()):
        return any(_measures(block) for block in blocks)
    # A user-defined instruction may measure inside. Without classical bits it cannot, and then its
    # definition, which may be long, is not built.
    definition = operation.definition if instruction.clbits else None
    return definition is not None and _measures(definition)


def _run_options(settings: Mapping[str, Any], statevector: bool) -> dict[str, Any]:
    """The run options on the command line; the backend has defaults for the others."""
    given = {
        "shots": settings["shots"],
        "seed_simulator": settings["seed"],
        "precision": settings["precision"],
        "statevector": statevector or None,
    }
    return {
        **{name: value for name, value in given.items() if value is not None},
        **noise_given(settings["noise"], settings["method"]),
        **kept(settings["keep"], settings["tags"]),
        **settings["more"],
    }
