"""The checks of the backend notice a backend that breaks them."""

from __future__ import annotations

import pytest

from tests.support.broken.backends import failed_checks


@pytest.mark.parametrize("broken", ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08"])
def test_a_broken_backend_fails_that_check_alone(broken: str) -> None:
    assert failed_checks(broken) == [broken]
