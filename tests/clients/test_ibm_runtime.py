"""qiskit-ibm-runtime: its local mode takes any backend."""

from __future__ import annotations

import pytest
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.quantum_info import SparsePauliOp
from qiskit_ibm_runtime import EstimatorV2, SamplerV2


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


def test_the_sampler_runs_locally(backend):
    circuit = bell()
    circuit.measure_all()
    placed = generate_preset_pass_manager(1, backend=backend).run(circuit)
    counts = SamplerV2(mode=backend).run([placed], shots=400).result()[0].data.meas.get_counts()
    assert set(counts) == {"00", "11"}
    assert sum(counts.values()) == 400


def test_the_estimator_runs_locally(backend):
    observable = SparsePauliOp.from_list([("ZZ", 1), ("XX", 1)])
    result = EstimatorV2(mode=backend).run([(bell(), observable)]).result()
    assert float(result[0].data.evs) == pytest.approx(2.0, abs=1e-9)
