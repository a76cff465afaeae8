"""What ``simquay run`` knows of a circuit's outcome, whichever way it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CircuitCounts", "most_frequent"]


@dataclass(frozen=True, slots=True)
class CircuitCounts:
    """The counts of one circuit.

    Attributes:
        name: the circuit's name.
        qubits: how many qubits it has.
        bits: the names of an outcome's bits, from left to right.
        counts: outcome (as in ``Result.get_counts``) to how often it was seen.
        seed: the seed that gives the same counts again, or None where the backend tells none.
    """

    name: str
    qubits: int
    bits: str
    counts: Mapping[str, int]
    seed: int | None

    @property
    def shots(self) -> int:
        return sum(self.counts.values())


def most_frequent(counts: Mapping[str, int], rows: int) -> tuple[list[tuple[str, int]], int, int]:
    """The ``rows`` most frequent outcomes, and how many outcomes and shots remain.

    Outcomes that are equally frequent are in the order of their bits.
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = ordered[rows:]
    return ordered[:rows], len(rest), sum(count for _, count in rest)
