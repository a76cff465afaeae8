"""Simquay's backends keep their promises under faults; each planted fault is found by its check."""

from __future__ import annotations

import os

import pytest

from simquay.testing.faults import FAULT_CHECKS, check_faults
from tests.support.broken.faults import KINDS, report_on

pytestmark = [
    pytest.mark.long,
    pytest.mark.serial,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here"),
]


@pytest.mark.parametrize("name", ["numpy", "numba", "basic", "aer"])
def test_a_backend_keeps_its_promises(name: str) -> None:
    assert str(check_faults(name)).startswith("10 of 10 promises under ")


@pytest.mark.parametrize("broken", KINDS)
def test_a_planted_fault_is_found_by_its_check_alone(broken: str) -> None:
    verdicts = report_on(broken).verdicts
    assert [verdict.check.id for verdict in verdicts if not verdict.kept] == [broken]


def test_there_is_a_planted_fault_for_each_check() -> None:
    assert [*KINDS] == [check.id for check in FAULT_CHECKS]
