"""Points of the contract: what a job is, and what it keeps (J01-J07, J33, J35)."""

from __future__ import annotations

import gc
import logging
import pickle
import types
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.providers import JobError, JobStatus, JobTimeoutError, JobV1

from simquay.testing.harness.assertions import (
    call_with_timeout,
    exception_of,
    raises,
    reaches,
    require,
    require_equal,
    returns,
    wait_until,
)
from simquay.testing.harness.circuits import bell, flips
from simquay.testing.harness.context import CheckContext

_WHAT_RAN = ("backend", "engine", "device", "precision", "fallback")


def j01_is_a_qiskit_job(context: CheckContext) -> None:
    """The job is a `JobV1`, of version 1."""
    job = context.run(flips())
    require(isinstance(job, JobV1), f"run() returned a {type(job).__qualname__}, which is no JobV1")
    require_equal(job.version, 1, "job.version")


def j02_run_submits_a_snapshot(context: CheckContext) -> None:
    """`run` returns a submitted job of a snapshot of circuits and options; `submit` is public."""
    job = context.run(flips())
    submitted = job.status() is not JobStatus.INITIALIZING
    require(submitted, "the job that run() returned is INITIALIZING: it was not submitted")
    require(callable(getattr(job, "submit", None)), "the job has no public submit()")
    context.result(job)

    # The job must wait, so that the circuit changes before a worker reads it.
    blockers = [] if context.calibration.synchronous else context.occupy_workers(2.0)
    circuit = context.fit_to_target(flips(2))
    circuit.metadata = {"kept": True}
    circuits = [circuit]
    options = context.backend.options
    shots = options.shots
    job = context.run(circuits, seed_simulator=1)
    try:
        circuit.data.clear()
        circuit.measure(0, 0)
        circuit.name = "changed"
        circuits.append(flips(1))
        context.backend.set_options(shots=shots + 5)
        for blocker in blockers:
            exception_of(blocker.cancel, 5.0)
        result = context.result(job)
    finally:
        context.backend.set_options(shots=shots)
    changed = "a circuit, its list and the backend's shots were changed after run(): the"
    require_equal(result.get_counts(), {"11": shots}, f"{changed} result's counts")
    require_equal(result.results[0].header["name"], "flips", f"{changed} result's name")


def j03_nothing_before_submit(context: CheckContext) -> None:
    """Before `submit()` a job is `INITIALIZING`; `result()` and `cancel()` raise `JobError`."""
    kind = type(context.run(flips()))
    with mock.patch.object(kind, "submit", return_value=None):
        job = context.run(flips(), shots=10)
    waiting = "a job whose submit() does nothing (run() must start the work by calling it)"
    require_equal(job.status(), JobStatus.INITIALIZING, waiting)
    for name in ("result", "cancel"):
        error = raises(getattr(job, name), JobError, what=f"{name}() before submit()")
        timed_out = isinstance(error, JobTimeoutError)
        require(not timed_out, f"{name}() before submit() waits until a timeout")
    require_equal(job.status(), JobStatus.INITIALIZING, "after calls before submit(), the job")
    job.submit()
    require_equal(context.result(job).get_counts(), {"11": 10}, "get_counts() after submit()")


def j04_submit_once(context: CheckContext) -> None:
    """A second `submit()` raises `JobError`."""
    job = context.run(flips(), shots=10)
    raises(job.submit, JobError, what="a second submit()")
    result = context.result(job)
    raises(job.submit, JobError, what="submit() of a finished job")
    for one in (result, call_with_timeout(job.result)):
        require_equal(one.get_counts(), {"11": 10}, "get_counts() after a second submit()")


def j05_ids(context: CheckContext) -> None:
    """`job_id()` is a string, unique, and stays the same."""
    jobs = [context.run(flips(), shots=1) for _ in range(20)]
    ids = [job.job_id() for job in jobs]
    are_texts = all(isinstance(one, str) and one for one in ids)
    require(are_texts, f"job_id() gives {ids[0]!r}; expected a string that is not empty")
    require(len(set(ids)) == len(ids), f"{len(ids)} jobs have {len(set(ids))} different ids")
    for job in jobs:
        context.wait(job)
    require([job.job_id() for job in jobs] == ids, "a job's id changed while it ran")


def j06_the_backend_itself(context: CheckContext) -> None:
    """`backend()` is the very backend object; a job without one raises `QiskitError`."""
    job = context.run(flips())
    require(job.backend() is context.backend, "backend() of a new job is another object")
    context.wait(job)
    require(job.backend() is context.backend, "backend() of a finished job is another object")
    job._backend = None  # where JobV1 keeps it
    raises(job.backend, QiskitError, what="backend() of a job that has none")


