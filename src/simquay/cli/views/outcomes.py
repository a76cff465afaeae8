"""The outcomes of circuits, from Qiskit's ``Result``: as histograms, and in a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from simquay.cli.views.counts import CircuitCounts
from simquay.errors import one_line

if TYPE_CHECKING:
    from qiskit.result import Result

__all__ = ["documents", "outcomes_of", "show_outcomes"]


def outcomes_of(
    result: Result,
    points: Sequence[Mapping[str, float]] | None = None,
    statevector: bool | None = None,
) -> list[CircuitCounts]:
    """The outcomes of each circuit of a result.

    Args:
        result: of a run.
        points: the values of each circuit's parameters; None where they are not known.
        statevector: whether to give the amplitudes of the final states; None: where there are any.
    """
    return [
        _outcome(result, index, {} if points is None else points[index], statevector)
        for index in range(len(result.results))
    ]


def _outcome(
    result: Result, index: int, point: Mapping[str, float], statevector: bool | None
) -> CircuitCounts:
    experiment = result.results[index]
    header, data = experiment.header or {}, experiment.data
    counts = result.get_counts(index) if hasattr(data, "counts") else {}
    if statevector is None:
        statevector = hasattr(data, "statevector")
    return CircuitCounts(
        name=header.get("name", f"circuit {index}"),
        qubits=header.get("n_qubits", 0),
        bits=_bit_names(header) if hasattr(data, "counts") else "",
        shots=sum(counts.values()),
        seed=getattr(experiment, "seed_simulator", None),
        counts=dict(sorted(counts.items())),
        method=(getattr(experiment, "metadata", None) or {}).get("method"),
        parameters=dict(point),
        statevector=list(result.get_statevector(index).data) if statevector else None,
    )


def _bit_names(header: Mapping[str, Any]) -> str:
    """The names of an outcome's bits, left to right: the last register's last bit comes first."""
    registers = header.get("creg_sizes")
    if not registers:  # they overlap, or bits are in none
        return f"classical bits {header.get('memory_slots', 1) - 1} to 0, left to right"
    names = [
        f"{name}[{size - 1}..0]" if size > 1 else f"{name}[0]" for name, size in reversed(registers)
    ]
    return " ".join(names) + ", left to right"


def show_outcomes(outcomes: Sequence[CircuitCounts], summary: str) -> None:
    """Print a histogram of each circuit, and a last line."""
    from rich.text import Text

    from simquay.cli.console import amplitudes, histogram, make_console, show

    console = make_console()
    for number, outcome in enumerate(outcomes):
        if number:
            show(console, Text(""))
        show(console, histogram(outcome, console))
        if outcome.statevector is not None:
            show(console, amplitudes(outcome.statevector))
    show(console, Text(one_line(summary), "dim"))


def documents(outcomes: Sequence[CircuitCounts]) -> dict[str, Any]:
    """The part of a run's JSON object that docs/reference/cli.md describes as its circuits."""
    return {"circuits": [_document(outcome) for outcome in outcomes]}


def _document(outcome: CircuitCounts) -> dict[str, Any]:
    document = asdict(outcome)
    if (amplitudes := document.pop("statevector")) is not None:
        document["statevector"] = [[one.real, one.imag] for one in amplitudes]
    return document
