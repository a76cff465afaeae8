"""The counts of a circuit, as all views of ``simquay run`` take them, and words for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CircuitCounts", "counted", "most_frequent"]


@dataclass(frozen=True, slots=True)
class CircuitCounts:
    """The counts of one circuit; also a circuit of the document that ``--json`` prints.

    Attributes:
        name: the circuit's name.
        qubits: its number of qubits.
        bits: the names of an outcome's bits, from left to right.
        shots: the number of shots in all.
        seed: the seed that gives the same counts again; None if the backend tells none.
        counts: the number of shots by outcome, a bit string as in ``Result.get_counts``; empty
            where the circuit measures nothing.
        statevector: the final state's amplitudes, the first qubit lowest, where they are asked for.
    """

    name: str
    qubits: int
    bits: str
    shots: int
    seed: int | None
    counts: dict[str, int]
    statevector: list[complex] | None = None


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
