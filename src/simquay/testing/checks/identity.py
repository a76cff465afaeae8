"""Points of the contract: what a job is, and what it keeps (J01-J07, J33, J35)."""

from __future__ import annotations

import gc
import pickle
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from qiskit.exceptions import QiskitError
from qiskit.providers import JobError, JobStatus, JobTimeoutError, JobV1

from simquay.testing.harness.assertions import (
    TIMEOUT,
    call_with_timeout,
    exception_of,
    raises,
    require,
    wait_until,
)
from simquay.testing.harness.circuits import bell, flips
from simquay.testing.harness.context import CheckContext
from simquay.testing.harness.references import find_retained

_WHAT_RAN = ("backend", "engine", "device", "precision", "fallback")


def j01_is_a_qiskit_job(context: CheckContext) -> None:
    """The job is a `JobV1`, of version 1."""
    job = context.run(flips())
    require(isinstance(job, JobV1), f"run() returned a {type(job).__qualname__}, which is no JobV1")
    require(job.version == 1, f"job.version is {job.version!r}; expected 1")


def j02_run_submits_a_snapshot(context: CheckContext) -> None:
    """`run` returns a submitted job of a snapshot of circuits and options; `submit` is public."""
    job = context.run(flips())
    require(
        job.status() is not JobStatus.INITIALIZING,
        "the job that run() returned is INITIALIZING: it was not submitted",
    )
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
    counts = result.get_counts()
    require(
        counts == {"11": shots},
        f"a circuit, its list and the backend's shots were changed after run(): the counts are "
        f"{counts!r}; expected those of what was given, {{'11': {shots}}}",
    )
    require(
        result.results[0].header["name"] == "flips", "the circuit's name is that of a later change"
    )


@contextmanager
def _not_submitting(kind: type) -> Iterator[Callable[[Any], None]]:
    """Replace ``submit`` of a job class by a function that does nothing; yields the real one."""
    real: Callable[[Any], None] = kind.submit  # type: ignore[attr-defined]  # a JobV1 has it
    own = "submit" in vars(kind)
    kind.submit = lambda self: None  # type: ignore[attr-defined]  # as above
    try:
        yield real
    finally:
        if own:
            kind.submit = real  # type: ignore[attr-defined]  # as above
        else:
            del kind.submit  # type: ignore[attr-defined]  # as above


def j03_nothing_before_submit(context: CheckContext) -> None:
    """Before `submit()` a job is `INITIALIZING`; `result()` and `cancel()` raise `JobError`."""
    kind = type(context.run(flips()))
    with _not_submitting(kind) as submit:
        job = context.run(flips(), shots=10)
    status = job.status()
    require(
        status is JobStatus.INITIALIZING,
        f"with submit() doing nothing, run() returned a job that is {status}; expected "
        "INITIALIZING: run() must start the work by calling submit()",
    )
    for name in ("result", "cancel"):
        error = raises(
            getattr(job, name), JobError, what=f"{name}() before submit()", seconds=TIMEOUT
        )
        require(
            not isinstance(error, JobTimeoutError),
            f"{name}() before submit() waits until a timeout",
        )
    require(
        job.status() is JobStatus.INITIALIZING, "calling them before submit() changed the status"
    )
    submit(job)
    counts = context.result(job).get_counts()
    require(counts == {"11": 10}, f"after submit() the counts are {counts!r}")


def j04_submit_once(context: CheckContext) -> None:
    """A second `submit()` raises `JobError`."""
    job = context.run(flips(), shots=10)
    raises(job.submit, JobError, what="a second submit()")
    result = context.result(job)
    raises(job.submit, JobError, what="submit() of a finished job")
    require(
        call_with_timeout(job.result).get_counts() == result.get_counts() == {"11": 10},
        "a second submit() changed the result",
    )


