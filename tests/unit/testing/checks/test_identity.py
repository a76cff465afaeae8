"""The checks of what a job is, and what it keeps notice a backend that breaks them."""

from __future__ import annotations

import pytest

from tests.support.broken.backends import failed_checks

pytestmark = pytest.mark.serial  # jobs run for a time that was measured


@pytest.mark.parametrize(
    "broken",
    ["J01", "J03", "J04", "J05", "J06", "J07", "J33", pytest.param("J35", marks=pytest.mark.slow)],
)
def test_a_broken_backend_fails_that_check_alone(broken: str) -> None:
    assert failed_checks(broken) == [broken]
