"""mitiq: zero-noise extrapolation, whose circuits are folded gates."""

from __future__ import annotations

import numpy as np
import pytest
from mitiq import Executor, MeasurementResult, Observable, PauliString, ddd, rem, zne
from qiskit import QuantumCircuit


def test_nothing_is_extrapolated_where_there_is_no_noise(backend):
    def probability_of_zero(folded):
        measured = folded.copy()
        measured.measure_all()
        counts = backend.run(measured, shots=500).result().get_counts()
        return counts.get("00", 0) / 500

    assert zne.execute_with_zne(identity(), probability_of_zero) == pytest.approx(1.0, abs=1e-9)


def identity() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(0, 1)
    circuit.h(0)
    return circuit


def test_an_executor_takes_many_circuits_in_one_job(backend):
    def probabilities(circuits) -> list[float]:
        measured = [circuit.copy() for circuit in circuits]
        for circuit in measured:
            circuit.measure_all()
        result = backend.run(measured, shots=100).result()
        return [result.get_counts(index).get("00", 0) / 100 for index in range(len(measured))]

    executor = Executor(probabilities, max_batch_size=10)
    assert zne.execute_with_zne(identity(), executor) == pytest.approx(1.0, abs=1e-9)
    assert executor.calls_to_executor == 1


def test_observables_from_shots(backend):
    def shots(circuit) -> MeasurementResult:
        measured = circuit.copy()
        if not measured.clbits:
            measured.measure_all()
        memory = backend.run(measured, shots=50, memory=True).result().get_memory()
        return MeasurementResult([[int(bit) for bit in reversed(one)] for one in memory])

    observable = Observable(PauliString("ZZ"), PauliString("ZI"))
    assert zne.execute_with_zne(identity(), shots, observable) == pytest.approx(2.0, abs=1e-9)
    found = rem.execute_with_rem(identity(), shots, observable, inverse_confusion_matrix=np.eye(4))
    assert found == pytest.approx(2.0, abs=1e-9)


def test_decoupling_pulses_change_nothing(backend):
    def probability_of_zero(circuit):
        measured = circuit.copy()
        measured.measure_all()
        return backend.run(measured, shots=100).result().get_counts().get("00", 0) / 100

    found = ddd.execute_with_ddd(identity(), probability_of_zero, rule=ddd.rules.xx)
    assert found == pytest.approx(1.0, abs=1e-9)
