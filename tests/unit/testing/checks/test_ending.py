"""The checks of results, errors and waiting notice a backend that breaks them."""

from __future__ import annotations

import pytest

from tests.support.broken.backends import failed_checks

pytestmark = pytest.mark.serial  # jobs run for a time that was measured


@pytest.mark.parametrize(
    "broken",
    [
        "J08",
        "J09",
        "J11",
        "J12",
        "J14",
        "J15",
        "J26",
        "J28",
        "J29",
        "J31",
        pytest.param("J10", marks=pytest.mark.slow),
        pytest.param("J30", marks=pytest.mark.slow),
    ],
)
def test_a_broken_backend_fails_that_check_alone(broken: str) -> None:
    assert failed_checks(broken) == [broken]
