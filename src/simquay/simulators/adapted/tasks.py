"""Runs on a foreign backend in a worker process, or in a thread of this one.

They get snapshots of circuits and options: the caller cannot change them any more.

The one task has all circuits of the job. A foreign backend draws its random numbers as it likes,
mostly by the index of a circuit in the job, so results would depend on how a job is split.
"""

from __future__ import annotations

import copy
import json
import math
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simquay.control import Control
from simquay.execution.memory import host_ledger
from simquay.jobs.dispatch.tasks import MemoryRequest, TaskControl
from simquay.jobs.errors import JobFailedError, detach
from simquay.jobs.external.circuits import BackendPool, run_circuits
from simquay.jobs.external.watch import Ended, ForeignRun, foreign_result
from simquay.jobs.workers.pickling import pickled
from simquay.jobs.workers.process import BackendSource, why_no_workers
from simquay.simulators.inputs import RunInputError
from simquay.simulators.worker import Answer

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.providers import BackendV2
    from qiskit.result import Result

__all__ = [
    "MemoryRule",
    "answered",
    "backend_source",
    "copied_options",
    "kept_options",
    "memory_request",
    "options_of_kept",
    "pickled_run",
    "run_and_wait",
    "run_in_thread",
]

MemoryRule = Callable[["QuantumCircuit", Mapping[str, Any]], int]
"""Gives the bytes that a run of a circuit with some options needs; 0 where that is unknown."""

_WORTH_RESERVING = 64 << 20
"""Bytes; a smaller need is not reserved, since it fits anyway."""


def answered(run: Callable[[], Result]) -> Answer:
    """The answer of a run: its result, or the ``JobFailedError`` that it raised."""
    began = time.perf_counter()
    value: Result | JobFailedError
    try:
        value = run()
    except JobFailedError as error:
        value = error
        detach(error)
    return Answer(value, time.perf_counter() - began)


def backend_source(foreign: BackendV2, factory: str) -> tuple[BackendSource | None, str]:
    """How a worker process makes the backend; or None, and the reason why it cannot.

    Args:
        foreign: the backend.
        factory: ``module:callable`` that makes such a backend, or empty: then it is pickled.
    """
    if reason := why_no_workers():
        return None, reason
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


def run_in_thread(
    backends: BackendPool,
    circuits: Sequence[QuantumCircuit],
    options: Mapping[str, Any],
    control: TaskControl,
) -> Result:
    """A run in a thread of this process. Cancelling it asks the foreign job to cancel.

    Args:
        backends: the backend objects.
        circuits: copies of the caller's.
        options: for ``backend.run``.
        control: of the task.
    """
    lease = backends.lease(control)

    def attempt(start: Callable[[], Any]) -> Ended:
        return foreign_result(start, control, lease.hold())

    try:
        return run_circuits(lease.backend, circuits, options, attempt=attempt, again=False)
    finally:
        lease.release()


def run_and_wait(
    backends: BackendPool, circuits: Sequence[QuantumCircuit], options: Mapping[str, Any]
) -> Result:
    """A run in this thread, which nothing cancels.

    Raises:
        JobFailedError: with the error as its cause, and the results of those that succeeded.
        Cancelled: the backend cancelled the run by itself.
    """
    lease = backends.lease(Control())

    def attempt(start: Callable[[], Any]) -> Ended:
        run = ForeignRun(start)
        run.do()
        return run.ended()

    try:
        return run_circuits(lease.backend, circuits, options, attempt=attempt, again=True)
    finally:
        lease.release()


def memory_request(
    rule: MemoryRule | None, circuits: Sequence[QuantumCircuit], options: Mapping[str, Any]
) -> MemoryRequest | None:
    """The request of a run, or None where its need is unknown or small.

    It is an estimate: a run that could never have so much goes without, and fails with an error of
    its own where it must.

    Args:
        rule: gives the need of one circuit; None where it is unknown.
        circuits: of the run, one or more; the largest need counts.
        options: of the run, with those of the backend.
    """
    if rule is None:
        return None
    need = max(rule(circuit, options) for circuit in circuits)
    return MemoryRequest(host_ledger(), need, less=(0,)) if need >= _WORTH_RESERVING else None


def kept_options(options: Mapping[str, Any], isolation: str) -> bytes:
    """What a kept job needs beside its circuits to run anew, as bytes.

    Raises:
        ValueError: an option is an object that the job store has no form for.
    """
    from simquay.jobs.store.encoding import encoded

    tree, _, lost = encoded([dict(options), isolation], small=math.inf)
    if lost:
        raise ValueError(f"the store cannot hold the options {', '.join(lost)}")
    return json.dumps(tree).encode()


def options_of_kept(data: bytes) -> tuple[dict[str, Any], str]:
    """The options and the isolation of :func:`kept_options`."""
    from simquay.jobs.store.encoding import decoded

    options, isolation = decoded(json.loads(data), {})
    return options, isolation
