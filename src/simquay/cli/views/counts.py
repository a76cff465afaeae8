"""The counts of a circuit, as all views of ``simquay run`` take them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CircuitCounts", "most_frequent"]


@dataclass(frozen=True, slots=True)
class CircuitCounts:
    """The counts of one circuit.

    Attributes:
        name: the circuit's name.
        qubits: its number of qubits.
        bits: the names of an outcome's bits, from left to right.
        counts: the number of shots by outcome, a bit string as in ``Result.get_counts``.
        seed: the seed that gives the same counts again; None if the backend tells none.
    """

    name: str
    qubits: int
    bits: str
    counts: Mapping[str, int]
    seed: int | None

    @property
    def shots(self) -> int:
        """The number of shots in all."""
        return sum(self.counts.values())


def most_frequent(counts: Mapping[str, int], rows: int) -> tuple[list[tuple[str, int]], int, int]:
    """The ``rows`` most frequent outcomes, and how many outcomes and shots remain.

    Equally frequent outcomes are in the order of their bit strings.
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = ordered[rows:]
    return ordered[:rows], len(rest), sum(count for _, count in rest)
