"""The qubits that a run reserves memory for are those that it stores."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import PermutationGate

from simquay import get_backend
from simquay.circuits.lowering.circuit import lower
from simquay.program.program import most_stored_qubits

BACKENDS = ["reference", "numpy", "numba"]


@pytest.mark.parametrize("name", BACKENDS)
def test_forty_qubits_of_which_diagonals_and_swaps_move_none(name):
    circuit = QuantumCircuit(40, 2)
    circuit.h(7)
    for qubit in range(40):
        circuit.z(qubit)
        circuit.cx((qubit + 20) % 40 if qubit != 27 else 1, (qubit + 3) % 40)
    for qubit in range(7, 39):
        circuit.swap(qubit, qubit + 1)
        circuit.cp(0.3, qubit, qubit + 1)
    circuit.append(PermutationGate([*range(39, -1, -1)]), range(40))
    circuit.x(0)
    circuit.measure([0, 39], [0, 1])
    result = get_backend(name).run(circuit, shots=100, seed_simulator=3).result()
    assert result.results[0].metadata["stored_qubits"] <= 2
    counts = result.get_counts()
    assert sum(counts.values()) == 100


def random_circuit(seed: int) -> QuantumCircuit:
    """Up to 7 of 40 qubits leave |0>; swaps, permutations, diagonals and controls are on all."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(40, 3)
    active = rng.choice(40, 7, replace=False).tolist()
    for _ in range(60):
        one, two, three = rng.choice(40, 3, replace=False).tolist()
        match int(rng.integers(9)):
            case 0:
                circuit.h(active[int(rng.integers(7))])
            case 1:
                circuit.rz(rng.uniform(0, 6), one)
            case 2:
                circuit.rzz(rng.uniform(0, 6), one, two)
            case 3:
                circuit.swap(one, two)
                active = [{one: two, two: one}.get(q, q) for q in active]
            case 4:
                circuit.append(PermutationGate([1, 2, 0]), [one, two, three])
                active = [{two: one, three: two, one: three}.get(q, q) for q in active]
            case 5:
                circuit.ccz(one, two, three)
            case 6:
                control = int(rng.integers(7))
                circuit.cx(active[control], active[control - 1])
            case 7:
                circuit.cry(rng.uniform(0, 6), *rng.choice(active, 2, replace=False).tolist())
            case _:
                circuit.crz(rng.uniform(0, 6), one, two)
    circuit.measure(active[:3], range(3))
    return circuit


@pytest.mark.parametrize("name", BACKENDS)
def test_random_circuits_store_what_is_reserved(name):
    circuits = [random_circuit(seed) for seed in range(200)]
    result = get_backend(name).run(circuits, shots=1, seed_simulator=1).result()
    stored = [one.metadata["stored_qubits"] for one in result.results]
    reserved = [most_stored_qubits(lower(circuit)) for circuit in circuits]
    assert stored == reserved
    assert max(reserved) == 7