def j07_metadata(context: CheckContext) -> None:
    """`metadata` is a dict: the caller's, and what ran the job."""
    what = "run(metadata={'owner': 'kit'})"
    metadata = returns(lambda: context.run(flips(), metadata={"owner": "kit"}), what).metadata
    require(isinstance(metadata, dict), f"metadata is a {type(metadata).__qualname__}, no dict")
    require_equal(metadata.get("owner"), "kit", f"{what}: metadata.get('owner')")
    missing = [key for key in _WHAT_RAN if key not in metadata]
    require(not missing, f"metadata does not say what ran the job: no {', '.join(missing)}")
    require_equal(metadata["backend"], context.backend.name, "metadata['backend']")


def _check_backend_of(job: Any, name: str) -> None:
    """``backend()`` of an unpickled job returns a backend of this name, or raises QiskitError."""
    if exception_of(job.backend) is None:
        require_equal(job.backend().name, name, "the unpickled job's backend")
    else:
        raises(job.backend, QiskitError, what="backend() of the unpickled job")


def _pickled(job: Any, what: str) -> Any:
    return returns(lambda: pickle.loads(pickle.dumps(job)), f"pickling {what}")


def j33_pickling(context: CheckContext) -> None:
    """A finished job pickles with its result or error; an unfinished one refuses."""
    name = context.backend.name
    job = context.run(bell(), shots=50)
    counts = context.result(job).get_counts()
    again = _pickled(job, "a finished job")
    require_equal(again.status(), JobStatus.DONE, "the unpickled job")
    require_equal(again.job_id(), job.job_id(), "the unpickled job's id")
    require_equal(call_with_timeout(again.result).get_counts(), counts, "its get_counts()")
    _check_backend_of(again, name)

    for failed in context.failed_jobs():
        error = exception_of(failed.result)
        again = _pickled(failed, "a failed job")
        require_equal(again.status(), failed.status(), "the unpickled failed job")
        require_equal(str(exception_of(again.result)), str(error), "its error")

    if context.calibration.synchronous:
        return  # there are no unfinished jobs
    job = context.start()
    raises(lambda: pickle.dumps(job), JobError, what="pickling a job that runs")
    call_with_timeout(job.cancel)
    context.wait(job)
    again = _pickled(job, "a cancelled job")
    require_equal(again.status(), JobStatus.CANCELLED, "the unpickled cancelled job")


def j35_holds_nothing(context: CheckContext) -> None:
    """A final job no longer holds the circuits or the state, however it ended."""

    def run(circuit: QuantumCircuit) -> list[Any]:
        return [context.run(circuit, shots=10)]

    def run_and_cancel(circuit: QuantumCircuit) -> list[Any]:
        job = context.run(circuit, shots=context.calibration.shots_for(5.0))
        reaches(job, {JobStatus.RUNNING})
        call_with_timeout(job.cancel)
        return [job]

    _check_let_go(context, "finished", partial(context.circuit, 0.2), run)
    _check_let_go(context, "failed", context.failing_circuit, context.failing_jobs)
    if not context.calibration.synchronous:
        _check_let_go(context, "cancelled", partial(context.circuit, 5.0), run_and_cancel)


def _check_let_go(
    context: CheckContext,
    how: str,
    make: Callable[[], QuantumCircuit],
    run: Callable[[QuantumCircuit], list[Any]],
) -> None:
    circuit = make()
    circuit_ref = weakref.ref(circuit)
    jobs = run(circuit)
    del circuit
    size = 8 << context.calibration.width

    def held(job: Any) -> str | None:
        gc.collect()
        if circuit_ref() is not None:
            return "the circuit that run() was given"
        return find_retained(job, context.backend, size)

    for job in jobs:
        context.wait(job)
    wait_until(lambda: not any(map(held, jobs)), 3.0)  # the job's work may have to stop first
    for job in jobs:
        found = held(job)
        require(found is None, f"the {how} job still holds {found}")


_MOST = 300_000  # objects visited
_NOT_OWN = (type, types.ModuleType, types.FrameType, types.CodeType, logging.Logger)


def find_retained(root: object, excluding: object, size: int) -> str | None:
    """Describe a circuit or state that ``root`` refers to, directly or not; None if there is none.

    Args:
        root: start of the search.
        excluding: an object that ``root`` may refer to; references of this object do not count.
        size: bytes from which on an array counts as a state.
    """
    seen = {id(excluding), id(globals())}
    waiting: list[tuple[Any, str]] = [(root, type(root).__qualname__)]
    while waiting and len(seen) < _MOST:
        one, path = waiting.pop()
        if id(one) in seen or isinstance(one, _NOT_OWN):
            continue
        seen.add(id(one))
        if isinstance(one, QuantumCircuit):
            return f"a circuit, {one.name!r} ({path})"
        if isinstance(one, np.ndarray) and one.nbytes >= size:
            return f"an array of {one.nbytes} bytes ({path})"
        if isinstance(one, types.FunctionType):
            # Not its globals: these are a module.
            below = [one.__closure__, one.__defaults__, one.__kwdefaults__]
        else:
            below = gc.get_referents(one)
        waiting += [(each, f"{path} -> {type(each).__qualname__}") for each in below]
    return None
