"""Warnings point at the caller's code."""

from __future__ import annotations

import pytest

from simquay.errors import SimquayWarning
from simquay.system.warning import warn


def test_the_place_is_the_nearest_line_outside_simquay() -> None:
    namespace = {"__name__": "simquay.somewhere", "warn": warn, "category": SimquayWarning}
    exec("def inner():\n    warn('look', category)\n\ndef outer():\n    inner()", namespace)
    outer = namespace["outer"]
    assert callable(outer)
    with pytest.warns(SimquayWarning, match="look") as caught:
        outer()
    assert caught[0].filename == __file__
