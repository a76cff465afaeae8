"""The errors of a noise model, put beside the instructions that they come with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, ControlledGate, Duration
from qiskit.circuit.classical import expr
from qiskit.utils.units import apply_prefix

from simquay.circuits.lowering.context import Lowering, Places, Site
from simquay.circuits.lowering.scopes import BlockBuilder, Scope
from simquay.errors import UnsupportedInstructionError
from simquay.noise.model import NoiseModel, Placed
from simquay.program import Channel, Diagonal, Matrix, Misread, Mixture, Operation
from simquay.program.formulas import freeze
from simquay.program.program import moved_by

__all__ = ["NoisyLowering", "operations_of"]


def operations_of(placed: Iterable[Placed], qubits: Sequence[int]) -> list[Operation]:
    """Maps that act on some of an instruction's ``qubits``, in order, as operations."""
    return [
        _operation(mixture, tuple([qubits[place] for place in places]))
        for mixture, places in placed
    ]


def _operation(mixture: Mixture, qubits: tuple[int, ...]) -> Operation:
    """A channel; a gate if it is unitary, so that it does not split shots."""
    if len(mixture.parts) > 1 or not mixture.is_unitary:
        return Channel(mixture, qubits)
    (matrix,) = mixture.parts
    if mixture.is_diagonal:
        return Diagonal(freeze(np.diagonal(matrix).copy()), qubits)
    return Matrix(matrix, qubits)


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands around an instruction, and whether the model names it."""

    before: Sequence[Operation] = ()
    after: Sequence[Operation] = ()
    misread: NDArray[np.float64] | None = None
    named: bool = False


@dataclass(slots=True, kw_only=True)
class NoisyLowering(Lowering):
    """The lowering of a circuit with the errors of a noise model.

    An instruction that the model names, by its name or its label, is one instruction: its errors
    stand before and behind it, and the instructions of its definition have none. Of any other, the
    instructions inside its definition or its bodies may be named: a gate with controls that are to
    be 0 is one whose controls are to be 1, between X. Those of a definition that is controlled,
    inverted or raised to a power, and of a state's preparation, have no errors.

    Attributes:
        noise: the model.
        numbers: the number of each of the program's qubits among those of the circuit.
        around: what stands around an instruction, by its name, its label and the program's qubits.
    """

    noise: NoiseModel
    numbers: dict[int, int] = field(default_factory=dict)
    around: dict[tuple[str, str | None, tuple[int, ...]], _Around] = field(default_factory=dict)

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
        places, around, relaxes = Places(scope.qubits), self.around, self.noise.relaxes
        for scope.index, item in enumerate(data):
            qubits = places[item.qubits]
            key = item.name, item.label, qubits
            errors = around[key] if key in around else around.setdefault(key, self._around(*key))
            block.operations += errors.before
            if not self.standard(item, qubits, block):
                clbits = tuple([scope.clbits[bit] for bit in item.clbits])
                inside = replace(scope, ideal=True) if errors.named else scope
                site = Site(self, item.operation, qubits, clbits, inside, block)
                opened = None if errors.named else _opened(site)
                if opened is None:
                    self.instruction(site)
                else:
                    site.define(opened)
                if errors.misread is not None:
                    block.operations.append(Misread(clbits, errors.misread))
                if relaxes and item.name == "delay":
                    self._relax(site)
            block.operations += errors.after

    def _around(self, name: str, label: str | None, qubits: tuple[int, ...]) -> _Around:
        """What stands around an instruction on the program's ``qubits``."""
        known = label if label in self.noise.names else name
        if known not in self.noise.names:
            return _Around()
        errors = self.noise.errors(name, label, tuple([self.numbers[one] for one in qubits]))
        if errors is None:
            return _Around(named=True)
        self.hit.add(known)
        before, after = [operations_of(one, qubits) for one in (errors.before, errors.after)]
        return _Around(before, after, errors.misread, named=True)

    def _relax(self, site: Site) -> None:
        """Add what happens in a delay.

        Raises:
            UnsupportedInstructionError: if its duration is no number.
            NeedsValuesError: if its duration is a parameter without a value.
        """
        site.give_values()
        seconds = _seconds(site, self.noise.dt)
        (qubit,) = site.qubits
        mixture = self.noise.relaxation(self.numbers[qubit], seconds) if seconds else None
        if mixture is not None:
            self.hit.add("delay")
            site.block.operations += operations_of([(mixture, (0,))], site.qubits)


def _opened(site: Site) -> QuantumCircuit | None:
    """The definition of a gate with controls that are to be 0: X around the gate with controls that
    are to be 1, which the model may name; None for any other operation."""
    operation = site.operation
    if isinstance(operation, ControlledGate) and operation.ctrl_state + 1 < (
        1 << operation.num_ctrl_qubits
    ):
        return site.definition()
    return None


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
