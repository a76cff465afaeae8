"""A circuit lowered to NumPy data: operations on qubit indices, and nothing of Qiskit.

A program is plain data: it prints, compares and saves, so that an engine can be run and measured
on a machine that has no Qiskit.
"""

from simquay.program.expressions import Expression
from simquay.program.operations import (
    Block,
    Break,
    Continue,
    Diagonal,
    ForLoop,
    GateOperation,
    IfElse,
    Matrix,
    Measure,
    Operation,
    Permutation,
    Prepare,
    Relabel,
    Reset,
    Save,
    Store,
    Switch,
    SwitchCase,
    WhileLoop,
)
from simquay.program.precision import Precision
from simquay.program.program import Program, VariableDeclaration
from simquay.program.saving import load_program, save_program

__all__ = [
    "Block",
    "Break",
    "Continue",
    "Diagonal",
    "Expression",
    "ForLoop",
    "GateOperation",
    "IfElse",
    "Matrix",
    "Measure",
    "Operation",
    "Permutation",
    "Precision",
    "Prepare",
    "Program",
    "Relabel",
    "Reset",
    "Save",
    "Store",
    "Switch",
    "SwitchCase",
    "VariableDeclaration",
    "WhileLoop",
    "load_program",
    "save_program",
]
