"""The recent jobs of this process, found by their ids."""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from simquay.jobs.base import BaseJob
from simquay.jobs.errors import UnknownJobError

__all__ = ["RecentJobs", "recent_jobs"]

_ENTRY_BYTES = 100
"""What an entry of a dict or a list takes, roughly."""


class _Ended(NamedTuple):
    """An ended job: until when it is kept, its class, and its state as a pickle has it."""

    until: float
    kind: type[BaseJob]
    state: dict[str, Any]


class RecentJobs:
    """Finds jobs by their ids. Any thread may call any method; there is no lock.

    A job is found as long as anything else holds it: its caller, or its work. Of jobs that nobody
    holds, the last ones that ended are found for some time, unless their results are large: what is
    kept is what a pickle would have, and so no backend. What is due is dropped when the next job
    ends or is sought.

    Args:
        most: the number of ended jobs that are kept.
        seconds: that an ended job is kept.
        most_bytes: the largest result of a job that is kept.
        clock: gives the time in seconds.
    """

    def __init__(
        self,
        most: int = 100,
        seconds: float = 600.0,
        most_bytes: int = 1 << 20,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds = seconds
        self.most_bytes = most_bytes
        self._clock = clock
        self._jobs: weakref.WeakValueDictionary[str, BaseJob] = weakref.WeakValueDictionary()
        self._ended: deque[_Ended] = deque(maxlen=most)

    def add(self, job: BaseJob) -> None:
        """Make ``job``, which is not submitted yet, one that is found."""
        self._jobs[job.job_id()] = job
        job.call_when_final(self._keep)

    def find(self, job_id: str) -> BaseJob:
        """The job with this id.

        Raises:
            UnknownJobError: a ``JobError`` and ``LookupError``: there is none, or none any more.
        """
        self._drop_old()
        job = self._jobs.get(job_id)
        if job is not None:
            return job
        for ended in [*self._ended]:
            if ended.state["_job_id"] == job_id:
                return self._again(ended)
        raise UnknownJobError(
            f"no job with the id {job_id!r} is known in this process: jobs that nothing holds "
            f"are forgotten {self.seconds / 60:.3g} minutes after their end, or sooner: after "
            f"{self._ended.maxlen} later jobs, or with a result of more than "
            f"{self.most_bytes >> 20} MiB"
        )

    def all(self) -> dict[str, BaseJob]:
        """All jobs that :meth:`find` finds, by their ids."""
        self._drop_old()
        alive = [reference() for reference in self._jobs.valuerefs()]
        found = {job.job_id(): job for job in alive if job is not None}
        for ended in [*self._ended]:
            if ended.state["_job_id"] not in found:
                job = self._again(ended)
                found[job.job_id()] = job
        return found

    def _again(self, ended: _Ended) -> BaseJob:
        job = object.__new__(ended.kind)
        job.__setstate__(ended.state)
        return self._jobs.setdefault(job.job_id(), job)

    def _keep(self, job: BaseJob) -> None:
        """``job`` has ended."""
        now = self._drop_old()
        if job.kept:  # the store has it
            return
        state = job.__getstate__()
        result = state["_result"] or state["_partial_result"]
        if _result_bytes(result, self.most_bytes) <= self.most_bytes:
            self._ended.append(_Ended(now + self.seconds, type(job), state))

    def _drop_old(self) -> float:
        """Drop what is due; returns the time."""
        now = self._clock()
        try:  # two threads may drop one job too many, which is then forgotten early
            while self._ended[0].until <= now:
                self._ended.popleft()
        except IndexError:
            pass
        return now


def _result_bytes(result: Any, enough: int) -> int:
    """About how many bytes the data of a ``Result`` take; counted no further than ``enough``."""
    total = 0
    for one in getattr(result, "results", None) or ():
        for name, value in vars(one.data).items():
            total += _ENTRY_BYTES * len(value) if name == "counts" else _bytes_of(value, enough)
        if total > enough:
            break
    return total


def _bytes_of(value: Any, enough: int) -> int:
    array = getattr(value, "data", value)  # of a Statevector, or an operator
    count: int | None = getattr(array, "nbytes", None)
    if count is not None:
        return count
    if not isinstance(value, (Mapping, list, tuple)):
        return _ENTRY_BYTES
    total = _ENTRY_BYTES * len(value)
    if total <= enough and value:
        entries = list(value.values() if isinstance(value, Mapping) else value)
        if not isinstance(entries[0], (int, float, str)):  # counts and memory are not walked
            total += sum(_bytes_of(one, enough) for one in entries)
    return total


_recent = RecentJobs()


def recent_jobs() -> RecentJobs:
    """The jobs of this process, of all providers and backends."""
    return _recent
