"""The factories of the built-in backends."""

from __future__ import annotations

import pytest
from qiskit import QuantumCircuit

import simquay
from simquay.simulators.factories import basic_bytes


@pytest.mark.parametrize("name", ["numpy", "reference"])
def test_backends_of_one_name_share_an_engine(name: str) -> None:
    first, second = simquay.get_backend(name), simquay.get_backend(name)
    assert first is not second
    assert first.engine is second.engine


def test_basic_keeps_no_memory_of_shots_unless_asked() -> None:
    assert simquay.get_backend("basic").options.memory is False


def test_basic_needs_three_states_of_16_bytes_an_amplitude() -> None:
    assert basic_bytes(QuantumCircuit(24), {}) == 3 * 16 * 2**24
