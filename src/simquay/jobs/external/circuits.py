"""Running circuits on a backend that somebody else wrote: one result, and one error, of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qiskit.result import Result

from simquay.errors import SimquayError
from simquay.jobs.errors import JobFailedError
from simquay.jobs.external.watch import Ended

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["Attempt", "ReportedFailure", "run_circuits"]

Attempt = Callable[[Callable[[], Any]], Ended]
"""Does one run, which the argument starts by giving a foreign job. Raises ``Cancelled`` where the
backend cancelled the job by itself, and whatever ends the waiting."""


class ReportedFailure(SimquayError):
    """A backend returned a result that says that a circuit failed; the text is what it says."""


def run_circuits(
    backend: Any,
    circuits: Sequence[QuantumCircuit],
    options: Mapping[str, Any],
    *,
    attempt: Attempt,
    again: bool,
) -> Result:
    """Run circuits on a foreign backend in one job of its.

    A backend that raises for one of several circuits says nothing of the others. They are then
    run one by one, so that the error names the circuit and the others' results are not lost: if
    ``backend.run`` itself raised, so that there is no job, and otherwise where ``again`` says so.

    Args:
        backend: any object with Qiskit's ``run``.
        circuits: one or more.
        options: for ``backend.run``.
        attempt: does one run.
        again: whether circuits may run twice.

    Returns:
        The result, which says that it succeeded.

    Raises:
        JobFailedError: with the error as its cause, and the results of circuits that succeeded. A
            result that says that it did not succeed is such a failure, too.
        Cancelled: the backend cancelled the job by itself.
    """

    def run(run_input: Any) -> Ended:
        return attempt(lambda: backend.run(run_input, **options))

    if len(circuits) == 1:
        ended, _ = run(circuits[0])
        if isinstance(ended, Result):
            return _succeeded(ended, circuits)
        raise _failure({0: ended}, circuits, None)
    ended, submitted = run(list(circuits))
    if isinstance(ended, Result):
        return _succeeded(ended, circuits)
    if (submitted and not again) or "parameter_binds" in options:  # binds belong to circuits
        failure = JobFailedError(f"the {len(circuits)} circuits failed: {_said(ended)}")
        failure.__cause__ = ended
        raise failure
    results: dict[int, Result] = {}
    failures: dict[int, BaseException] = {}
    for index, circuit in enumerate(circuits):
        one, _ = run(circuit)
        if isinstance(one, Result) and one.success:
            results[index] = one
        else:
            failures[index] = one if isinstance(one, BaseException) else _reported(one)
    merged = _merged(list(results.values()))
    if not failures:
        assert merged is not None
        return merged
    raise _failure(failures, circuits, merged)


def _failure(
    failures: Mapping[int, BaseException], circuits: Sequence[QuantumCircuit], good: Result | None
) -> JobFailedError:
    first = min(failures)
    text = f"circuit {circuits[first].name!r} (number {first} of the job) failed: "
    text += _said(failures[first])
    if len(failures) > 1:
        text += f"; {len(failures)} of {len(circuits)} circuits failed"
    failure = JobFailedError(text, good)
    failure.__cause__ = failures[first]
    return failure


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _succeeded(result: Result, circuits: Sequence[QuantumCircuit]) -> Result:
    """``result`` if it says that it succeeded.

    Raises:
        JobFailedError: if not.
    """
    if result.success:
        return result
    results = result.results or []
    failed = [index for index, one in enumerate(results) if not one.success]
    if len(results) != len(circuits) or not failed:
        failure = JobFailedError(f"the job failed: {_said(_reported(result))}")
        failure.__cause__ = _reported(result)
        raise failure
    failures = {index: _reported(result, results[index].status) for index in failed}
    good = [one for one in results if one.success]
    merged = _merged([result]) if good else None
    if merged is not None:
        merged.results, merged.success = good, True
    raise _failure(failures, circuits, merged)


def _reported(result: Result, status: object = None) -> ReportedFailure:
    """What ``result`` says of a failure, as an error."""
    if status is None:
        status = next((one.status for one in result.results or [] if not one.success), None)
    return ReportedFailure(str(status or result.status or "no reason is given"))


def _merged(results: Sequence[Result]) -> Result | None:
    """One result of several jobs' results, or None for none."""
    if not results:
        return None
    merged = Result.from_dict({**results[0].to_dict(), "results": []})
    merged.results = [one for result in results for one in result.results]
    return merged
