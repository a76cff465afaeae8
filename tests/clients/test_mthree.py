"""mthree: calibration and correction."""

from __future__ import annotations

import mthree
import pytest
from qiskit import QuantumCircuit, transpile


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


def test_several_circuits_on_the_qubits_that_they_were_placed_on(backend):
    circuits = []
    for width in (2, 3):
        circuit = QuantumCircuit(width)
        circuit.h(0)
        circuit.cx(0, range(1, width))
        circuit.measure_all()
        circuits.append(transpile(circuit, backend, initial_layout=[5, 2, 7][:width]))
    mapping = mthree.utils.final_measurement_mapping(circuits)
    mitigation = mthree.M3Mitigation(backend)
    mitigation.cals_from_system(mapping, shots=500, async_cal=True)
    counts = backend.run(circuits, shots=1000).result().get_counts()
    found = mitigation.apply_correction(counts, mapping, return_mitigation_overhead=True)
    assert [one.expval() for one in found] == pytest.approx([1.0, 0.0], abs=0.1)
