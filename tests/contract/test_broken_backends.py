"""A backend that breaks one point of the contract fails that check, of all checks, and no other."""

from __future__ import annotations

import pytest

from simquay.testing import CHECKS_IN_ORDER
from tests.support.broken.backends import BROKEN, failed_checks

POINTS = {check.id for check in CHECKS_IN_ORDER if check.is_point}
OTHERS = {check.id for check in CHECKS_IN_ORDER} - POINTS


@pytest.mark.long
@pytest.mark.serial
@pytest.mark.timeout(600)
@pytest.mark.parametrize("broken", BROKEN)
def test_no_other_check_fails(broken: str) -> None:
    assert failed_checks(broken, POINTS | OTHERS if broken in POINTS else OTHERS) == [broken]


def test_most_checks_are_tried() -> None:
    """The points without a broken backend: the kit could not even run on most of these."""
    missing = {"J02", "J13", "J20", "J21", "J22", "J23", "J24", "J32", "J34", "J39"}
    assert {*BROKEN} == (POINTS | OTHERS) - missing
