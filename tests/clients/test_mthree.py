"""mthree: calibration and correction."""

from __future__ import annotations

import mthree
import pytest
from qiskit import QuantumCircuit


def test_a_correction_of_nothing_changes_nothing(backend):
    mitigation = mthree.M3Mitigation(backend)
    mitigation.cals_from_system([0, 1], shots=1000)
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    counts = backend.run(circuit, shots=4000).result().get_counts()
    found = mitigation.apply_correction(counts, [0, 1])
    assert set(found) == {"00", "11"}
    assert found["00"] == pytest.approx(0.5, abs=0.04)
