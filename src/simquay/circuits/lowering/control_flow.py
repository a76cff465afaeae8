"""Lowering of control flow: branches, loops, boxes and stores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from qiskit import QuantumCircuit
from qiskit.circuit import (
    CASE_DEFAULT,
    BoxOp,
    BreakLoopOp,
    ContinueLoopOp,
    ForLoopOp,
    IfElseOp,
    Store,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.classical import expr

from simquay.circuits.lowering.scopes import BlockBuilder, Scope
from simquay.errors import ProgramError, UnsupportedInstructionError
from simquay.program import (
    Block,
    Break,
    Continue,
    ForLoop,
    IfElse,
    Operation,
    Switch,
    SwitchCase,
    WhileLoop,
)
from simquay.program import Store as StoreOperation
from simquay.program.expressions import Type

if TYPE_CHECKING:
    from simquay.circuits.lowering.walk import Lowering

__all__ = ["HANDLERS"]

MAX_ITERATIONS = 10_000_000
"""The most iterations of a ``for``: each takes a place in its tuple of bodies."""


class _Reader:
    """One control-flow instruction, and where it is."""

    def __init__(
        self, lowering: Lowering, operation: Any, qubits: tuple[int, ...], clbits: tuple[int, ...]
    ) -> None:
        self.lowering = lowering
        self.operation = operation
        self.qubits = qubits
        self.clbits = clbits

    def body(
        self,
        circuit: QuantumCircuit,
        scope: Scope,
        block: BlockBuilder,
        entry: Literal["outer", "unknown"],
    ) -> Block:
        """``circuit`` as a block of its own."""
        role = f"body of {self.operation.name!r}"
        inner = scope.inner(circuit, self.qubits, self.clbits, role, loop=entry == "unknown")
        built = BlockBuilder(entry, block)
        self.lowering.read(circuit, inner, built)
        return built.finish()


def _if_else(reader: _Reader, scope: Scope, block: BlockBuilder) -> Operation:
    operation = reader.operation
    condition = reader.lowering.classical.condition(operation.condition, scope)
    bodies = [reader.body(circuit, scope, block, "outer") for circuit in operation.blocks]
    return IfElse(condition, *bodies)


def _switch(reader: _Reader, scope: Scope, block: BlockBuilder) -> Operation:
    operation = reader.operation
    target = reader.lowering.classical.target(operation.target, scope)
    cases = []
    for labels, circuit in operation.cases_specifier():
        # The default is the last case that can be reached, alone or among other labels.
        default = any(label is CASE_DEFAULT for label in labels)
        values = None if default else tuple(map(int, labels))
        cases.append(SwitchCase(values, reader.body(circuit, scope, block, "outer")))
    return Switch(target, tuple(cases))


def _for(reader: _Reader, scope: Scope, block: BlockBuilder) -> Operation:
    indices, parameter, body = reader.operation.params
    if len(indices) > MAX_ITERATIONS:
        raise ProgramError(
            f"a for_loop of {len(indices)} iterations ({scope.place()}) is longer than "
            f"{MAX_ITERATIONS}; use a while_loop"
        )
    if isinstance(parameter, expr.Var):
        variable = reader.lowering.classical.variable(parameter)
        type_ = reader.lowering.classical.type(parameter.type)
        values = _loop_values(indices, parameter.name, type_, scope)
        shared = reader.body(body, scope, block, "unknown")
        return ForLoop((shared,) * len(values), variable, values)
    if parameter is None or parameter not in body.parameters:
        shared = reader.body(body, scope, block, "unknown") if len(indices) else ()
        return ForLoop((shared,) * len(indices))
    blocks: dict[Any, Block] = {}
    for index in indices:
        if index not in blocks:
            bound = body.assign_parameters({parameter: index})
            blocks[index] = reader.body(bound, scope, block, "unknown")
    return ForLoop(tuple(blocks[index] for index in indices))


def _loop_values(indices: Any, name: str, type_: Type, scope: Scope) -> tuple[int, ...]:
    values = tuple(map(int, indices))
    for value in values:
        if value < 0 or value >> type_.width:
            raise ProgramError(
                f"the loop variable {name!r} ({scope.place()}) takes the value {value}, "
                f"which does not fit an unsigned integer of {type_.width} bits"
            )
    return values


def _while(reader: _Reader, scope: Scope, block: BlockBuilder) -> Operation:
    operation = reader.operation
    condition = reader.lowering.classical.condition(operation.condition, scope)
    (circuit,) = operation.blocks
    return WhileLoop(condition, reader.body(circuit, scope, block, "unknown"))


def _box(reader: _Reader, scope: Scope, block: BlockBuilder) -> None:
    # A box only holds the scheduler off: its body runs as if written here.
    (circuit,) = reader.operation.blocks
    inner = scope.inner(circuit, reader.qubits, reader.clbits, "body of 'box'")
    reader.lowering.read(circuit, inner, block)


def _store(reader: _Reader, scope: Scope, block: BlockBuilder) -> Operation:
    classical = reader.lowering.classical
    target = classical.lvalue(reader.operation.lvalue, scope)
    return StoreOperation(target, classical.expression(reader.operation.rvalue, scope))


def _jump(reader: _Reader, scope: Scope, block: BlockBuilder) -> Operation:
    operation = reader.operation
    if not scope.in_loop:
        raise UnsupportedInstructionError(
            f"instruction {operation.name!r} ({scope.place()}) is in no loop"
        )
    return Break() if isinstance(operation, BreakLoopOp) else Continue()


Handler = Callable[[_Reader, Scope, BlockBuilder], "Operation | None"]


def _handled(kind: type[Any], make: Handler) -> Any:
    def handler(
        lowering: Lowering,
        operation: Any,
        qubits: tuple[int, ...],
        clbits: tuple[int, ...],
        scope: Scope,
        block: BlockBuilder,
    ) -> None:
        lowering.refuse_in_gate(operation, scope)
        if kind is not Store:
            block.flush_phase()
        lowered = make(_Reader(lowering, operation, qubits, clbits), scope, block)
        if lowered is not None:
            block.operations.append(lowered)

    return kind, handler


HANDLERS: dict[str, Any] = {
    "if_else": _handled(IfElseOp, _if_else),
    "switch_case": _handled(SwitchCaseOp, _switch),
    "for_loop": _handled(ForLoopOp, _for),
    "while_loop": _handled(WhileLoopOp, _while),
    "box": _handled(BoxOp, _box),
    "store": _handled(Store, _store),
    "break_loop": _handled(BreakLoopOp, _jump),
    "continue_loop": _handled(ContinueLoopOp, _jump),
}
"""By instruction name: its class, and what lowers it."""
