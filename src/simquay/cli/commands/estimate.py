"""``simquay estimate``: expectation values of observables in the circuits of a file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from simquay.cli.errors import OK, CommandError, require_extra
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
    seed_option,
)
from simquay.cli.parameters import Point, arithmetic, points_of
from simquay.cli.views.counts import at_point, counted
from simquay.cli.views.document import print_json
from simquay.cli.views.jobs import job_facts, result_of, summary
from simquay.errors import one_line

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.primitives import PrimitiveResult, PubResult
    from qiskit.providers import JobV1

__all__ = ["command"]

_LETTERS = "IXYZ01+-rl"
_WIDEST = 40  # characters of an observable in the table


class _Observable(NamedTuple):
    """An observable on the command line: its text, and its terms, with real coefficients."""

    text: str
    terms: list[tuple[str, float]]

    def told(self, value: float, digits: float) -> str:
        """A value with the digits that mean something: nothing that rounding alone has left."""
        weight = sum(abs(coefficient) for _, coefficient in self.terms)
        return f"{value if abs(value) > digits * weight else 0.0:.9g}"


def _observables(
    ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]
) -> list[_Observable]:
    """The observables of ``LABEL:COEFFICIENT,...``; a coefficient that is left out is 1.

    Raises:
        click.BadParameter: a text is of another form.
    """
    try:
        return [_Observable(text, [_term(one) for one in text.split(",")]) for text in texts]
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


def _term(text: str) -> tuple[str, float]:
    label, colon, number = map(str.strip, text.partition(":"))
    if not label or not set(label) <= set(_LETTERS):
        raise ValueError(f"{text!r}: expected a label of the letters {_LETTERS}")
    try:
        coefficient = arithmetic(number) if colon else 1.0
    except (ArithmeticError, SyntaxError, ValueError) as error:
        raise ValueError(f"{text!r}: expected LABEL:COEFFICIENT, such as ZZ:0.5") from error
    if isinstance(coefficient, complex):
        raise ValueError(f"{text!r}: the coefficient is complex; expected a real number")
    if not math.isfinite(coefficient):
        raise ValueError(f"{text!r}: the coefficient is not finite")
    return label, float(coefficient)


@click.command("estimate", cls=Command, short_help="Show expectation values of observables.")
@circuits_on_a_backend
@click.option(
    "--observable",
    "observables",
    metavar="TERMS",
    callback=_observables,
    multiple=True,
    required=True,
    help="labels with their coefficients, such as ZZ:1.0,XI:0.5, the leftmost letter for the last "
    "qubit; letters are IXYZ and the projectors 01+-rl; may be repeated",
)
@click.option(
    "--precision",
    metavar="P",
    type=float,
    default=0.0,
    help="the standard error of each value; default: 0, which is exact",
)
@seed_option
@noise_options
@option_option
@keep_options
@json_option
def command(
    *,
    file: Path,
    format: str | None,
    backend: str | None,
    fallback: str | None,
    bind: dict[str, list[float]],
    observables: list[_Observable],
    precision: float,
    seed: int | None,
    noise: str | None,
    method: str | None,
    more: dict[str, Any],
    keep: bool,
    tags: tuple[str, ...],
    as_json: bool,
) -> int:
    """Show the expectation values of observables in every circuit of FILE (- is standard input).

    FILE is OpenQASM 2 or 3 (.qasm) or QPY (.qpy).
    """
    if not as_json:
        require_extra("rich", "the table")
    from simquay.circuits.files import load_circuits

    options = {**noise_given(noise, method), **kept(keep, tags), **more}
    circuits = load_circuits(file, format)
    points = points_of(circuits, bind)
    for circuit in circuits:
        _check_widths(circuit, observables)

    from qiskit.exceptions import QiskitError

    from simquay.primitives import EstimatorV2

    chosen = chosen_backend(backend, fallback)
    pubs = [_pub(*one, observables) for one in zip(circuits, points, strict=True)]
    try:
        estimator = EstimatorV2(chosen, default_precision=precision, seed=seed, options=options)
        job = estimator.run(pubs)
    except (QiskitError, ValueError) as error:  # wrong input, not a failed job
        raise CommandError(getattr(error, "message", str(error))) from error
    result = result_of(job, file.name)
    if as_json:
        print_json(_document(job, result, circuits, points, observables))
    else:
        _show(job, result, circuits, points, observables)
    return OK


def _check_widths(circuit: QuantumCircuit, observables: list[_Observable]) -> None:
    for observable in observables:
        for label, _ in observable.terms:
            if len(label) != circuit.num_qubits:
                raise CommandError(
                    f"--observable {observable.text}: {label} has "
                    f"{counted(len(label), 'letter')}; circuit {circuit.name!r} has "
                    f"{counted(circuit.num_qubits, 'qubit')}"
                )


def _pub(circuit: QuantumCircuit, points: list[Point], observables: list[_Observable]) -> Any:
    """The pub whose results have a row for each point and a column for each observable."""
    from qiskit.quantum_info import SparseObservable

    names = tuple(points[0])
    return (
        circuit,
        [SparseObservable.from_list(one.terms) for one in observables],
        {names: [[[point[name] for name in names]] for point in points]} if names else None,
    )


def _rows(result: PubResult, points: list[Point], observables: list[_Observable]) -> Any:
    """The values and the standard errors of a circuit, each of shape (points, observables)."""
    shape = len(points), len(observables)
    return result.data.evs.reshape(shape).tolist(), result.data.stds.reshape(shape).tolist()


def _method(result: PubResult) -> str | None:
    """How a circuit was run, such as ``trajectories``; None where the result does not say."""
    method: str | None = result.metadata.get("simulator_metadata", {}).get("method")
    return method


def _show(
    job: JobV1,
    result: PrimitiveResult,
    circuits: list[QuantumCircuit],
    points: list[list[Point]],
    observables: list[_Observable],
) -> None:
    from rich.text import Text

    from simquay.cli.console import listing, make_console, show

    console = make_console()
    digits = 1e-6 if job.metadata.get("precision") == "single" else 1e-14
    shown = [one_line(observable.text, _WIDEST) for observable in observables]
    for circuit, some, of_circuit in zip(circuits, points, result, strict=True):
        varied = [name for name in some[0] if len({point[name] for point in some}) > 1]
        fixed = {name: number for name, number in some[0].items() if name not in varied}
        title = f"{at_point(circuit.name, fixed)}: {counted(circuit.num_qubits, 'qubit')}"
        if varied:
            title += f", {counted(len(some), 'point')}"
        if method := _method(of_circuit):
            title += f", method {method}"
        table = listing(*varied, "observable", "value", "error")
        for point, values, errors in zip(some, *_rows(of_circuit, some, observables), strict=True):
            at = [f"{point[name]:.6g}" for name in varied]
            for name, one, value, error in zip(shown, observables, values, errors, strict=True):
                table.add_row(*at, name, one.told(value, digits), f"{error:.2g}")
        show(console, Text(one_line(title), "bold"), table, Text(""))
    told = summary(job, result.metadata.get("time_taken"), loading=True)
    show(console, Text(one_line(told), "dim"))


def _document(
    job: JobV1,
    result: PrimitiveResult,
    circuits: list[QuantumCircuit],
    points: list[list[Point]],
    observables: list[_Observable],
) -> dict[str, Any]:
    """The estimates as a JSON object, as docs/reference/cli.md describes it."""
    return {
        **job_facts(job, result.metadata.get("time_taken")),
        "seed": result.metadata.get("seed"),
        "observables": [observable.text for observable in observables],
        "circuits": [
            {
                "name": circuit.name,
                "qubits": circuit.num_qubits,
                "method": _method(of_circuit),
                "points": [
                    {"parameters": point, "values": values, "errors": errors}
                    for point, values, errors in zip(
                        some, *_rows(of_circuit, some, observables), strict=True
                    )
                ],
            }
            for circuit, some, of_circuit in zip(circuits, points, result, strict=True)
        ],
    }
