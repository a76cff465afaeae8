"""Observables: equality by value."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.program import Observable


def observable(coefficient: float = 0.5, letter: int = 3, qubit: int = 1) -> Observable:
    return Observable(
        2,
        np.array([coefficient, 1.0]),
        np.array([letter, 1, 2], dtype=np.uint8),
        np.array([qubit, 0, 1], dtype=np.intp),
        np.array([0, 1, 3], dtype=np.intp),
    )


def test_observables_compare_by_value() -> None:
    assert observable() == observable()
    for other in (observable(coefficient=0.25), observable(letter=1), observable(qubit=0), "ZZ"):
        assert observable() != other
    with pytest.raises(TypeError, match="unhashable"):
        hash(observable())
