"""Aer's simulators, one for each backend."""

from __future__ import annotations

import pytest

from simquay_aer import simulators
from simquay_aer.plugin import METHODS


@pytest.mark.parametrize("method", [method for method, *_ in METHODS.values()])
def test_a_simulator_has_the_method_that_it_is_named_by(method: str) -> None:
    first, second = getattr(simulators, method)(), getattr(simulators, method)()
    assert first.options.method == method
    assert first is not second


def test_there_is_no_simulator_without_a_backend() -> None:
    assert set(simulators.__all__) == {method for method, *_ in METHODS.values()}
