"""The errors of a noise model, put beside the instructions that they come with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, Duration
from qiskit.circuit.classical import expr
from qiskit.utils.units import apply_prefix

from simquay.circuits.lowering.context import Lowering, Places, Site
from simquay.circuits.lowering.scopes import BlockBuilder, Scope
from simquay.errors import UnsupportedInstructionError
from simquay.noise.model import NoiseModel, Placed
from simquay.program import Channel, Diagonal, Matrix, Misread, Mixture, Operation
from simquay.program.formulas import freeze
from simquay.program.program import moved_by

__all__ = ["NoisyLowering", "add_channels"]


def add_channels(placed: Iterable[Placed], qubits: Sequence[int], block: BlockBuilder) -> None:
    """Append maps that act on some of an instruction's ``qubits``, in order."""
    for mixture, places in placed:
        block.operations.append(_operation(mixture, tuple([qubits[place] for place in places])))


def _operation(mixture: Mixture, qubits: tuple[int, ...]) -> Operation:
    """A channel; a gate if it is unitary, so that it does not split shots."""
    if len(mixture.parts) > 1 or not mixture.is_unitary:
        return Channel(mixture, qubits)
    (matrix,) = mixture.parts
    if mixture.is_diagonal:
        return Diagonal(freeze(np.diagonal(matrix).copy()), qubits)
    return Matrix(matrix, qubits)


@dataclass(slots=True, kw_only=True)
class NoisyLowering(Lowering):
    """The lowering of a circuit with the errors of a noise model.

    An instruction that the model names, by its name or its label, is one instruction: its errors
    stand before and behind it, and the instructions of its definition have none. Of any other, the
    instructions inside its definition or its bodies may be named. Those of a definition that is
    controlled, inverted or raised to a power, and of a state's preparation, have no errors.

    Attributes:
        noise: the model.
        numbers: the number of each of the program's qubits among those of the circuit.
    """

    noise: NoiseModel
    numbers: dict[int, int] = field(default_factory=dict)

    def read(self, circuit: QuantumCircuit, scope: Scope, block: BlockBuilder) -> None:
        """See :meth:`Lowering.read`."""
        if scope.outer is not None:
            Lowering.read(self, circuit, scope, block)
            return
        circuit = self.noise.prepared(circuit)
        self.numbers = {scope.qubits[bit]: number for number, bit in enumerate(circuit.qubits)}
        Lowering.read(self, circuit, scope, block)
        block.operations[:] = _without_idle(block.operations)

    def each(self, data: Sequence[CircuitInstruction], scope: Scope, block: BlockBuilder) -> None:
        """See :meth:`Lowering.each`."""
        if scope.unitary or scope.ideal:
            Lowering.each(self, data, scope, block)
            return
        names, relaxes = self.noise.names, self.noise.relaxes
        places = Places(scope.qubits)
        for scope.index, item in enumerate(data):
            qubits = places[item.qubits]
            clbits = tuple([scope.clbits[bit] for bit in item.clbits])
            name = item.label if item.label in names else item.name
            errors, inside = None, scope
            if name in names:
                inside = replace(scope, ideal=True)
                numbers = tuple([self.numbers[qubit] for qubit in qubits])
                errors = self.noise.errors(item.name, item.label, numbers)
            if errors is not None:
                self.hit.add(name)
                add_channels(errors.before, qubits, block)
            if not self.standard(item, qubits, block):
                self.instruction(Site(self, item.operation, qubits, clbits, inside, block))
            if errors is not None:
                add_channels(errors.after, qubits, block)
                if errors.misread is not None:
                    block.operations.append(Misread(clbits, errors.misread))
            if relaxes and item.name == "delay":
                self._relax(Site(self, item.operation, qubits, clbits, scope, block))

    def _relax(self, site: Site) -> None:
        """Add what happens in a delay.

        Raises:
            UnsupportedInstructionError: if its duration is no number.
            NeedsValuesError: if its duration is a parameter without a value.
        """
        site.refuse_parameters()
        seconds = _seconds(site, self.noise.dt)
        (qubit,) = site.qubits
        mixture = self.noise.relaxation(self.numbers[qubit], seconds) if seconds else None
        if mixture is not None:
            self.hit.add("delay")
            add_channels([(mixture, (0,))], site.qubits, site.block)


def _seconds(site: Site, dt: float | None) -> float:
    """The duration of a delay; 0 for one in units of ``dt`` where nobody knows these."""
    duration: Any = site.operation.duration
    unit = site.operation.unit
    if isinstance(duration, expr.Value) and isinstance(duration.value, Duration):
        duration, unit = duration.value.value(), duration.value.unit()
    if isinstance(duration, expr.Expr):
        raise UnsupportedInstructionError(
            f"{site} has the duration {duration}, which is no number, and the noise model relaxes "
            "qubits in delays; give it a number"
        )
    seconds: float = duration * (dt or 0.0) if unit == "dt" else apply_prefix(duration, unit)
    return seconds


def _without_idle(operations: Sequence[Operation]) -> list[Operation]:
    """``operations`` without channels that find their qubits in |0> and leave them there."""
    kept: list[Operation] = []
    moved: set[int] = set()
    for operation in operations:
        if (
            isinstance(operation, Channel)
            and operation.mixture.keeps_zero
            and moved.isdisjoint(operation.qubits)
        ):
            continue
        kept.append(operation)
        moved = moved_by(operation, moved)
    return kept
