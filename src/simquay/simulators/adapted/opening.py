"""Circuits that a foreign backend can run: what its target lacks is replaced by definitions.

Only targets whose instructions hold for any qubits are served: those of simulators. A device's
circuits are transpiled, which also chooses qubits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, ControlFlowOp, Gate, Instruction, QuantumRegister
from qiskit.circuit.library import UnitaryGate
from qiskit.exceptions import QiskitError
from qiskit.transpiler import Target
from qiskit.transpiler.passes import HighLevelSynthesis

from simquay.circuits.lowering.circuit import used_qubits
from simquay.circuits.lowering.instructions import has_matrix

__all__ = ["Opener", "runnable", "without_idle_qubits"]

_DEEPEST = 100
"""Definitions that are nested deeper are left alone, since one may hold its own gate."""


def runnable(
    circuits: Sequence[QuantumCircuit], target: Target, width: int | None
) -> list[QuantumCircuit]:
    """The circuits as a foreign backend can run them; those that it can are the caller's.

    Args:
        circuits: to run.
        target: of the adapted backend.
        width: the number of qubits of the foreign target; None where it has none, so that the
            transpiler widens circuits to one that is not theirs.
    """
    if width is None:
        circuits = [
            without_idle_qubits(one) if one.num_qubits == target.num_qubits else one
            for one in circuits
        ]
    if target.build_coupling_map() is not None:
        return [*circuits]
    opener = Opener(target)
    return [opener.opened(one) for one in circuits]


class Opener:
    """Opens definitions until a target has all instructions.

    What cannot be opened so far, such as a gate that is in no target, stays as it is: the backend
    then says that it does not know it.

    Args:
        target: the foreign backend's.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._names = frozenset(target.operation_names) | {"barrier"}

    def opened(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """``circuit`` itself where the target has all its instructions, else an opened copy.

        Raises:
            QiskitError, ValueError, TypeError: of a gate that gives no proper definition.
        """
        if all(map(self._has, circuit.data)):
            return circuit
        return self._opened(circuit, 0, set())

    def _has(self, item: CircuitInstruction) -> bool:
        """Whether the target has the instruction, and all those of its blocks."""
        if item.name not in self._names:
            return False
        if item.is_standard_gate():
            return True
        operation = item.operation
        if isinstance(operation, ControlFlowOp):
            return all(self._has(one) for block in operation.blocks for one in block.data)
        return self._is_its_own(operation)

    def _is_its_own(self, operation: Any) -> bool:
        """Whether the operation means what the target means by its name: a user's gate may have the
        name of another."""
        if type(operation) in (Gate, Instruction) and operation.definition is not None:
            return False
        if operation.name == "barrier":
            return True
        theirs = self._target.operation_from_name(operation.name)
        kind = theirs if isinstance(theirs, type) else theirs.base_class
        if kind in (Gate, Instruction):  # known to the target by its name alone
            return True
        return issubclass(getattr(operation, "base_class", type(operation)), kind)

    def _opened(self, circuit: QuantumCircuit, depth: int, closed: set[str]) -> QuantumCircuit:
        """An opened copy.

        ``closed`` has the names of the standard gates that cannot be opened, or are just being: the
        definitions of some lead back to them.
        """
        copied = circuit.copy_empty_like()
        for item in circuit.data:
            if self._has(item):
                copied._append(item)
            elif isinstance(item.operation, ControlFlowOp):
                blocks = [self._opened(block, depth, closed) for block in item.operation.blocks]
                copied._append(item.replace(operation=item.operation.replace_blocks(blocks)))
            elif (inner := self._inside(item, depth, closed)) is None:
                copied._append(item)
            else:
                copied.compose(
                    inner, item.qubits, item.clbits, inplace=True, copy=False, wrap=False
                )
        return copied

    def _inside(
        self, item: CircuitInstruction, depth: int, closed: set[str]
    ) -> QuantumCircuit | None:
        """The circuit of the instruction, opened; None where the target lacks a part."""
        name = item.name if item.is_standard_gate() else ""
        if depth == _DEEPEST or name in closed:
            return None
        if name:
            closed.add(name)
        definition = self._definition(item.operation)
        if definition is None:
            return None
        opened = self._opened(definition, depth + 1, closed)
        if not all(map(self._has, opened.data)):
            return None
        closed.discard(name)
        return opened

    def _definition(self, operation: Any) -> QuantumCircuit | None:
        definition: QuantumCircuit | None = getattr(operation, "definition", None)
        if definition is not None:
            return definition
        circuit = QuantumCircuit(operation.num_qubits, operation.num_clbits)
        circuit.append(operation, circuit.qubits, circuit.clbits)
        try:  # what only a synthesis opens, such as a permutation or a gate with modifiers
            found: QuantumCircuit = HighLevelSynthesis(basis_gates=[*self._names])(circuit)
        except QiskitError:
            found = circuit
        if all(one.name != operation.name for one in found.data):
            return found
        if not has_matrix(operation):
            return None
        matrix = UnitaryGate(operation.to_matrix())
        if "unitary" not in self._names:
            return matrix.definition
        circuit.data.clear()
        circuit.append(matrix, circuit.qubits)
        return circuit


def without_idle_qubits(circuit: QuantumCircuit) -> QuantumCircuit:
    """``circuit`` without qubits that no instruction but barriers uses, or itself without any.

    A transpiler widens circuits to the number of qubits of a target.
    """
    if circuit.num_vars:
        return circuit
    used = used_qubits(circuit)
    if len(used) == circuit.num_qubits or not used:
        return circuit
    kept = [bit for bit in circuit.qubits if bit in used]
    narrow = QuantumCircuit(
        QuantumRegister(len(kept), "q"),
        circuit.clbits,
        *circuit.cregs,
        name=circuit.name,
        global_phase=circuit.global_phase,
        metadata=circuit.metadata,
    )
    new = dict(zip(kept, narrow.qubits, strict=True))
    for item in circuit.data:
        qubits = [new[bit] for bit in item.qubits if bit in used]
        if item.name == "barrier":
            if qubits:
                narrow.barrier(qubits)
        else:
            narrow._append(item.replace(qubits=qubits))
    return narrow
