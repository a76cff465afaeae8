"""``simquay run``: run the circuits of a file and show their counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simquay.cli.errors import OK, CommandError, require_extra
from simquay.cli.messages import say
from simquay.cli.options import (
    Command,
    circuits_on_a_backend,
    json_option,
    noise_given,
    noise_options,
    option_option,
    precision_option,
    seed_option,
    shots_option,
)
from simquay.cli.output import output
from simquay.cli.parameters import BoundCircuit, bound
from simquay.cli.views.counts import CircuitCounts
from simquay.cli.views.document import check_target, print_json, save_json
from simquay.cli.views.jobs import job_facts, result_of, summary
from simquay.errors import one_line

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction
    from qiskit.providers import JobV1
    from qiskit.result import Result

__all__ = ["command"]


@click.command("run", cls=Command, short_help="Run a circuit and show its counts.")
@circuits_on_a_backend
@shots_option
@seed_option
@precision_option
@noise_options
@option_option
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

    import simquay

    chosen = simquay.get_backend(backend, fallback=fallback)
    try:
        job = chosen.run([one.circuit for one in circuits], **_run_options(settings, statevector))
    except QiskitError as error:  # of ``run`` itself: wrong input, not a failed job
        raise CommandError(error.message) from error
    result = result_of(job, file)
    outcomes = [_counts(one, result, index, statevector) for index, one in enumerate(circuits)]

    if as_json:
        print_json(_document(job, result, outcomes))
    else:
        _show(job, result, outcomes)
    if saved is not None:  # last, so that a full disk cannot lose the counts
        save_json(_document(job, result, outcomes), saved)
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
        **settings["more"],
    }


def _counts(one: BoundCircuit, result: Result, index: int, statevector: bool) -> CircuitCounts:
    circuit = one.circuit
    experiment = result.results[index]
    has_counts = hasattr(experiment.data, "counts")
    counts = result.get_counts(index) if has_counts else {}
    return CircuitCounts(
        name=circuit.name,
        qubits=circuit.num_qubits,
        bits=_bit_names(circuit) if has_counts else "",
        shots=sum(counts.values()),
        seed=getattr(experiment, "seed_simulator", None),
        counts=dict(sorted(counts.items())),
        method=(getattr(experiment, "metadata", None) or {}).get("method"),
        parameters=dict(one.point),
        statevector=list(result.get_statevector(index).data) if statevector else None,
    )


def _bit_names(circuit: QuantumCircuit) -> str:
    """The names of an outcome's bits, left to right: the last register's last bit comes first."""
    named = [bit for register in circuit.cregs for bit in register]
    if named != list(circuit.clbits):  # registers that overlap, or bits without one
        return f"classical bits {circuit.num_clbits - 1} to 0, left to right"
    names = [
        f"{register.name}[{register.size - 1}..0]" if register.size > 1 else f"{register.name}[0]"
        for register in reversed(circuit.cregs)
    ]
    return " ".join(names) + ", left to right"


def _show(job: JobV1, result: Result, outcomes: list[CircuitCounts]) -> None:
    from rich.text import Text

    from simquay.cli.console import amplitudes, histogram, make_console, show

    console = make_console()
    for number, outcome in enumerate(outcomes):
        if number:
            show(console, Text(""))
        show(console, histogram(outcome, console))
        if outcome.statevector is not None:
            show(console, amplitudes(outcome.statevector))
    show(console, Text(one_line(summary(job, getattr(result, "time_taken", None))), "dim"))


def _document(job: JobV1, result: Result, outcomes: list[CircuitCounts]) -> dict[str, Any]:
    """The run as a JSON object, as docs/reference/cli.md describes it."""
    return {
        **job_facts(job, getattr(result, "time_taken", None)),
        "circuits": [_circuit_document(outcome) for outcome in outcomes],
    }


def _circuit_document(outcome: CircuitCounts) -> dict[str, Any]:
    document = asdict(outcome)
    if (amplitudes := document.pop("statevector")) is not None:
        document["statevector"] = [[one.real, one.imag] for one in amplitudes]
    return document
