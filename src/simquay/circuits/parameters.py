"""The unbound parameters of a circuit."""

from __future__ import annotations

from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import ForLoopOp, Parameter, ParameterExpression

__all__ = ["unbound_parameters"]


def unbound_parameters(circuit: QuantumCircuit) -> list[Parameter]:
    """The parameters that need a value before the circuit can run, in the order of their names.

    A loop's own parameter is not among them, although ``circuit.parameters`` lists it in
    the first releases of Qiskit 2.
    """
    listed = set(circuit.parameters)
    own: set[Parameter] = set()
    free = _free(circuit, own)
    return sorted(listed - (own - free), key=lambda parameter: parameter.name)


def _free(circuit: QuantumCircuit, own: set[Parameter]) -> set[Parameter]:
    """The parameters used outside their loops; the loops' parameters are added to ``own``."""
    found = _parameters_of(circuit.global_phase)
    for instruction in circuit.data:
        operation = instruction.operation
        if isinstance(operation, ForLoopOp):
            _, parameter, body = operation.params
            inside = _free(body, own)
            if isinstance(parameter, Parameter):
                own.add(parameter)
                inside.discard(parameter)
            found |= inside
            continue
        for block in getattr(operation, "blocks", ()):
            found |= _free(block, own)
        for value in instruction.params:
            found |= _parameters_of(value)
    return found


def _parameters_of(value: Any) -> set[Parameter]:
    return set(value.parameters) if isinstance(value, ParameterExpression) else set()
