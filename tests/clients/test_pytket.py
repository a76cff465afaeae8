"""pytket: its circuits, optimized by it, as Qiskit's."""

from __future__ import annotations

import pytest
from pytket import Circuit
from pytket.extensions.qiskit import tk_to_qiskit
from pytket.passes import FullPeepholeOptimise
from qiskit.quantum_info import Statevector, hellinger_fidelity


def test_an_optimized_circuit_has_the_counts_of_the_first(backend):
    circuit = Circuit(3).H(0).CX(0, 1).CCX(0, 1, 2).Rz(0.3, 2).ZZPhase(0.2, 0, 1)
    circuit.TK1(0.1, 0.2, 0.3, 2).XXPhase(0.4, 1, 2)
    exact = Statevector(tk_to_qiskit(circuit)).probabilities_dict()
    circuit.measure_all()
    optimized = circuit.copy()
    assert FullPeepholeOptimise().apply(optimized)
    for one in (circuit, optimized):
        counts = backend.run(tk_to_qiskit(one), shots=4000).result().get_counts()
        assert hellinger_fidelity(counts, exact) == pytest.approx(1.0, abs=0.005)
