"""The engine against Simquay's kit for engines."""

from __future__ import annotations

import pytest

from simquay.testing.engines import check_engine
from simquay_numba.engine import NumbaEngine


@pytest.mark.parametrize("small", [0, 12], ids=["compiled", "as numpy"])
def test_the_kit(small: int) -> None:
    """With kernels for states of any size, and with the NumPy engine for small ones."""
    assert str(check_engine(NumbaEngine(small=small))) == "23 of 23"
