"""Handlers of control flow: branches, loops, boxes and stores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

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

from simquay.circuits.lowering.context import Handler, Handlers, Site
from simquay.circuits.lowering.expressions import (
    lower_condition,
    lower_expression,
    lower_lvalue,
    lower_target,
    type_of,
    variable_index,
)
from simquay.circuits.lowering.scopes import BlockBuilder
from simquay.circuits.parameters import assigned
from simquay.errors import ProgramError, UnsupportedInstructionError
from simquay.program import (
    Body,
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

__all__ = ["HANDLERS"]

MAX_ITERATIONS = 10_000_000
"""The most iterations of a ``for``: each takes a place in its tuple of bodies."""


def _body(circuit: QuantumCircuit, site: Site, entry: Literal["outer", "unknown"]) -> Body:
    """A body as a separate block: a branch (``outer``) or a loop's body (``unknown``)."""
    role = f"body of {site.operation.name!r}"
    inner = site.scope.inner(circuit, site.qubits, site.clbits, role, loop=entry == "unknown")
    block = BlockBuilder(entry, site.block)
    site.lowering.read(circuit, inner, block)
    return block.finish()


def _if_else(site: Site) -> Operation:
    condition = lower_condition(site.operation.condition, site)
    bodies = [_body(circuit, site, "outer") for circuit in site.operation.blocks]
    return IfElse(condition, *bodies)


def _switch(site: Site) -> Operation:
    target = lower_target(site.operation.target, site)
    cases = []
    for labels, circuit in site.operation.cases_specifier():
        # The default is the last case that can be reached, alone or among other labels.
        default = any(label is CASE_DEFAULT for label in labels)
        values = None if default else tuple(map(int, labels))
        cases.append(SwitchCase(values, _body(circuit, site, "outer")))
    return Switch(target, tuple(cases))


def _for(site: Site) -> Operation:
    indices, parameter, body = site.operation.params
    if len(indices) > MAX_ITERATIONS:
        raise ProgramError(
            f"a for_loop of {len(indices)} iterations ({site.scope.place()}) is longer than "
            f"{MAX_ITERATIONS}; use a while_loop"
        )
    if isinstance(parameter, expr.Var):
        variable = variable_index(parameter, site)
        type_ = type_of(parameter.type)
        values = _loop_values(indices, parameter.name, type_, site)
        shared = _body(body, site, "unknown")
        return ForLoop((shared,) * len(values), variable, values)
    if parameter is None or parameter not in body.parameters:
        shared = _body(body, site, "unknown") if len(indices) else ()
        return ForLoop((shared,) * len(indices))
    distinct = list(dict.fromkeys(indices))
    bound = assigned(body, ({parameter: index} for index in distinct))
    blocks = [_body(circuit, site, "unknown") for circuit in bound]
    block_of = dict(zip(distinct, blocks, strict=True))
    return ForLoop(tuple([block_of[index] for index in indices]))


def _loop_values(indices: Any, name: str, type_: Type, site: Site) -> tuple[int, ...]:
    values = tuple(map(int, indices))
    for value in values:
        if value < 0 or value >> type_.width:
            raise ProgramError(
                f"the loop variable {name!r} ({site.scope.place()}) takes the value {value}, "
                f"which does not fit an unsigned integer of {type_.width} bits"
            )
    return values


def _while(site: Site) -> Operation:
    condition = lower_condition(site.operation.condition, site)
    (circuit,) = site.operation.blocks
    return WhileLoop(condition, _body(circuit, site, "unknown"))


def _box(site: Site) -> None:
    # A box concerns schedulers alone: its body runs as if written here.
    (circuit,) = site.operation.blocks
    inner = site.scope.inner(circuit, site.qubits, site.clbits, "body of 'box'")
    site.lowering.read(circuit, inner, site.block)


def _store(site: Site) -> Operation:
    target = lower_lvalue(site.operation.lvalue, site)
    return StoreOperation(target, lower_expression(site.operation.rvalue, site))


def _jump(site: Site) -> Operation:
    if not site.scope.in_loop:
        raise UnsupportedInstructionError(f"{site} is in no loop")
    return Break() if isinstance(site.operation, BreakLoopOp) else Continue()


def _handled(
    kind: type[Any], make: Callable[[Site], Operation | None]
) -> tuple[type[Any], Handler]:
    def handler(site: Site) -> None:
        site.refuse_in_gate()
        if kind is not Store:
            site.block.flush_phase()
        lowered = make(site)
        if lowered is not None:
            site.block.operations.append(lowered)

    return kind, handler


HANDLERS: Handlers = {
    "if_else": _handled(IfElseOp, _if_else),
    "switch_case": _handled(SwitchCaseOp, _switch),
    "for_loop": _handled(ForLoopOp, _for),
    "while_loop": _handled(WhileLoopOp, _while),
    "box": _handled(BoxOp, _box),
    "store": _handled(Store, _store),
    "break_loop": _handled(BreakLoopOp, _jump),
    "continue_loop": _handled(ContinueLoopOp, _jump),
}
