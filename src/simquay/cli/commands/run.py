"""``simquay run``: run the circuits of a file and show their counts."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simquay.cli.errors import FAILED, OK, CommandError, require_extra
from simquay.cli.options import add_file, add_json, add_precision
from simquay.cli.views.counts import CircuitCounts
from simquay.cli.views.document import print_json, to_json
from simquay.system.version import simquay_version

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction
    from qiskit.providers import JobV1
    from qiskit.result import Result

    from simquay.cli.options import Commands

__all__ = ["add_parser", "execute"]


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "run",
        help="run a circuit and show its counts",
        description="Run every circuit of a file, and show how often each outcome was seen.",
    )
    add_file(parser)
    parser.add_argument(
        "--backend",
        metavar="NAME",
        help="a name from 'simquay backends', or gpu, cpu, auto; default: SIMQUAY_BACKEND, "
        "else auto",
    )
    parser.add_argument(
        "--fallback",
        metavar="NAME",
        help="the backend to use if the first is unavailable; several with commas",
    )
    parser.add_argument("--shots", metavar="N", type=int, help="how many shots; default: 1024")
    parser.add_argument(
        "--seed", metavar="S", type=int, help="the seed; the same seed gives the same counts"
    )
    add_precision(parser)
    parser.add_argument(
        "--measure-all",
        action="store_true",
        help="measure every qubit at the end of a circuit that measures nothing",
    )
    add_json(parser)
    parser.add_argument(
        "--plot", metavar="IMAGE", type=Path, help="also draw the counts: .png, .pdf or .svg"
    )
    parser.set_defaults(execute=execute)


def execute(options: argparse.Namespace) -> int:
    """Run the command.

    Raises:
        CommandError: the input is wrong, or the job failed.
        SimquayError: the backend's name, the file or an option is wrong.
        KeyboardInterrupt: after the job was cancelled.
    """
    # All checks that can be made before the work are made before it.
    if not options.json:
        require_extra("rich", "the terminal histogram")
    if options.plot is not None:
        from simquay.cli.views.plot import check_plot_file

        check_plot_file(options.plot)
    circuits = _load(options.file, options.measure_all)

    from qiskit.exceptions import QiskitError
    from qiskit.providers import JobError

    import simquay
    from simquay.cli.views.progress import wait

    backend = simquay.get_backend(options.backend, fallback=options.fallback)
    try:
        job = backend.run(circuits, **_run_options(options))
    except QiskitError as error:  # of ``run`` itself: wrong input, not a failed job
        raise CommandError(error.message) from error
    wait(job, f"{options.file.name} on {backend.name}")
    try:
        result = job.result()
    except JobError as error:
        raise CommandError(error.message, FAILED) from error
    outcomes = [_counts(circuit, result, index) for index, circuit in enumerate(circuits)]

    if options.json:
        print_json(_document(job, result, outcomes))
    else:
        _show(job, outcomes)
    if options.plot is not None:  # last, so that a full disk cannot lose the counts
        from simquay.cli.views.plot import save_plot

        save_plot(outcomes, options.plot)
    return OK


def _load(path: Path, measure_all: bool) -> list[QuantumCircuit]:
    from simquay.circuits.files import load_circuits

    circuits = load_circuits(path)
    for circuit in circuits:
        if _measures(circuit):
            continue
        if not measure_all:
            raise CommandError(
                f"{path}: circuit {circuit.name!r} measures nothing, so it has no counts; "
                "add a measurement, or give --measure-all"
            )
        circuit.measure_all()
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


def _run_options(options: argparse.Namespace) -> dict[str, Any]:
    """The run options on the command line; the backend has defaults for the others."""
    given = {
        "shots": options.shots,
        "seed_simulator": options.seed,
        "precision": options.precision,
    }
    return {name: value for name, value in given.items() if value is not None}


def _counts(circuit: QuantumCircuit, result: Result, index: int) -> CircuitCounts:
    counts = result.get_counts(index)
    return CircuitCounts(
        name=circuit.name,
        qubits=circuit.num_qubits,
        bits=_bit_names(circuit),
        shots=sum(counts.values()),
        seed=getattr(result.results[index], "seed_simulator", None),
        counts=dict(sorted(counts.items())),
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


def _show(job: JobV1, outcomes: list[CircuitCounts]) -> None:
    from rich.text import Text

    from simquay.cli.console import histogram, make_console, show

    console = make_console()
    for number, outcome in enumerate(outcomes):
        if number:
            show(console, Text(""))
        show(console, histogram(outcome, console))
    show(console, Text(_summary(job), "dim"))


def _summary(job: JobV1) -> str:
    """The backend that ran the job, in one line."""
    facts = job.metadata
    line = f"ran on {job.backend().name}"
    if "device" in facts:
        line += f" ({facts['device']})"
    if "precision" in facts:
        line += f", {facts['precision']} precision"
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
        "circuits": [asdict(outcome) for outcome in outcomes],
    }
