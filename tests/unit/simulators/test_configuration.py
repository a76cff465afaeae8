"""The configuration of a backend that knows its qubits' neighbours."""

from __future__ import annotations

from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import QFTGate
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import Operator

import simquay
from simquay.simulators.configuration import configuration_of


def test_a_coupling_map_is_told_as_pairs() -> None:
    configuration = configuration_of(GenericBackendV2(3, coupling_map=[[0, 1], [1, 2]], seed=1))
    assert configuration.coupling_map == [[0, 1], [1, 2]]
    assert configuration.n_qubits == 3
    assert "cx" in configuration.basis_gates
    assert "measure" in configuration.supported_instructions


def test_the_basis_gates_are_names_that_the_transpiler_takes() -> None:
    circuit = QuantumCircuit(3)
    circuit.append(QFTGate(2), [0, 1])
    circuit.ccz(0, 1, 2)
    circuit.unitary([[0, 1], [1, 0]], [2])
    backend = simquay.get_backend("numpy")
    assert "unitary" in backend.configuration().supported_instructions
    basis = backend.configuration().basis_gates
    assert {"h", "cx", "ccz", "rzz"} < set(basis)
    lowered = transpile(circuit, basis_gates=basis, optimization_level=0)
    assert set(lowered.count_ops()) <= set(basis)
    assert Operator(lowered).equiv(Operator(circuit))
