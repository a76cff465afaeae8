"""An oracle for noisy circuits: density matrices by NumPy, one for each value of the bits.

It knows neither Simquay's noise nor Aer's. Errors are Qiskit channels in a :class:`Table`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import ClassicalRegister, Clbit
from qiskit.quantum_info import Kraus, Operator, SuperOp
from scipy import stats

__all__ = ["Table", "chi_square", "density_matrix", "distribution"]

_RESET = (np.array([[1, 0], [0, 0]]), np.array([[0, 1], [0, 0]]))


@dataclass
class Table:
    """The errors of a model.

    Attributes:
        quantum: by name or label, and by the qubits or None for any: a Qiskit channel.
        readout: by the qubits of a measurement, or None for any: rows of probabilities.
    """

    quantum: dict[tuple[str, tuple[int, ...] | None], Any] = field(default_factory=dict)
    readout: dict[tuple[int, ...] | None, NDArray[np.float64]] = field(default_factory=dict)

    def error(self, operation: Any, qubits: tuple[int, ...]) -> Any:
        """The channel of an instruction, or None."""
        names = {name for name, _ in self.quantum}
        name = operation.label if getattr(operation, "label", None) in names else operation.name
        return self.quantum.get((name, qubits), self.quantum.get((name, None)))

    def misread(self, qubits: tuple[int, ...]) -> NDArray[np.float64] | None:
        """The readout error of a measurement, or None."""
        return self.readout.get(qubits, self.readout.get(None))


def _acted(
    state: NDArray[np.complex128], operators: Iterable[NDArray[Any]], qubits: Sequence[int]
) -> NDArray[np.complex128]:
    """A density matrix, shape ``(2,) * 2n``, after a map of these Kraus operators."""
    size = state.ndim // 2
    total = np.zeros_like(state)
    width = len(qubits)
    inputs = list(range(width, 2 * width))
    for operator in operators:
        one = state
        for matrix, last in ((operator, size - 1), (np.conj(operator), 2 * size - 1)):
            axes = [last - qubit for qubit in reversed(qubits)]
            one = np.tensordot(np.reshape(matrix, (2,) * (2 * width)), one, (inputs, axes))
            one = np.moveaxis(one, range(width), axes)
        total = total + one
    return total


def _operators(channel: Any) -> list[NDArray[Any]]:
    """The Kraus operators of an instruction or a channel of Qiskit or Aer."""
    if getattr(channel, "name", None) == "kraus":
        return [np.asarray(matrix) for matrix in channel.params]
    if getattr(channel, "name", None) == "superop":
        channel = SuperOp(channel.params[0])
    elif getattr(channel, "name", None) == "quantum_channel":
        channel = SuperOp(channel._quantum_error)
    left, right = Kraus(SuperOp(channel))._data
    assert right is None
    return list(left)


States = dict[int, NDArray[np.complex128]]
"""By the value of the classical bits: the state, its trace the probability."""


def _value(circuit: QuantumCircuit, bits: int, where: Clbit | ClassicalRegister) -> int:
    if isinstance(where, Clbit):
        return bits >> int(circuit.find_bit(where).index) & 1
    return sum(_value(circuit, bits, bit) << place for place, bit in enumerate(where))


def _measured(states: States, qubit: int, clbit: int, table: Table) -> States:
    after: States = {}
    misread = table.misread((qubit,))
    for bits, state in states.items():
        for outcome in (0, 1):
            projector = np.diag([1.0 - outcome, float(outcome)])
            found = _acted(state, [projector], [qubit])
            row = np.eye(2)[outcome] if misread is None else misread[outcome]
            for recorded in (0, 1):
                if row[recorded]:
                    value = bits & ~(1 << clbit) | recorded << clbit
                    after[value] = after.get(value, 0) + row[recorded] * found
    return {bits: state for bits, state in after.items() if abs(_trace(state)) > 1e-14}


def _trace(state: NDArray[np.complex128]) -> float:
    size = 1 << state.ndim // 2
    return float(np.trace(state.reshape(size, size)).real)


def _run(
    circuit: QuantumCircuit,
    outer: QuantumCircuit,
    states: States,
    table: Table,
    where: Sequence[int],
    to: Sequence[int],
) -> States:
    """Run ``circuit``, whose qubit ``q`` is ``where[q]`` of ``outer``, and whose bit is ``to``."""
    for item in circuit.data:
        operation = item.operation
        qubits = tuple(where[circuit.find_bit(qubit).index] for qubit in item.qubits)
        clbits = [to[circuit.find_bit(clbit).index] for clbit in item.clbits]
        name = operation.name
        if name == "barrier" or name.startswith("save_"):
            continue
        if name in ("if_else", "for_loop"):
            states = _controlled(operation, outer, states, table, qubits, clbits)
            continue
        error = table.error(operation, qubits)
        if name == "measure":
            if error is not None:
                states = _each(states, _operators(error), qubits)
            states = _measured(states, qubits[0], clbits[0], table)
            continue
        if name == "reset":
            states = _each(states, _RESET, qubits)
        elif name in ("kraus", "superop", "quantum_channel"):
            states = _each(states, _operators(operation), qubits)
        elif name == "delay" or hasattr(operation, "to_matrix"):
            matrix = np.eye(2) if name == "delay" else Operator(operation).data
            states = _each(states, [matrix], qubits)
        else:
            states = _run(operation.definition, outer, states, table, qubits, clbits)
        if error is not None:
            states = _each(states, _operators(error), qubits)
    return states


def _controlled(
    operation: Any,
    outer: QuantumCircuit,
    states: States,
    table: Table,
    qubits: Sequence[int],
    clbits: Sequence[int],
) -> States:
    if operation.name == "for_loop":
        values, _, body = operation.params
        for _ in values:
            states = _run(body, outer, states, table, qubits, clbits)
        return states
    register, wanted = operation.condition
    after: States = {}
    for bits, state in states.items():
        taken = operation.params[0 if _value(outer, bits, register) == wanted else 1]
        one = {bits: state}
        if taken is not None:
            one = _run(taken, outer, one, table, qubits, clbits)
        for value, found in one.items():
            after[value] = after.get(value, 0) + found
    return after


def _each(states: States, operators: Iterable[NDArray[Any]], qubits: Sequence[int]) -> States:
    listed = list(operators)
    return {bits: _acted(state, listed, qubits) for bits, state in states.items()}


def _final(circuit: QuantumCircuit, table: Table) -> States:
    size = circuit.num_qubits
    start = np.zeros((2,) * (2 * size), dtype=complex)
    start[(0,) * (2 * size)] = 1
    indices = range(size), range(circuit.num_clbits)
    return _run(circuit, circuit, {0: start}, table, *indices)


def density_matrix(circuit: QuantumCircuit, table: Table) -> NDArray[np.complex128]:
    """The mean state at the end, shape ``(2**n, 2**n)``."""
    size = 1 << circuit.num_qubits
    total: Any = sum(_final(circuit, table).values())
    return np.reshape(total, (size, size))


def distribution(circuit: QuantumCircuit, table: Table) -> dict[int, float]:
    """The probability of each value of the classical bits that can be found at the end."""
    return {bits: _trace(state) for bits, state in _final(circuit, table).items()}


def chi_square(counts: dict[int, int], expected: dict[int, float]) -> float:
    """The p-value of counts (Pearson's test): how often right counts are as far off as these.

    Values expected less than 5 times are one class; a value that cannot be found gives 0.
    """
    shots = sum(counts.values())
    rare, mean, found = [0.0, 0.0], [], []
    if any(expected.get(value, 0) < 1e-12 for value in counts):
        return 0.0
    for value, probability in expected.items():
        if probability * shots < 5:
            rare[0] += probability * shots
            rare[1] += counts.get(value, 0)
        else:
            mean.append(probability * shots)
            found.append(counts.get(value, 0))
    if rare[0] >= 5 or not mean:
        mean.append(rare[0])
        found.append(int(rare[1]))
    else:
        mean[0] += rare[0]
        found[0] += int(rare[1])
    if len(mean) == 1:
        return 1.0
    statistic = sum((one - two) ** 2 / two for one, two in zip(found, mean, strict=True))
    return float(stats.chi2.sf(statistic, len(mean) - 1))
