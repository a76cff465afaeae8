"""Expressions of ``qiskit.circuit.classical`` as expressions of the program.

Durations become floats. A program's durations are all in seconds or all in ``dt``, since a
simulator has no clock that ties one to the other.
"""

from __future__ import annotations

from typing import Any

from qiskit.circuit import ClassicalRegister, Clbit, Duration
from qiskit.circuit.classical import expr, types

from simquay.circuits.lowering.context import Site
from simquay.errors import UnsupportedInstructionError
from simquay.program import Expression
from simquay.program.expressions import (
    Binary,
    BitRef,
    Cast,
    Constant,
    Index,
    Kind,
    RegisterRef,
    Target,
    Type,
    Unary,
    VariableRef,
)

__all__ = [
    "lower_condition",
    "lower_expression",
    "lower_lvalue",
    "lower_target",
    "type_of",
    "variable_index",
]

_UNARY = {"BIT_NOT": "~", "LOGIC_NOT": "!", "NEGATE": "-"}
_BINARY = {
    "BIT_AND": "&",
    "BIT_OR": "|",
    "BIT_XOR": "^",
    "LOGIC_AND": "&&",
    "LOGIC_OR": "||",
    "EQUAL": "==",
    "NOT_EQUAL": "!=",
    "LESS": "<",
    "LESS_EQUAL": "<=",
    "GREATER": ">",
    "GREATER_EQUAL": ">=",
    "SHIFT_LEFT": "<<",
    "SHIFT_RIGHT": ">>",
    "ADD": "+",
    "SUB": "-",
    "MUL": "*",
    "DIV": "/",
}
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12}


def variable_index(variable: expr.Var, site: Site) -> int:
    """The program's index of a variable, which is new at its first mention."""
    indices = site.lowering.variables
    return indices.setdefault(variable, len(indices))


def type_of(type_: Any) -> Type:
    """A Qiskit type as the program's."""
    if isinstance(type_, types.Uint):
        return Type(Kind.UINT, type_.width)
    return Type(Kind.BOOL if isinstance(type_, types.Bool) else Kind.FLOAT)


def lower_condition(condition: Any, site: Site) -> Expression:
    """The condition of an ``if`` or ``while``: an expression, or a bit or register and value.

    Raises:
        UnsupportedInstructionError: if it holds a stretch or mixes units of duration.
    """
    if isinstance(condition, expr.Expr):
        return lower_expression(condition, site)
    target, value = condition
    read = _memory(target, site)
    if isinstance(read, BitRef):
        return read if value else Unary("!", read, Type(Kind.BOOL))
    # A value that does not fit the register is never equal, so it keeps its own width.
    width = max(int(value).bit_length(), 1)
    literal = Constant(int(value), Type(Kind.UINT, width))
    return Binary("==", read, literal, Type(Kind.BOOL))


def lower_target(target: Any, site: Site) -> Expression:
    """The target of a ``switch``: an expression, a bit or a register."""
    if isinstance(target, expr.Expr):
        return lower_expression(target, site)
    return _memory(target, site)


def lower_lvalue(lvalue: expr.Expr, site: Site) -> Target:
    """The target of a ``store``.

    Raises:
        UnsupportedInstructionError: if it is no bit, register or variable.
    """
    lowered = lower_expression(lvalue, site)
    if not isinstance(lowered, (BitRef, RegisterRef, VariableRef, Index)):
        raise UnsupportedInstructionError(
            f"a store cannot write to {lvalue} ({site.scope.place()}); "
            "it writes to bits, registers and variables"
        )
    return lowered


def _memory(memory: Any, site: Site) -> BitRef | RegisterRef:
    if isinstance(memory, Clbit):
        return BitRef(site.scope.clbits[memory])
    if isinstance(memory, ClassicalRegister):
        return RegisterRef(tuple(site.scope.clbits[bit] for bit in memory))
    raise UnsupportedInstructionError(
        f"{memory!r} is no classical bit, register or expression ({site.scope.place()})"
    )


def lower_expression(node: expr.Expr, site: Site) -> Expression:
    """``node`` as an expression of the program.

    Raises:
        UnsupportedInstructionError: if it holds a stretch or mixes units of duration.
    """
    if isinstance(node, expr.Var):
        if node.standalone:
            return VariableRef(variable_index(node, site), type_of(node.type))
        return _memory(node.var, site)
    if isinstance(node, expr.Value):
        return Constant(_value(node.value, site), type_of(node.type))
    if isinstance(node, expr.Cast):
        return Cast(lower_expression(node.operand, site), type_of(node.type))
    if isinstance(node, expr.Unary):
        operand = lower_expression(node.operand, site)
        return Unary(_UNARY[node.op.name], operand, type_of(node.type))
    if isinstance(node, expr.Binary):
        left, right = lower_expression(node.left, site), lower_expression(node.right, site)
        return Binary(_BINARY[node.op.name], left, right, type_of(node.type))
    if isinstance(node, expr.Index):
        return Index(lower_expression(node.target, site), lower_expression(node.index, site))
    kind = "stretch" if isinstance(node, expr.Stretch) else type(node).__name__
    raise UnsupportedInstructionError(
        f"the classical expression {node} is not supported ({site.scope.place()}): "
        f"a {kind} has no value in a simulation"
    )


def _value(value: Any, site: Site) -> bool | int | float:
    if not isinstance(value, Duration):
        return value  # type: ignore[no-any-return]  # Qiskit's literals: bool, int or float
    unit = value.unit()
    system = "dt" if unit == "dt" else "s"
    if site.lowering.duration_unit not in ("", system):
        raise UnsupportedInstructionError(
            f"the duration {value} is in other units than those before it "
            f"({site.scope.place()}): a simulation knows no length of a dt; "
            "use dt alone or seconds alone"
        )
    site.lowering.duration_unit = system
    return float(value.value()) * _SECONDS.get(unit, 1.0)
