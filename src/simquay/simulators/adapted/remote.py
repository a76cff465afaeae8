"""A run on a foreign backend in a process of a user's executor.

The circuits are sent as QPY, the options as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import AnnotatedOperation, ControlFlowOp, Operation
from qiskit.result import Result

from simquay.errors import SimquayError
from simquay.jobs.errors import JobFailedError, error_from_plain, error_to_plain
from simquay.jobs.references import BackendFinder
from simquay.jobs.workers.pickling import circuits_from_qpy, qpy_of
from simquay.simulators.adapted.tasks import answered
from simquay.simulators.inputs import RunInputError
from simquay.simulators.worker import (
    Answer,
    ForeignWorkerError,
    RemoteTask,
    carry_out,
    this_worker,
)

__all__ = ["UnplainResultError", "circuits_to_qpy", "remote_task", "run_foreign_request"]

_PLAIN = (str, int, float, complex, bool, bytes, type(None), np.ndarray, np.generic)


class UnplainResultError(SimquayError):
    """A result holds an object that crosses processes as a pickle only."""


def _check_options(options: Mapping[str, Any]) -> None:
    """Refuse options that JSON would change.

    Raises:
        RunInputError: names the option.
    """
    for name, value in options.items():
        try:
            arrived = json.loads(json.dumps(value))
            kept = type(arrived) is type(value) and bool(arrived == value)
        except (TypeError, ValueError):
            kept = False
        if not kept:
            raise RunInputError(
                f"option {name}, of type {type(value).__name__}, cannot be sent to an executor "
                "of other processes: expected what JSON keeps (numbers, strings, lists, "
                "dicts); run without executor=, or on a ThreadPoolExecutor"
            )


def remote_task(
    finder: BackendFinder,
    backend: str,
    backend_version: str,
    options: Mapping[str, Any],
    circuits: Sequence[QuantumCircuit],
) -> RemoteTask:
    """A run for another process.

    Args:
        finder: gives the backend there, by its name.
        backend: the name that the other process finds the backend by.
        backend_version: the foreign backend's.
        options: for the foreign ``run``.
        circuits: of the run.

    Raises:
        RunInputError: JSON would change an option, or QPY a circuit.
    """
    _check_options(options)
    fields = {"backend_version": backend_version, "options": json.dumps(dict(options))}
    data = circuits_to_qpy(circuits)
    return RemoteTask(run_foreign_request, finder, backend, lambda: data, _decode, fields)


def circuits_to_qpy(circuits: Sequence[QuantumCircuit]) -> bytes:
    """``circuits`` as QPY, which is read back and compared with them.

    Raises:
        RunInputError: QPY cannot write them, or loses a part; names the circuit and the part.
    """
    try:
        data = qpy_of(circuits)
        arrived = circuits_from_qpy(data)
    except Exception as error:  # see qpy_of
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


def run_foreign_request(finder: BackendFinder, request: bytes, circuits: bytes) -> dict[str, Any]:
    """Run a task; a worker process of an executor calls this.

    Args:
        finder: gives the backend by its name.
        request: of :func:`remote_task`.
        circuits: as QPY.

    Returns:
        Plain data; see :func:`~simquay.simulators.worker.carry_out`.
    """

    def run(backend: Any, asked: Mapping[str, Any]) -> Answer:
        theirs = str(backend.backend_version)
        if theirs != asked["backend_version"]:
            raise ForeignWorkerError(
                f"{this_worker()} has version {theirs} of backend {asked['backend']!r}, but the "
                f"job was made for version {asked['backend_version']}: install the same version "
                "on both"
            )
        options = json.loads(asked["options"])
        return answered(lambda: backend.run_here(circuits_from_qpy(circuits), options))

    return carry_out(finder, request, "run_here", "an adapted one", run, _encode)


def _encode(value: Result | JobFailedError) -> dict[str, Any]:
    failure = value if isinstance(value, JobFailedError) else None
    result = value if failure is None else failure.partial_result
    cause = None if failure is None else failure.__cause__
    return {
        "result": None if result is None else _plain(result.to_dict(), "result"),
        "text": None if failure is None else failure.message,
        "cause": None if cause is None else error_to_plain(cause),
    }


def _decode(value: Mapping[str, Any]) -> Result | JobFailedError:
    result = None if value["result"] is None else Result.from_dict(value["result"])
    if value["text"] is None:
        return result
    failure = JobFailedError(value["text"], result)
    failure.__cause__ = None if value["cause"] is None else error_from_plain(value["cause"])
    return failure


def _plain(value: Any, where: str) -> Any:
    """``value`` if it is a tree of plain values and arrays.

    Raises:
        UnplainResultError: if it is not; says where.
    """
    if isinstance(value, Mapping):
        return {key: _plain(one, f"{where}.{key}") for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one, where) for one in value]
    if isinstance(value, _PLAIN) and not (isinstance(value, np.ndarray) and value.dtype.hasobject):
        return value
    raise UnplainResultError(
        f"{where} is an object of type {type(value).__name__}, and only numbers, strings and "
        "arrays come back from an executor of other processes; run without executor="
    )
