"""Small runs on adapted backends."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit import QuantumCircuit

import simquay
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


def random_bits(name: str, width: int = 3) -> QuantumCircuit:
    made = QuantumCircuit(width, name=name, metadata={"of": name})
    made.h(range(width))
    made.measure_all()
    return made


def basic(**options: Any) -> Any:
    backend = simquay.get_backend("basic")
    backend.set_options(**options)
    return backend


CIRCUITS = [random_bits("one"), random_bits("two", 2)]
RUN = {"shots": 200, "seed_simulator": 3, "memory": True}


def assert_alike(one: Any, other: Any) -> None:
    assert [part.header["name"] for part in one.results] == ["one", "two"]
    for index in range(2):
        assert one.get_counts(index) == other.get_counts(index)
        assert one.get_memory(index) == other.get_memory(index)
        assert one.results[index].header == other.results[index].header
