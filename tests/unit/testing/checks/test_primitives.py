"""The check of primitives' jobs notices a backend that breaks them."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit.providers import JobV1

from simquay.jobs.job import Job
from simquay.simulators.engine.pubs.jobs import PrimitiveJob
from simquay.testing import CHECKS_IN_ORDER, run_checks
from tests.support.broken import jobs
from tests.support.broken.backends import J41, failed_checks

pytestmark = pytest.mark.serial  # jobs run for a time that was measured

CHECK = [check for check in CHECKS_IN_ORDER if check.id == "J41"]


def test_a_broken_backend_fails_that_check_alone() -> None:
    assert failed_checks("J41") == ["J41"]


class Unsettled(PrimitiveJob):
    """Is done before its progress is."""

    def progress(self) -> float:
        return 0.9


class Fresh(PrimitiveJob):
    """Submits itself again."""

    def submit(self) -> None:
        if self.status().name == "INITIALIZING":
            super().submit()


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (Job, "no BasePrimitiveJob"),
        (Unsettled, "status(), done(), progress()"),
        (Fresh, "a second submit()"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_a_job_of_another_class_is_noticed(kind: type[Job], problem: str) -> None:
    class Broken(J41):
        pass

    Broken.kind = kind
    (verdict,) = run_checks(Broken, checks=CHECK)
    assert problem in verdict.problem


@pytest.mark.parametrize("broken", ["J08", "J10", "J11", "J14", "J15", "J16", "J19", "J33"])
def test_points_that_all_jobs_keep_are_checked_of_primitives(broken: str) -> None:
    class Broken(J41):
        kind: Any = type("Broken", (getattr(jobs, broken), PrimitiveJob), {})

    assert issubclass(Broken.kind, JobV1)
    (verdict,) = run_checks(Broken, checks=CHECK)
    assert verdict.problem
