"""The unbound parameters of a circuit, and their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import ForLoopOp, Parameter, ParameterExpression

from simquay.errors import ProgramError

__all__ = ["assigned", "finite_values", "unbound_parameters"]


def assigned(
    circuit: QuantumCircuit, values: Iterable[Mapping[Parameter, float]]
) -> Iterator[QuantumCircuit]:
    """Copies of ``circuit``, of the same name, with each of ``values`` assigned.

    ``QuantumCircuit.assign_parameters`` does the same, but in Qiskit 2.6 it assigns them to gates
    inside the bodies of ``circuit`` itself, too.
    """
    copy = _separate if _shares(circuit) else QuantumCircuit.copy
    for row in values:
        made = copy(circuit)
        made.assign_parameters(row, inplace=True)
        yield made


def _shares(circuit: QuantumCircuit, inside: bool = False) -> bool:
    """Whether copies of ``circuit`` share gates with parameters of their own definition: those
    inside its bodies (or its own, if it is ``inside`` one)."""
    for item in circuit.data:
        if item.is_control_flow():
            if any(_shares(block, True) for block in item.operation.blocks):
                return True
        elif inside and item.params and not item.is_standard_gate():
            return True
    return False


def _separate(circuit: QuantumCircuit) -> QuantumCircuit:
    """A copy of ``circuit`` that shares no gates inside its bodies with it."""
    copy = circuit.copy_empty_like()
    for item in circuit.data:
        operation = item.operation
        if item.is_control_flow():
            operation = operation.replace_blocks([_separate(one) for one in operation.blocks])
        elif item.params and not item.is_standard_gate():
            operation = operation.copy()
        copy.append(item.replace(operation=operation))
    return copy


def finite_values(
    circuit: QuantumCircuit, values: NDArray[np.float64] | Sequence[Sequence[float]]
) -> NDArray[np.float64]:
    """``values`` as an array.

    Raises:
        ProgramError: if they are no finite numbers for each parameter of ``circuit``.
    """
    given = np.asarray(values)
    wanted = f"circuit {circuit.name!r} takes finite real values of shape (points, "
    wanted += f"{circuit.num_parameters}), a column for each of its parameters; it was given "
    if given.ndim != 2 or given.shape[1] != circuit.num_parameters:
        raise ProgramError(f"{wanted}values of shape {given.shape}")
    if given.dtype.kind not in "biuf":
        raise ProgramError(f"{wanted}values of type {given.dtype}")
    table = given.astype(np.float64)
    if not np.isfinite(table).all():
        point, place = np.argwhere(~np.isfinite(table))[0]
        name = circuit.parameters[place].name
        raise ProgramError(f"{wanted}{name}={table[point, place]} at point {point}")
    return table


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
