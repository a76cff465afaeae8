"""Programs: circuits lowered to NumPy data, without anything of Qiskit.

Takes nothing: these are the data classes that lowering fills in. Gives :class:`Program`, which is
a sequence of operations on qubit indices; it compares by value, and packs into bytes for another
process. Read ``gates.py`` first, then ``operations.py``.
"""

from simquay.program.channels import Channel, Misread, Mixture
from simquay.program.expressions import Expression
from simquay.program.gates import (
    Diagonal,
    Gate,
    GateOperation,
    Matrix,
    Parametric,
    Permutation,
    Prepare,
    Relabel,
)
from simquay.program.observable import Observable, Strings
from simquay.program.operations import (
    Body,
    Break,
    Continue,
    ForLoop,
    IfElse,
    Measure,
    Operation,
    Reset,
    Restart,
    Save,
    Store,
    Switch,
    SwitchCase,
    WhileLoop,
)
from simquay.program.precision import Precision
from simquay.program.program import Program, VariableDeclaration

__all__ = [
    "Body",
    "Break",
    "Channel",
    "Continue",
    "Diagonal",
    "Expression",
    "ForLoop",
    "Gate",
    "GateOperation",
    "IfElse",
    "Matrix",
    "Measure",
    "Misread",
    "Mixture",
    "Observable",
    "Operation",
    "Parametric",
    "Permutation",
    "Precision",
    "Prepare",
    "Program",
    "Relabel",
    "Reset",
    "Restart",
    "Save",
    "Store",
    "Strings",
    "Switch",
    "SwitchCase",
    "VariableDeclaration",
    "WhileLoop",
]
