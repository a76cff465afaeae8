"""The backends that the client libraries run on."""

from __future__ import annotations

from typing import Any

import pytest

import simquay


@pytest.fixture(params=["numpy", "numba"])
def backend(request: pytest.FixtureRequest) -> Any:
    """A backend whose random numbers are the same in each run."""
    made = simquay.get_backend(request.param)
    made.set_options(seed_simulator=11)
    return made
