"""The backend that the factory makes."""

from __future__ import annotations

import simquay


def test_it_is_what_cpu_stands_for() -> None:
    assert simquay.get_backend("cpu").name == "numba"
    first, second = simquay.get_backend("numba"), simquay.get_backend("numba")
    assert first is not second
    assert first.engine is second.engine
