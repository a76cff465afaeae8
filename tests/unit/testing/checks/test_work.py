"""The checks of where the work runs and how it stops notice a backend that breaks them."""

from __future__ import annotations

import pytest

from tests.support.broken.backends import failed_checks

pytestmark = pytest.mark.serial  # jobs run for a time that was measured


@pytest.mark.parametrize(
    "broken",
    [
        "J16",
        "J19",
        pytest.param("J17", marks=pytest.mark.long),
        pytest.param("J18", marks=pytest.mark.slow),
        pytest.param("J40", marks=pytest.mark.slow),
        pytest.param("J43", marks=pytest.mark.slow),
    ],
)
def test_a_broken_backend_fails_that_check_alone(broken: str) -> None:
    assert failed_checks(broken) == [broken]
