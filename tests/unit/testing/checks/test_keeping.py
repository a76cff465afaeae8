"""The check of kept jobs notices a backend that breaks them."""

from __future__ import annotations

from typing import Any

import pytest

from simquay.jobs.job import Job
from simquay.testing import CHECKS_IN_ORDER, run_checks
from tests.support.broken.backends import Mutant, failed_checks

pytestmark = pytest.mark.serial  # jobs run for a time that was measured


def test_a_broken_backend_fails_that_check_alone() -> None:
    assert failed_checks("J42") == ["J42"]


def unkept() -> Mutant:
    """A backend that keeps no job, for a child process."""

    class Unkept(Mutant):
        def run(self, run_input: Any = None, **options: Any) -> Job:
            return super().run(run_input, **{**options, "keep": False})

    return Unkept()


@pytest.mark.slow
def test_a_backend_that_keeps_nothing_is_noticed() -> None:
    checks = [check for check in CHECKS_IN_ORDER if check.id == "J42"]
    (verdict,) = run_checks(unkept, factory=f"{__name__}:unkept", checks=checks)
    assert "simquay.job() of a job of another process" in verdict.problem
