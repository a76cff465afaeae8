"""Circuits for processes that may only be sent plain data: as QPY, where QPY keeps all of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import AnnotatedOperation, ControlFlowOp, Operation

from simquay.simulators.inputs import RunInputError

__all__ = ["circuits_from_qpy", "circuits_to_qpy"]


def circuits_to_qpy(circuits: Sequence[QuantumCircuit]) -> bytes:
    """``circuits`` as QPY, which is read back and compared: it may lose nothing.

    Raises:
        RunInputError: it would lose something, or cannot be written; names the circuit and what.
    """
    stream = io.BytesIO()
    try:
        qpy.dump(list(circuits), stream)
        data = stream.getvalue()
        arrived = circuits_from_qpy(data)
    except Exception as error:  # QPY runs the classes' own code, and raises errors of many kinds
        raise RunInputError(
            f"the circuits cannot be sent as QPY ({type(error).__name__}: {error}); "
            "run them without executor=, or on a ThreadPoolExecutor"
        ) from error
    for index, (circuit, other) in enumerate(zip(circuits, arrived, strict=True)):
        lost = _difference(circuit, other)
        if lost:
            raise RunInputError(
                f"circuit {circuit.name!r} (number {index} of the job) would lose something on "
                f"its way to another process, as QPY: {lost}; run it without executor=, or on a "
                "ThreadPoolExecutor"
            )
    return data


def circuits_from_qpy(data: bytes) -> list[QuantumCircuit]:
    """The circuits again."""
    circuits: list[QuantumCircuit] = qpy.load(io.BytesIO(data))
    return circuits


def _difference(one: QuantumCircuit, other: QuantumCircuit) -> str:
    """What is not the same in two circuits, in words; empty where all is."""
    for what, mine, theirs in (
        ("its name", one.name, other.name),
        ("its metadata", one.metadata or {}, other.metadata or {}),
        ("its registers", (one.qregs, one.cregs), (other.qregs, other.cregs)),
        ("its bits", _shape(one), _shape(other)),
        ("its global phase", one.global_phase, other.global_phase),
        ("its variables", list(one.iter_vars()), list(other.iter_vars())),
    ):
        if mine != theirs:
            return what
    for place, (mine, theirs) in enumerate(zip(one.data, other.data, strict=True)):
        if _wires(one, mine) != _wires(other, theirs):
            return f"the bits of instruction {place}"
        if not _same(mine.operation, theirs.operation):
            return f"instruction {place}, {mine.name!r} ({type(mine.operation).__name__})"
    return ""


def _shape(circuit: QuantumCircuit) -> tuple[int, int, int]:
    return circuit.num_qubits, circuit.num_clbits, len(circuit.data)


def _wires(circuit: QuantumCircuit, item: Any) -> list[int]:
    return [circuit.find_bit(bit).index for bit in (*item.qubits, *item.clbits)]


def _same(one: Operation, other: Operation) -> bool:
    if type(one) is not type(other) or one.name != other.name:
        return False
    if isinstance(one, (AnnotatedOperation, ControlFlowOp)):
        return bool(one == other)
    if one.label != other.label:
        return False
    # Some operations are not even equal to their own copies, though their parameters are.
    return len(one.params) == len(other.params) and all(map(_equal, one.params, other.params))


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)
