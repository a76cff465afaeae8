"""``qiskit.circuit.classical`` expressions as the program's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qiskit.circuit import ClassicalRegister, Clbit, Duration
from qiskit.circuit.classical import expr, types

from simquay.circuits.lowering.scopes import Scope
from simquay.errors import UnsupportedInstructionError
from simquay.program import Expression, VariableDeclaration
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

__all__ = ["Classical"]

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


@dataclass(slots=True)
class Classical:
    """Lowers expressions and numbers the variables of one program.

    Durations become floats. A program's durations are all in seconds or all in ``dt``, since a
    simulator has no clock that ties one to the other.
    """

    variables: list[VariableDeclaration] = field(default_factory=list)
    _numbers: dict[expr.Var, int] = field(default_factory=dict)
    _unit: str = ""

    def variable(self, variable: expr.Var) -> int:
        """The program's index of a variable, which is new at its first mention."""
        number = self._numbers.get(variable)
        if number is None:
            number = self._numbers[variable] = len(self.variables)
            self.variables.append(VariableDeclaration(variable.name, self.type(variable.type)))
        return number

    def type(self, type_: Any) -> Type:
        """A Qiskit type as the program's."""
        if isinstance(type_, types.Uint):
            return Type(Kind.UINT, type_.width)
        return Type(Kind.BOOL if isinstance(type_, types.Bool) else Kind.FLOAT)

    def condition(self, condition: Any, scope: Scope) -> Expression:
        """The condition of an ``if`` or ``while``: an expression, or a bit or register and value.

        Raises:
            UnsupportedInstructionError: if it holds a stretch or mixes units of duration.
        """
        if isinstance(condition, expr.Expr):
            return self.expression(condition, scope)
        target, value = condition
        read = self.target(target, scope)
        if isinstance(read, BitRef):
            return read if value else Unary("!", read, Type(Kind.BOOL))
        # A value that does not fit the register is never equal, so it keeps its own width.
        width = max(int(value).bit_length(), 1)
        literal = Constant(int(value), Type(Kind.UINT, width))
        return Binary("==", read, literal, Type(Kind.BOOL))

    def target(self, target: Any, scope: Scope) -> Expression:
        """What a ``switch`` looks at: an expression, a bit or a register."""
        if isinstance(target, expr.Expr):
            return self.expression(target, scope)
        return self._memory(target, scope)

    def lvalue(self, lvalue: expr.Expr, scope: Scope) -> Target:
        """What a ``store`` writes to."""
        lowered = self.expression(lvalue, scope)
        if not isinstance(lowered, (BitRef, RegisterRef, VariableRef, Index)):
            raise UnsupportedInstructionError(
                f"a store cannot write to {lvalue} ({scope.place()}); "
                "it writes to bits, registers and variables"
            )
        return lowered

    def _memory(self, memory: Any, scope: Scope) -> BitRef | RegisterRef:
        if isinstance(memory, Clbit):
            return BitRef(scope.clbits[memory])
        if isinstance(memory, ClassicalRegister):
            return RegisterRef(tuple(scope.clbits[bit] for bit in memory))
        raise UnsupportedInstructionError(
            f"{memory!r} is no classical bit, register or expression ({scope.place()})"
        )

    def expression(self, node: expr.Expr, scope: Scope) -> Expression:
        """``node`` as the program's own expression.

        Raises:
            UnsupportedInstructionError: if it holds a stretch or mixes units of duration.
        """
        if isinstance(node, expr.Var):
            if node.standalone:
                return VariableRef(self.variable(node), self.type(node.type))
            return self._memory(node.var, scope)
        if isinstance(node, expr.Value):
            return Constant(self._value(node.value, scope), self.type(node.type))
        if isinstance(node, expr.Cast):
            return Cast(self.expression(node.operand, scope), self.type(node.type))
        if isinstance(node, expr.Unary):
            operand = self.expression(node.operand, scope)
            return Unary(_UNARY[node.op.name], operand, self.type(node.type))
        if isinstance(node, expr.Binary):
            left, right = self.expression(node.left, scope), self.expression(node.right, scope)
            return Binary(_BINARY[node.op.name], left, right, self.type(node.type))
        if isinstance(node, expr.Index):
            return Index(self.expression(node.target, scope), self.expression(node.index, scope))
        kind = "stretch" if isinstance(node, expr.Stretch) else type(node).__name__
        raise UnsupportedInstructionError(
            f"the classical expression {node} is not supported ({scope.place()}): "
            f"a {kind} has no value in a simulation"
        )

    def _value(self, value: Any, scope: Scope) -> bool | int | float:
        if not isinstance(value, Duration):
            return value  # type: ignore[no-any-return]  # Qiskit's literals: bool, int or float
        unit = value.unit()
        system = "dt" if unit == "dt" else "s"
        if self._unit not in ("", system):
            raise UnsupportedInstructionError(
                f"the duration {value} is in other units than those before it "
                f"({scope.place()}): a simulation knows no length of a dt; "
                "use dt alone or seconds alone"
            )
        self._unit = system
        return float(value.value()) * _SECONDS.get(unit, 1.0)
