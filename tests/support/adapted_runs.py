"""Small runs on adapted backends."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit import QuantumCircuit

from simquay.simulators import adapt
from simquay.simulators.adapted.backend import AdaptedBackend
from tests.support.foreign_backends import Foreign

__all__ = ["BOTH", "adapted", "circuit"]

BOTH = pytest.mark.parametrize("isolation", ["process", "thread"])


def circuit(name: str = "good", bits: int = 1) -> QuantumCircuit:
    """One qubit, flipped; measured where there is a bit."""
    made = QuantumCircuit(1, bits, name=name)
    made.x(0)
    if bits:
        made.measure(0, 0)
    return made


def adapted(behaviour: Any, isolation: str | None = "thread", **options: Any) -> AdaptedBackend:
    """A foreign backend with this behaviour, adapted."""
    return adapt(Foreign(behaviour, **options), isolation=isolation)
