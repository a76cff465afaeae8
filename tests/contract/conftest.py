"""Jobs for the tests of the contract: made from the same work, in every kind that there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from qiskit.providers import JobStatus

from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.threads import WorkerPool
from tests.support.job_doubles import HeldWork
from tests.support.job_kinds import KINDS, UNSUBMITTED_KINDS, MakeJob, kinds

RunJob = Callable[[HeldWork], BaseJob]
"""Makes a job over the work, and submits it."""


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """Two worker threads."""
    pool = WorkerPool(2)
    yield pool
    pool.stop()


@pytest.fixture
def all_kinds(pool: WorkerPool) -> Iterator[dict[str, MakeJob]]:
    """Makers of jobs by the name of their kind. Work that is still held at the end is let go."""
    threads = ThreadPoolExecutor(2)
    works: list[HeldWork] = []

    def watched(make: MakeJob) -> MakeJob:
        def made(work: HeldWork) -> BaseJob:
            works.append(work)
            return make(work)

        return made

    yield {name: watched(make) for name, make in kinds(pool, threads).items()}
    for work in works:
        work.let_go()
    threads.shutdown()


@pytest.fixture(params=UNSUBMITTED_KINDS)
def make_job(request: pytest.FixtureRequest, all_kinds: dict[str, MakeJob]) -> MakeJob:
    """Makes a job of the kind, not submitted."""
    return all_kinds[request.param]


@pytest.fixture(params=KINDS)
def run_job(request: pytest.FixtureRequest, all_kinds: dict[str, MakeJob]) -> RunJob:
    """Makes and submits a job of the kind."""

    def run(work: HeldWork) -> BaseJob:
        job = all_kinds[request.param](work)
        if job.status() is JobStatus.INITIALIZING:
            job.submit()
        return job

    return run
