"""The kit notices: a backend that breaks one point fails that point's check, and no other."""

from __future__ import annotations

import pytest

from simquay.testing import CHECKS_IN_ORDER, run_checks
from tests.support.broken_backends import POINTS, breaks

BESIDE = {"J01", "J05", "J11", "J14", "R01", "R06"}
"""Quick checks that are done beside the one in question in every test run."""

IN_A_CHILD = {"J38", "J40"}

PATIENT = {"J27", "J36", "J38"}
"""Points whose breach takes long to show."""


def broken(point: str, chosen: set[str]) -> list[str]:
    """The checks that fail on the backend that breaks ``point``."""
    factory = (
        f"tests.support.broken_backends:breaks_{point.lower()}" if point in IN_A_CHILD else None
    )
    checks = [check for check in CHECKS_IN_ORDER if check.id in chosen]
    verdicts = list(run_checks(lambda: breaks(point), factory=factory, checks=checks))
    return [one.check.id for one in verdicts if not one.kept]


def test_at_least_fifteen_points_are_tried() -> None:
    assert len(POINTS) >= 25


@pytest.mark.parametrize("point", [point for point in POINTS if point not in PATIENT])
def test_a_broken_point_is_noticed(point: str) -> None:
    assert broken(point, {point} | BESIDE) == [point]


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", POINTS)
def test_no_other_check_fails(point: str) -> None:
    assert broken(point, {check.id for check in CHECKS_IN_ORDER}) == [point]
