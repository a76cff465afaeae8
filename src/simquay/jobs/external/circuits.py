"""Run circuits on a foreign backend in one job, and merge their results, or their errors.

The objects of a backend are lent to one run each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qiskit.result import Result

from simquay.control import Control
from simquay.errors import SimquayError
from simquay.jobs.errors import JobFailedError, circuits_failed, described, with_results
from simquay.jobs.external.watch import Ended
from simquay.jobs.timing import TICK

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["Attempt", "BackendPool", "Lease", "ReportedFailure", "run_circuits"]

Attempt = Callable[[Callable[[], Any]], Ended]
"""Does one run: takes a function that starts it and returns the foreign job. Raises ``Cancelled``
where the backend cancelled the job by itself, and the error that ends the wait."""


class BackendPool:
    """The foreign backend objects of one adapted backend, for runs in threads.

    A backend object keeps the state of a run, so no two runs share one. Where no more can be made,
    there is one object, and runs take turns.

    Args:
        first: the backend.
        another: makes one more, or None.
    """

    def __init__(self, first: Any, another: Callable[[], Any] | None) -> None:
        self._another = another
        self._free = [first]
        self._lock = threading.Lock()

    def lease(self, control: Control) -> Lease:
        """Lend an object to one run; waits until one is free if no more can be made.

        Raises:
            Cancelled: if the control says so.
        """
        while True:
            control.check()
            with self._lock:
                if self._free:
                    return Lease(self._free.pop(), self._free, self._lock)
            if self._another is not None:
                return Lease(self._another(), self._free, self._lock)
            control.wait(TICK)


class Lease:
    """The use of a backend object, which ends when every holder has released it."""

    def __init__(self, backend: Any, free: list[Any], lock: threading.Lock) -> None:
        self.backend = backend
        self._free = free
        self._lock = lock
        self._holders = 1

    def hold(self) -> Callable[[], None]:
        """Add a holder; returns the function that releases it."""
        with self._lock:
            self._holders += 1
        return self.release

    def release(self) -> None:
        """End the use by one holder."""
        with self._lock:
            self._holders -= 1
            if not self._holders:
                self._free.append(self.backend)


class ReportedFailure(SimquayError):
    """A backend's result says that a circuit failed; the text is the result's."""


def run_circuits(
    backend: Any,
    circuits: Sequence[QuantumCircuit],
    options: Mapping[str, Any],
    *,
    attempt: Attempt,
    again: bool,
) -> Result:
    """Run circuits on a foreign backend in one foreign job.

    A backend that raises for one of several circuits gives no results of the others. They are then
    run one by one, so that the error names the circuit and the others' results are not lost. That
    is done if ``backend.run`` itself raised, so that there is no job; otherwise only if ``again``.

    Args:
        backend: any object with Qiskit's ``run``.
        circuits: one or more.
        options: for ``backend.run``.
        attempt: does one run.
        again: whether circuits may run twice.

    Returns:
        The result; its ``success`` is true.

    Raises:
        JobFailedError: with the error as its cause, and the results of circuits that succeeded;
            also for a result whose ``success`` is false.
        Cancelled: the backend cancelled the job by itself.
    """

    def run(run_input: Any) -> Ended:
        return attempt(lambda: backend.run(run_input, **options))

    names = [circuit.name for circuit in circuits]
    ended, submitted = run(circuits[0] if len(circuits) == 1 else list(circuits))
    if isinstance(ended, Result):
        return _succeeded(ended, names)
    if len(circuits) == 1:
        raise circuits_failed({0: ended}, names, None)
    if (submitted and not again) or "parameter_binds" in options:  # binds belong to circuits
        text = f"the {len(circuits)} circuits failed: {described(ended)}"
        raise JobFailedError(text) from ended
    results: dict[int, Result] = {}
    failures: dict[int, BaseException] = {}
    for index, circuit in enumerate(circuits):
        one, _ = run(circuit)
        if isinstance(one, Result) and one.success:
            results[index] = one
        else:
            failures[index] = one if isinstance(one, BaseException) else _reported(one)
    good = [one for result in results.values() for one in result.results]
    merged = with_results(next(iter(results.values())), good) if results else None
    if failures:
        raise circuits_failed(failures, names, merged)
    assert merged is not None
    return merged


def _succeeded(result: Result, names: Sequence[str]) -> Result:
    """``result`` if its ``success`` is true.

    Raises:
        JobFailedError: if not.
    """
    if result.success:
        return result
    results = result.results or []
    failed = [index for index, one in enumerate(results) if not one.success]
    if len(results) != len(names) or not failed:
        reported = _reported(result)
        raise JobFailedError(f"the job failed: {described(reported)}") from reported
    failures = {index: _reported(result, results[index].status) for index in failed}
    good = [one for one in results if one.success]
    merged = with_results(result, good) if good else None
    if merged is not None:
        merged.success = True
    raise circuits_failed(failures, names, merged)


def _reported(result: Result, status: object = None) -> ReportedFailure:
    """The failure that ``result`` reports, as an error."""
    if status is None:
        status = next((one.status for one in result.results or [] if not one.success), None)
    return ReportedFailure(str(status or result.status or "no reason is given"))
