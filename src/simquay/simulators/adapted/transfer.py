"""Circuits, options and backends, made ready for the thread or process that runs them.

What leaves here is a snapshot: the caller cannot change it any more. A thread gets copies, a worker
process a pickle through its private pipe, an executor of the user's QPY.
"""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import AnnotatedOperation, ControlFlowOp, Operation
from qiskit.providers import BackendV2

from simquay.jobs.workers.pickling import circuits_from_qpy, pickled
from simquay.jobs.workers.process import WORKERS_SUPPORTED, BackendSource
from simquay.simulators.inputs import RunInputError

__all__ = ["backend_source", "circuits_to_qpy", "copied_options", "pickled_run"]


def backend_source(foreign: BackendV2, factory: str) -> tuple[BackendSource | None, str]:
    """How a worker process makes the backend; or None, and the reason why it cannot.

    Args:
        foreign: the backend.
        factory: ``module:callable`` that makes such a backend, or empty: then it is pickled.
    """
    if not WORKERS_SUPPORTED:
        return None, "this system has no worker processes (they need POSIX)"
    if factory:
        return BackendSource(factory=factory), ""
    try:
        return BackendSource(pickled=pickled(foreign)), ""
    except Exception as error:  # noqa: BLE001  # pickling runs the foreign classes' own code
        return None, f"it does not pickle ({type(error).__name__}: {error})"


def pickled_run(circuits: Sequence[QuantumCircuit], options: Mapping[str, Any]) -> bytes:
    """A run, pickled for a worker process.

    Raises:
        RunInputError: it cannot be pickled for another process; says why.
    """
    try:
        return pickled((circuits, options))
    except Exception as error:  # pickling runs the code of the objects' classes
        raise RunInputError(
            "the circuits or options cannot be sent to a worker process: it does not pickle "
            f"({type(error).__name__}: {error}). isolation='thread' runs them in this one"
        ) from error


def copied_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Deep copies of the options, except of values that cannot be copied (executors, locks)."""
    return {name: _copy(value) for name, value in options.items()}


def _copy(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except (TypeError, pickle.PicklingError):  # executors, locks: there is one of each
        return value


# --- QPY, for executors of other processes --------------------------------------------------------


def circuits_to_qpy(circuits: Sequence[QuantumCircuit]) -> bytes:
    """``circuits`` as QPY, which is read back and compared with them.

    Raises:
        RunInputError: QPY cannot write them, or loses a part; names the circuit and the part.
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
                f"circuit {circuit.name!r} (number {index} of the job) cannot be sent to another "
                f"process as QPY without loss: {lost} would differ; run it without executor=, or "
                "on a ThreadPoolExecutor"
            )
    return data


def _difference(one: QuantumCircuit, other: QuantumCircuit) -> str:
    """The first part in which two circuits differ, in words; empty where they are the same."""
    for part, mine, theirs in (
        ("its name", one.name, other.name),
        ("its metadata", one.metadata or {}, other.metadata or {}),
        ("its registers", (one.qregs, one.cregs), (other.qregs, other.cregs)),
        ("its bits", _shape(one), _shape(other)),
        ("its global phase", one.global_phase, other.global_phase),
        ("its variables", list(one.iter_vars()), list(other.iter_vars())),
    ):
        if mine != theirs:
            return part
    for index, (mine, theirs) in enumerate(zip(one.data, other.data, strict=True)):
        if _wires(one, mine) != _wires(other, theirs):
            return f"the bits of instruction {index}"
        if not _same(mine.operation, theirs.operation):
            return f"instruction {index}, {mine.name!r} ({type(mine.operation).__name__})"
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
    # Some operations do not equal their own copies, though their parameters do.
    return len(one.params) == len(other.params) and all(map(_equal, one.params, other.params))


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)
