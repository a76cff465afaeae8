"""mitiq: zero-noise extrapolation, whose circuits are folded gates."""

from __future__ import annotations

import pytest
from mitiq import zne
from qiskit import QuantumCircuit


def test_nothing_is_extrapolated_where_there_is_no_noise(backend):
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(0, 1)
    circuit.h(0)

    def probability_of_zero(folded):
        measured = folded.copy()
        measured.measure_all()
        counts = backend.run(measured, shots=500).result().get_counts()
        return counts.get("00", 0) / 500

    assert zne.execute_with_zne(circuit, probability_of_zero) == pytest.approx(1.0, abs=1e-9)
