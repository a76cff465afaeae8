"""The walk over a circuit's instructions, through definitions, modifiers and control flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    CircuitInstruction,
    ControlledGate,
    ControlModifier,
    InverseModifier,
    PowerModifier,
)
from qiskit.circuit.library import UGate
from qiskit.exceptions import QiskitError

from simquay.circuits.lowering import control_flow as controlflow
from simquay.circuits.lowering import instructions as special
from simquay.circuits.lowering.expressions import Classical
from simquay.circuits.lowering.gates import SEVERAL, SINGLE, SKIPPED
from simquay.circuits.lowering.matrices import cu
from simquay.circuits.lowering.modifiers import controlled, inverted, powered
from simquay.circuits.lowering.scopes import BlockBuilder, Scope
from simquay.circuits.parameters import unbound_parameters
from simquay.errors import ProgramError, UnsupportedInstructionError
from simquay.program import GateOperation, Matrix

__all__ = ["Lowering"]

MAX_DEPTH = 100
"""The most definitions and control-flow bodies inside one another."""
MAX_EXPANDED = 20_000_000
"""The most instructions that definitions and loop bodies may bring in."""

_HANDLERS: dict[str, Any] = special.HANDLERS | controlflow.HANDLERS


@dataclass(slots=True)
class Lowering:
    """The lowering of one circuit.

    Attributes:
        num_qubits: of the whole circuit.
        classical: the expressions and variables.
        expanded: instructions read so far from definitions and bodies.
        saved: by label, the path (:meth:`Scope.path`) of the instruction that saves under it.
    """

    num_qubits: int
    classical: Classical = field(default_factory=Classical)
    expanded: int = 0
    saved: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def read(self, circuit: QuantumCircuit, scope: Scope, block: BlockBuilder) -> None:
        """Lower every instruction of ``circuit`` to the end of ``block``.

        Raises:
            UnsupportedInstructionError: for an instruction that cannot be run.
            ProgramError: for unbound parameters, and values that make no gate.
        """
        if circuit.num_parameters and (unbound := unbound_parameters(circuit)):
            names = ", ".join(parameter.name for parameter in unbound)
            where = "" if scope.outer is None else f" in the {scope.role} ({scope.outer.place()})"
            raise ProgramError(
                f"circuit {circuit.name!r} has unbound parameters{where}: {names}; "
                "give them values with assign_parameters first"
            )
        data = circuit.data
        if scope.outer is not None:
            self._guard(scope, len(data))
        qubit_of, clbit_of = scope.qubits, scope.clbits
        operations = block.operations
        append = operations.append
        index = 0
        try:
            if circuit.global_phase:
                block.add_phase(circuit.global_phase)
            for index, item in enumerate(data):
                qubits = tuple([qubit_of[bit] for bit in item.qubits])
                if item.is_standard_gate():
                    maker = SINGLE.get(item.name)
                    if maker is not None:
                        append(maker(qubits, item.params))
                        continue
                    if self._other_standard(item, qubits, block):
                        continue
                scope.index = index
                clbits = tuple([clbit_of[bit] for bit in item.clbits])
                self._instruction(item.operation, qubits, clbits, scope, block)
        except ProgramError:
            raise
        except ValueError as error:
            scope.index = index
            name = data[index].name if len(data) else "circuit"
            raise ProgramError(f"instruction {name!r} ({scope.place()}): {error}") from error

    def _guard(self, scope: Scope, instructions: int) -> None:
        """Stop definitions that hold themselves, or that grow beyond any use."""
        if scope.depth > MAX_DEPTH:
            outer = scope.outer or scope
            raise UnsupportedInstructionError(
                f"definitions and bodies are nested more than {MAX_DEPTH} deep, the innermost "
                f"the {scope.role} at index {outer.index} of circuit {outer.name!r}; "
                "does a gate's definition hold the gate itself?"
            )
        self.expanded += instructions
        if self.expanded > MAX_EXPANDED:
            raise ProgramError(
                f"the circuit's definitions and loop bodies hold more than {MAX_EXPANDED} "
                f"instructions, the last in the {scope.role} ({scope.place()})"
            )

    def _other_standard(
        self, item: CircuitInstruction, qubits: tuple[int, ...], block: BlockBuilder
    ) -> bool:
        """Lower a standard gate that is not one operation; false where it is unknown here."""
        name = item.name
        if name in SEVERAL:
            block.operations.extend(SEVERAL[name](qubits, item.params))
        elif name == "global_phase":
            block.add_phase(item.params[0])
        else:
            return name in SKIPPED
        return True

    def _instruction(
        self,
        operation: Any,
        qubits: tuple[int, ...],
        clbits: tuple[int, ...],
        scope: Scope,
        block: BlockBuilder,
    ) -> None:
        """Lower an instruction that is no standard gate."""
        name = operation.name
        entry = _HANDLERS.get(name)
        if entry is not None and isinstance(operation, entry[0]):
            entry[1](self, operation, qubits, clbits, scope, block)
        elif isinstance(operation, AnnotatedOperation):
            self._annotated(operation, qubits, scope, block)
        elif isinstance(operation, ControlledGate) and _is_plain(operation, qubits):
            self._controlled(operation, qubits, scope, block)
        elif special.is_save(operation):
            special.save(self, operation, qubits, scope, block)
        elif len(qubits) <= 2 and special.has_array(operation):
            special.matrix(operation, qubits, scope, block)
        elif (definition := self.definition(operation, scope)) is not None:
            self.define(operation, definition, qubits, clbits, scope, block)
        elif special.has_matrix(operation):
            special.matrix(operation, qubits, scope, block)
        else:
            raise UnsupportedInstructionError(
                f"instruction {name!r} on qubits {list(qubits)} ({scope.place()}) is not "
                "supported: it has neither a matrix nor a definition"
            )

    def define(
        self,
        operation: Any,
        definition: QuantumCircuit,
        qubits: tuple[int, ...],
        clbits: tuple[int, ...],
        scope: Scope,
        block: BlockBuilder,
    ) -> None:
        """Lower ``definition``, which is what ``operation`` does."""
        inner = scope.inner(definition, qubits, clbits, f"definition of {operation.name!r}")
        self.read(definition, inner, block)

    def definition(self, operation: Any, scope: Scope) -> QuantumCircuit | None:
        """The circuit that says what ``operation`` does, or None where there is none.

        Raises:
            UnsupportedInstructionError: where Qiskit cannot make it.
        """
        definition: QuantumCircuit | None = None
        try:
            # Asked of the type, so that an AttributeError inside the definition is not taken for
            # there being none.
            if hasattr(type(operation), "definition"):
                definition = operation.definition
            elif hasattr(operation, "to_circuit"):
                definition = operation.to_circuit()
        except QiskitError as error:
            raise UnsupportedInstructionError(
                f"instruction {operation.name!r} ({scope.place()}) has no usable definition: "
                f"{error.message}"
            ) from error
        return definition

    def refuse_in_gate(self, operation: Any, scope: Scope) -> None:
        """Refuse what is no gate where only gates may be.

        Raises:
            UnsupportedInstructionError: in a controlled, inverted or powered definition.
        """
        if scope.unitary:
            raise UnsupportedInstructionError(
                f"instruction {operation.name!r} ({scope.place()}) is no gate, but belongs to "
                "something that is controlled, inverted or raised to a power"
            )

    def gates(
        self, operation: Any, qubits: tuple[int, ...], scope: Scope
    ) -> Sequence[GateOperation]:
        """The gate ``operation`` on its own, for a modifier to change."""
        inside = replace(scope, unitary=True, depth=scope.depth + 1)
        self._guard(inside, 1)
        block = BlockBuilder("unknown")
        item = CircuitInstruction(operation, ())
        if item.is_standard_gate() and item.name in SINGLE:
            block.operations.append(SINGLE[item.name](qubits, item.params))
        elif not (item.is_standard_gate() and self._other_standard(item, qubits, block)):
            self._instruction(operation, qubits, (), inside, block)
        return block.finish()  # type: ignore[return-value]  # a unitary scope lets gates through

    def _controlled(
        self,
        operation: ControlledGate,
        qubits: tuple[int, ...],
        scope: Scope,
        block: BlockBuilder,
    ) -> None:
        count, state = operation.num_ctrl_qubits, operation.ctrl_state
        if isinstance(operation.base_gate, UGate) and len(operation.params) == 4:
            # The fourth parameter of a CU, with more controls too, is a phase of its base gate.
            gate = Matrix(cu(*operation.params), qubits[count:], qubits[:count], state)
            block.operations.append(gate)
            return
        base = self.gates(operation.base_gate, qubits[count:], scope)
        block.operations.extend(controlled(base, qubits[:count], state))

    def _annotated(
        self,
        operation: AnnotatedOperation,
        qubits: tuple[int, ...],
        scope: Scope,
        block: BlockBuilder,
    ) -> None:
        # The last modifier is the outermost, so its controls come first.
        controls: list[tuple[int, ...]] = []
        rest = qubits
        for modifier in reversed(operation.modifiers):
            count = modifier.num_ctrl_qubits if isinstance(modifier, ControlModifier) else 0
            controls.append(rest[:count])
            rest = rest[count:]
        gates = self.gates(operation.base_op, rest, scope)
        for modifier, added in zip(operation.modifiers, reversed(controls), strict=True):
            if isinstance(modifier, ControlModifier):
                gates = controlled(gates, added, modifier.ctrl_state)
                rest = added + rest
            elif isinstance(modifier, InverseModifier):
                gates = inverted(gates)
            elif isinstance(modifier, PowerModifier):
                try:
                    gates = powered(gates, modifier.power, rest)
                except ProgramError as error:
                    name = operation.base_op.name
                    raise UnsupportedInstructionError(
                        f"instruction {name!r} ({scope.place()}): {error}"
                    ) from error
            else:
                raise UnsupportedInstructionError(
                    f"the modifier {modifier!r} of {operation.base_op.name!r} "
                    f"({scope.place()}) is not supported; control, inverse and power are"
                )
        block.operations.extend(gates)


def _is_plain(operation: ControlledGate, qubits: tuple[int, ...]) -> bool:
    """Whether the gate is its base gate with controls, and has no further qubits to work with."""
    base = operation.base_gate
    return base is not None and operation.num_ctrl_qubits + base.num_qubits == len(qubits)
