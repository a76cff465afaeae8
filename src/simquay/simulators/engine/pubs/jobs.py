"""The job of a primitive, and how the answers of its tasks become a ``PrimitiveResult``."""

from __future__ import annotations

import copyreg
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any, ClassVar, Protocol

from qiskit.primitives import BasePrimitiveJob, DataBin, PrimitiveResult, PubResult
from qiskit.providers.jobstatus import JobStatus

from simquay.execution.settings import Piece
from simquay.jobs.errors import JobFailedError, described
from simquay.jobs.job import Job, TaskEnd
from simquay.simulators.engine.pubs.shown import Shown
from simquay.simulators.engine.work import gathered, joined

__all__ = ["JoinPubs", "PrimitiveJob", "finished", "pubs_failed"]


class Cancellable(Protocol):
    """Work that can be cancelled."""

    def cancel(self) -> None:
        """Cancel the work; does nothing where it is over."""


class PrimitiveJob(Job, BasePrimitiveJob):  # type: ignore[misc]  # Qiskit ships no types
    """The job of a primitive; its result is a Qiskit ``PrimitiveResult``.

    Where pubs fail, the error's ``partial_result`` has the results of the others, and its
    ``metadata["pubs"]`` their numbers.

    Args:
        arguments: of :class:`~simquay.jobs.job.Job`.
        started: work of other jobs, which is cancelled with this one.
        named: of :class:`~simquay.jobs.job.Job`, by name.
    """

    def __init__(self, *arguments: Any, started: Sequence[Cancellable] = (), **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._started = started

    def _stop(self, was: JobStatus) -> None:
        super()._stop(was)
        started, self._started = self._started, ()
        for one in started:
            one.cancel()


def _data_bin(data: Mapping[str, Any], shape: tuple[int, ...]) -> DataBin:
    return DataBin(**data, shape=shape)


if "__setattr__" in vars(DataBin):  # in Qiskit 2.0 it pickles, but cannot be unpickled
    copyreg.pickle(DataBin, lambda data: (_data_bin, (dict(data.items()), data.shape)))


@dataclass(frozen=True, slots=True)
class JoinPubs:
    """Makes the result of a primitive's job on an engine; see :data:`simquay.jobs.job.Join`.

    Attributes:
        names: of the pubs' circuits.
        sizes: the number of points of each pub; the points of the job are those of pub 0, then
            those of pub 1, and so on.
        shown: how the result of each pub is made.
        seed: of the job.
        metadata: of the result.
        pieces: of the job's tasks.
        executor: the class name of the user's executor, or None.
    """

    job_class: ClassVar[type[PrimitiveJob]] = PrimitiveJob

    names: Sequence[str]
    sizes: Sequence[int]
    shown: Sequence[Shown]
    seed: int
    metadata: Mapping[str, Any]
    pieces: Sequence[Piece] = ()
    executor: str | None = None

    def of(self, pieces: Sequence[Piece], executor: str | None) -> JoinPubs:
        """What joins the answers of tasks of these pieces; for ``executor`` see the class."""
        return replace(self, pieces=pieces, executor=executor)

    def __call__(self, ends: Sequence[TaskEnd], job_id: str, seconds: float) -> PrimitiveResult:
        """The job's result.

        Raises:
            JobFailedError: where a pub failed; its partial result holds the others.
        """
        bounds = [0, *accumulate(self.sizes)]
        parts, failures, tasks = gathered(ends, self.pieces, bounds[-1])
        results: dict[int, PubResult] = {}
        failed: dict[int, tuple[int, BaseException]] = {}
        for number, (first, end) in enumerate(pairwise(bounds)):
            point = next((one for one in range(first, end) if one in failures), None)
            if point is None:
                outcomes = [joined(parts[one])[0] for one in range(first, end)]
                results[number] = self.shown[number](number, outcomes, self.seed)
            else:
                failed[number] = point - first, failures[point]
        metadata = {"version": 2, "job_id": job_id, "time_taken": seconds, **self.metadata}
        metadata["seed"] = self.seed
        if self.executor is not None or len(tasks) > 1:
            metadata |= {"executor": self.executor, "tasks": tasks}
        return finished(results, failed, self.names, self.sizes, metadata)


def finished(
    results: Mapping[int, PubResult],
    failed: Mapping[int, tuple[int, BaseException]],
    names: Sequence[str],
    sizes: Sequence[int],
    metadata: Mapping[str, Any],
) -> PrimitiveResult:
    """A job's result, from those of its pubs by number.

    Raises:
        JobFailedError: where a pub failed; see :func:`pubs_failed` for the arguments.
    """
    if not failed:
        return PrimitiveResult([*results.values()], metadata)
    partial = None
    if results:
        partial = PrimitiveResult([*results.values()], {**metadata, "pubs": [*results]})
    raise pubs_failed(failed, names, sizes, partial)


def pubs_failed(
    failed: Mapping[int, tuple[int, BaseException]],
    names: Sequence[str],
    sizes: Sequence[int],
    partial_result: PrimitiveResult | None,
) -> JobFailedError:
    """The error of a job of which pubs failed; its cause is that of the first.

    Args:
        failed: for each of these pubs, by number, the first of its points that failed and its
            error.
        names: of the circuits of all pubs.
        sizes: the number of points of each.
        partial_result: of the other pubs, or None.
    """
    number = min(failed)
    point, cause = failed[number]
    where = f"pub {number} of the job (circuit {names[number]!r}"
    where += f", point {point} of {sizes[number]})" if sizes[number] > 1 else ")"
    text = f"{where} failed: {described(cause)}"
    if len(failed) > 1:
        text += f"; {len(failed)} of {len(names)} pubs failed"
    failure = JobFailedError(text, partial_result)
    failure.__cause__ = cause
    return failure