def j05_ids(context: CheckContext) -> None:
    """`job_id()` is a string, unique, and stays the same."""
    jobs = [context.run(flips(), shots=1) for _ in range(20)]
    ids = [job.job_id() for job in jobs]
    require(
        all(isinstance(one, str) and one for one in ids),
        f"job_id() gives {ids[0]!r}; expected a string that is not empty",
    )
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
    error = exception_of(lambda: context.run(flips(), metadata={"owner": "kit"}))
    require(
        error is None,
        f"run(..., metadata={{...}}) raised {type(error).__name__} ({error}); "
        "expected the metadata to be kept with the job",
    )
    job = context.run(flips(), metadata={"owner": "kit"})
    metadata = job.metadata
    require(isinstance(metadata, dict), f"metadata is a {type(metadata).__qualname__}, no dict")
    require(
        metadata.get("owner") == "kit",
        f"run(metadata={{'owner': 'kit'}}) gave a job with the metadata {metadata!r}",
    )
    missing = [key for key in _WHAT_RAN if key not in metadata]
    require(not missing, f"metadata does not say what ran the job: no {', '.join(missing)}")
    require(
        metadata["backend"] == context.backend.name,
        f"metadata['backend'] is {metadata['backend']!r}; expected {context.backend.name!r}",
    )


def _check_backend_of(job: Any, name: str) -> None:
    """``backend()`` of an unpickled job returns a backend of this name, or raises QiskitError."""
    error = exception_of(job.backend)
    if error is None:
        require(
            job.backend().name == name,
            f"the unpickled job's backend is {job.backend().name!r}; expected {name!r}",
        )
    else:
        require(
            isinstance(error, QiskitError),
            f"backend() of the unpickled job raised {type(error).__qualname__} ({error}); "
            "expected a backend or a QiskitError",
        )


def _pickled(job: Any, what: str) -> Any:
    def there_and_back() -> Any:
        return pickle.loads(pickle.dumps(job))

    error = exception_of(there_and_back, what=f"pickling {what}")
    require(error is None, f"{what} does not pickle: {type(error).__name__}: {error}")
    return there_and_back()


def j33_pickling(context: CheckContext) -> None:
    """A finished job pickles with its result or error; an unfinished one refuses."""
    name = context.backend.name
    job = context.run(bell(), shots=50)
    counts = context.result(job).get_counts()
    again = _pickled(job, "a finished job")
    require(again.status() is JobStatus.DONE, f"the unpickled job is {again.status()}, not DONE")
    require(again.job_id() == job.job_id(), "the unpickled job has another id")
    require(
        call_with_timeout(again.result).get_counts() == counts, "the unpickled job has other counts"
    )
    _check_backend_of(again, name)

    for failed in context.failed_jobs():
        error = exception_of(failed.result)
        again = _pickled(failed, "a failed job")
        require(
            again.status() is failed.status(), f"the unpickled failed job became {again.status()}"
        )
        later = exception_of(again.result)
        require(str(later) == str(error), f"the unpickled failed job's error is {later!r}")

    if context.calibration.synchronous:
        return  # there are no unfinished jobs
    job = context.start()
    raises(lambda: pickle.dumps(job), JobError, what="pickling a job that runs")
    call_with_timeout(job.cancel)
    context.wait(job)
    again = _pickled(job, "a cancelled job")
    require(
        again.status() is JobStatus.CANCELLED, f"the unpickled cancelled job is {again.status()}"
    )


def j35_holds_nothing(context: CheckContext) -> None:
    """A final job no longer holds the circuits or the state, however it ended."""
    circuit = context.circuit(0.2)
    held = weakref.ref(circuit)
    job = context.run(circuit, shots=10)
    del circuit
    _check_let_go(context, job, held, "finished")

    circuit = context.failing_circuit()
    held = weakref.ref(circuit)
    job = context.try_failing(circuit)
    del circuit
    if job is not None:
        _check_let_go(context, job, held, "failed")

    if not context.calibration.synchronous:
        circuit = context.circuit(5.0)
        held = weakref.ref(circuit)
        job = context.run(circuit, shots=context.calibration.shots_for(5.0))
        del circuit
        wait_until(lambda: job.status() is JobStatus.RUNNING)
        call_with_timeout(job.cancel)
        _check_let_go(context, job, held, "cancelled")


def _check_let_go(context: CheckContext, job: Any, circuit: weakref.ref[Any], how: str) -> None:
    context.wait(job)
    size = 8 << context.calibration.width

    def held() -> str | None:
        gc.collect()
        if circuit() is not None:
            return "the circuit that run() was given"
        return find_retained(job, context.backend, size)

    wait_until(lambda: held() is None, 3.0)  # the job's work may have to stop first
    found = held()
    require(found is None, f"the {how} job still holds {found}")
