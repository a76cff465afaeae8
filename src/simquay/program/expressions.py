"""Classical expressions, which conditions, switches and stores evaluate.

They mirror ``qiskit.circuit.classical.expr`` as plain data on bit and variable indices. Types:
``Bool``, ``Uint`` of a width in bits, and ``Float`` (also used for durations, in seconds).
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, Union

from simquay.errors import ProgramError
from simquay.program.bits import extract

__all__ = [
    "Binary",
    "BitRef",
    "Cast",
    "ClassicalMemory",
    "Constant",
    "Expression",
    "Index",
    "Kind",
    "RegisterRef",
    "Target",
    "Type",
    "Unary",
    "VariableRef",
    "assign",
    "evaluate",
]


class Kind(enum.Enum):
    """The kind of a classical value."""

    BOOL = "bool"
    UINT = "uint"
    FLOAT = "float"


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a classical value; ``width`` in bits, for ``UINT`` alone."""

    kind: Kind
    width: int = 0


Value: TypeAlias = Union[bool, int, float]


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal."""

    value: Value
    type: Type


@dataclass(frozen=True, slots=True)
class BitRef:
    """One classical bit, as a Bool."""

    clbit: int


@dataclass(frozen=True, slots=True)
class RegisterRef:
    """Classical bits read as a Uint: ``clbits[j]`` is bit ``j``."""

    clbits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VariableRef:
    """A classical variable of the program, by its index."""

    variable: int
    type: Type


@dataclass(frozen=True, slots=True)
class Cast:
    """``operand`` converted to ``type``."""

    operand: Expression
    type: Type


@dataclass(frozen=True, slots=True)
class Unary:
    """``op`` is ``~`` (bitwise), ``!`` (logical) or ``-`` (negation)."""

    op: str
    operand: Expression
    type: Type


@dataclass(frozen=True, slots=True)
class Binary:
    """``op`` is one of ``& | ^ && || == != < <= > >= << >> + - * /``."""

    op: str
    left: Expression
    right: Expression
    type: Type


@dataclass(frozen=True, slots=True)
class Index:
    """Bit ``index`` of the Uint ``target``, as a Bool; past the width it is false."""

    target: Expression
    index: Expression


Expression: TypeAlias = Union[
    Constant, BitRef, RegisterRef, VariableRef, Cast, Unary, Binary, Index
]
Target: TypeAlias = Union[BitRef, RegisterRef, VariableRef, Index]
"""A target of a store; an Index is one bit of a variable or register."""


@dataclass(slots=True)
class ClassicalMemory:
    """The classical memory of a branch, which all shots of the branch share.

    Attributes:
        bits: the classical bits as one integer; bit ``k`` is classical bit ``k``.
        variables: the program's variables, None until first stored.
    """

    bits: int
    variables: list[Value | None]

    def copy(self) -> ClassicalMemory:
        """A copy that can be changed independently."""
        return ClassicalMemory(self.bits, list(self.variables))

    def set_bit(self, clbit: int, value: int) -> None:
        """Set classical bit ``clbit`` to 1 if ``value`` is not 0, else to 0."""
        if value:
            self.bits |= 1 << clbit
        else:
            self.bits &= ~(1 << clbit)


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}


def type_of(expression: Expression) -> Type:
    """The type of the value that ``expression`` has."""
    match expression:
        case BitRef() | Index():
            return Type(Kind.BOOL)
        case RegisterRef(clbits):
            return Type(Kind.UINT, len(clbits))
        case _:
            return expression.type


def evaluate(expression: Expression, memory: ClassicalMemory) -> Value:
    """The value of ``expression`` in ``memory``.

    Uint arithmetic wraps at the type's width, as in Qiskit and OpenQASM 3.

    Raises:
        ProgramError: for a variable that was never stored, or a division by zero.
    """
    match expression:
        case Constant(value):
            return value
        case BitRef(clbit):
            return bool(memory.bits >> clbit & 1)
        case RegisterRef(clbits):
            return extract(memory.bits, clbits)
        case VariableRef(variable):
            stored = memory.variables[variable]
            if stored is None:
                raise ProgramError(
                    f"classical variable {variable} is read before it is stored; "
                    "give it a value with add_var or store first"
                )
            return stored
        case Index(target, index):
            return bool(int(evaluate(target, memory)) >> int(evaluate(index, memory)) & 1)
        case Cast(operand, type_):
            return convert(evaluate(operand, memory), type_)
        case Unary(op, operand, type_):
            value = evaluate(operand, memory)
            if op == "!":
                return not value
            if op == "-":
                return convert(-value, type_)
            return (not value) if type_.kind is Kind.BOOL else convert(~int(value), type_)
        case Binary(op, left, right, type_):
            return _evaluate_binary(op, left, right, type_, memory)
    raise AssertionError(expression)


def _evaluate_binary(
    op: str, left: Expression, right: Expression, type_: Type, memory: ClassicalMemory
) -> Value:
    first = evaluate(left, memory)
    if op == "&&":
        return bool(first) and bool(evaluate(right, memory))
    if op == "||":
        return bool(first) or bool(evaluate(right, memory))
    second = evaluate(right, memory)
    if op in ("<<", ">>"):
        # A shift by the width or more gives 0. Limit it, or ``<<`` could make a huge integer.
        distance = min(int(second), type_.width)
        first = int(first)
        return convert(first << distance if op == "<<" else first >> distance, type_)
    if op == "/":
        if second == 0:
            raise ProgramError("division by zero in a classical expression")
        return int(first) // int(second) if type_.kind is Kind.UINT else first / second
    return convert(_BINARY[op](first, second), type_)


def convert(value: Value, type_: Type) -> Value:
    """``value`` as a value of ``type_``: truth for Bool, modulo 2**width for Uint.

    Raises:
        ProgramError: for a Uint of an infinite value, or one that is not a number.
    """
    if type_.kind is Kind.BOOL:
        return bool(value)
    if type_.kind is Kind.UINT:
        try:
            return int(value) & ((1 << type_.width) - 1)
        except (OverflowError, ValueError) as error:
            raise ProgramError(f"the classical value {value} is no unsigned integer") from error
    return float(value)


def assign(target: Target, value: Value, memory: ClassicalMemory) -> None:
    """Write ``value`` to ``target`` in ``memory``; a bit past the width of a Uint is dropped.

    Raises:
        ProgramError: for one bit of a variable that was never stored, or of another expression.
    """
    match target:
        case BitRef(clbit):
            memory.set_bit(clbit, int(bool(value)))
        case RegisterRef(clbits):
            for position, clbit in enumerate(clbits):
                memory.set_bit(clbit, int(value) >> position & 1)
        case VariableRef(variable, type_):
            memory.variables[variable] = convert(value, type_)
        case Index(inner, index):
            if not isinstance(inner, (RegisterRef, VariableRef)):
                raise ProgramError(f"a store cannot write to {target}")
            position = int(evaluate(index, memory))
            if position >= type_of(inner).width:
                return  # as reading there is false
            whole = int(evaluate(inner, memory))
            changed = whole | 1 << position if value else whole & ~(1 << position)
            assign(inner, changed, memory)
