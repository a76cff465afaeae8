"""``simquay run``: run the circuits of a file and show their counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simquay.cli.errors import FAILED, OK, CommandError, require_extra
from simquay.cli.messages import say
from simquay.cli.options import (
    Command,
    backend_option,
    fallback_option,
    file_argument,
    format_option,
    json_option,
    precision_option,
)
from simquay.cli.output import output
from simquay.cli.parameters import assignments, bind_option, bound
from simquay.cli.views.counts import CircuitCounts
from simquay.cli.views.document import check_target, print_json, save_json, to_json
from simquay.errors import one_line
from simquay.system.version import simquay_version

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction
    from qiskit.providers import JobV1
    from qiskit.result import Result

__all__ = ["command"]


@click.command("run", cls=Command, short_help="Run a circuit and show its counts.")
@file_argument
@format_option
@backend_option
@fallback_option
@click.option("--shots", metavar="N", type=int, help="how many shots; default: 1024")
@click.option("--seed", metavar="S", type=int, help="the seed; the same seed gives the same counts")
@precision_option
@click.option(
    "--option",
    "more",
    metavar="NAME=VALUE",
    callback=assignments,
    multiple=True,
    help="any option of the backend's run, such as max_memory_mb=500; may be repeated",
)
@bind_option
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
    bind: dict[str, float],
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
    from qiskit.providers import JobError

    import simquay
    from simquay.cli.views.progress import wait

    chosen = simquay.get_backend(backend, fallback=fallback)
    try:
        job = chosen.run(circuits, **_run_options(settings, statevector))
    except QiskitError as error:  # of ``run`` itself: wrong input, not a failed job
        hint = "; give --bind NAME=VALUE" if any(one.parameters for one in circuits) else ""
        raise CommandError(error.message + hint) from error
    wait(job, f"{'standard input' if str(file) == '-' else file.name} on {chosen.name}")
    try:
        result = job.result()
    except JobError as error:
        raise CommandError(error.message, FAILED) from error
    outcomes = [
        _counts(circuit, result, index, statevector) for index, circuit in enumerate(circuits)
    ]

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
        **settings["more"],
    }


def _counts(
    circuit: QuantumCircuit, result: Result, index: int, statevector: bool
) -> CircuitCounts:
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
    show(console, Text(one_line(_summary(job, result)), "dim"))


def _summary(job: JobV1, result: Result) -> str:
    """The backend that ran the job, and the time that it took, in one line."""
    facts = job.metadata
    line = f"ran on {job.backend().name}"
    if "device" in facts:
        line += f" ({facts['device']})"
    if "precision" in facts:
        line += f", {facts['precision']} precision"
    if (seconds := getattr(result, "time_taken", None)) is not None:
        line += f", in {seconds:.3g} s"
    if facts.get("fallback"):
        line += f", in place of {facts['fallback']['from']}"
    return line


def _document(job: JobV1, result: Result, outcomes: list[CircuitCounts]) -> dict[str, Any]:
    """The run as a JSON object, as docs/reference/cli.md describes it."""
    return {
        "simquay": simquay_version(),
        "backend": job.backend().name,
        "job_id": job.job_id(),
        "seconds": getattr(result, "time_taken", None),
        "metadata": to_json(job.metadata),
        "circuits": [_circuit_document(outcome) for outcome in outcomes],
    }


def _circuit_document(outcome: CircuitCounts) -> dict[str, Any]:
    document = asdict(outcome)
    if (amplitudes := document.pop("statevector")) is not None:
        document["statevector"] = [[one.real, one.imag] for one in amplitudes]
    return document
