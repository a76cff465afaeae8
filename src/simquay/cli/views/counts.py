"""The counts of a circuit, as all views of ``simquay run`` take them, and words for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CircuitCounts", "at_point", "counted", "most_frequent"]


@dataclass(frozen=True, slots=True)
class CircuitCounts:
    """The counts of one circuit; also a circuit of the document that ``--json`` prints.

    Attributes:
        name: the circuit's name.
        qubits: its number of qubits.
        bits: the names of an outcome's bits, from left to right.
        shots: the number of shots in all.
        seed: the seed that gives the same counts again; None if the backend tells none.
        method: how the circuit was run, such as ``trajectories``; None if the backend tells none.
        counts: the number of shots by outcome, a bit string as in ``Result.get_counts``; empty
            where the circuit measures nothing.
        parameters: the values of the circuit's parameters, by name.
        statevector: the final state's amplitudes, the first qubit lowest, where they are asked for.
    """

    name: str
    qubits: int
    bits: str
    shots: int
    seed: int | None
    counts: dict[str, int]
    method: str | None = None
    parameters: dict[str, float] = field(default_factory=dict)
    statevector: list[complex] | None = None

    @property
    def label(self) -> str:
        """The circuit's name, and the values of its parameters."""
        return at_point(self.name, self.parameters)


def at_point(name: str, point: Mapping[str, float]) -> str:
    """A circuit's name with the values of its parameters: ``turn at theta=0.5``."""
    values = ", ".join(f"{parameter}={value:.6g}" for parameter, value in point.items())
    return f"{name} at {values}" if point else name


def most_frequent(counts: Mapping[str, int], rows: int) -> tuple[list[tuple[str, int]], int, int]:
    """The ``rows`` most frequent outcomes, and how many outcomes and shots remain.

    Equally frequent outcomes are in the order of their bit strings.
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = ordered[rows:]
    return ordered[:rows], len(rest), sum(count for _, count in rest)


def counted(number: int, noun: str) -> str:
    """The number with its noun: ``1 qubit``, ``2 qubits``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
