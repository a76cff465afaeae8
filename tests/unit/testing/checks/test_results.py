"""The checks of results notice a backend that breaks them."""

from __future__ import annotations

import pytest

from tests.support.broken.backends import failed_checks


@pytest.mark.parametrize("broken", ["R01", "R02", "R03", "R04", "R05", "R06", "R07", "R08"])
def test_a_broken_backend_fails_that_check_alone(broken: str) -> None:
    assert failed_checks(broken) == [broken]
