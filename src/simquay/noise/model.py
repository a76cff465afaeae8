"""A noise model: of an instruction on given qubits, the errors that come with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from simquay.program.channels import Mixture

__all__ = ["Errors", "NoiseModel", "Placed"]

Placed: TypeAlias = tuple[Mixture, tuple[int, ...]]
"""A mixture, and the places of its qubits among those of the instruction (or of a larger map):
qubit ``j`` of the mixture is qubit ``places[j]`` of the instruction."""


@dataclass(frozen=True, eq=False)
class Errors:
    """What comes with an instruction.

    Attributes:
        before: maps before the instruction, in the order in which they act.
        after: maps behind it, in the order in which they act.
        misread: of a measurement, the probability in row ``i`` and column ``j`` that the values
            ``i`` of its ``k`` classical bits are recorded as ``j``; bit ``b`` of an index is
            classical bit ``b`` of the instruction; float64, shape ``(2**k, 2**k)``.
    """

    before: tuple[Placed, ...] = ()
    after: tuple[Placed, ...] = ()
    misread: NDArray[np.float64] | None = None


class NoiseModel(ABC):
    """The errors of a device's instructions.

    A subclass writes :meth:`find`, and what it has beside it. The errors of an instruction are
    found when they are first asked for, and kept: a circuit pays for what it uses.
    """

    dt: float | None = None
    """The seconds of one ``dt``, the unit of a device's delays; None where none is known."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        """The names and labels of instructions that have errors, on some qubits at least."""
        self._found: dict[tuple[str, str | None, tuple[int, ...]], Errors | None] = {}

    def errors(self, name: str, label: str | None, qubits: tuple[int, ...]) -> Errors | None:
        """The errors of an instruction; one object each time, so that programs can share it.

        Args:
            name: the instruction's name.
            label: its label; None or empty where it has none.
            qubits: its qubits, as numbers among those of the outermost circuit.

        Raises:
            NoiseModelError: if the model's errors for it are no channel, or of another width.
        """
        key = name, label, qubits
        try:
            return self._found[key]
        except KeyError:
            return self._found.setdefault(key, self.find(name, label, qubits))

    @abstractmethod
    def find(self, name: str, label: str | None, qubits: tuple[int, ...]) -> Errors | None:
        """What :meth:`errors` keeps; equal errors should be one object."""

    @property
    def relaxes(self) -> bool:
        """Whether qubits relax in delays: :meth:`relaxation`."""
        return False

    def relaxation(self, qubit: int, seconds: float) -> Mixture | None:
        """What happens to a qubit in a delay, on one qubit; None where nothing does."""
        return None

    def prepared(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """The circuit with the instructions that the model itself inserts or replaces; the circuit
        itself where there are none."""
        return circuit

    @property
    def is_ideal(self) -> bool:
        """Whether the model has no errors at all."""
        return not self.names and not self.relaxes
