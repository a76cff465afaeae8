"""A program that runs on a GPU where there is one: the same code is tested where there is none.

SIMQUAY_FALLBACK=cpu says, outside the program, that a CPU engine may take the place of the GPU.
"""

from qiskit import QuantumCircuit

import simquay


def ghz_counts(qubits: int, shots: int) -> dict[str, int]:
    """Counts of a GHZ state; the same for each engine, since the seed is fixed."""
    circuit = QuantumCircuit(qubits)
    circuit.h(0)
    for qubit in range(1, qubits):
        circuit.cx(qubit - 1, qubit)
    circuit.measure_all()
    backend = simquay.get_backend("gpu")
    counts: dict[str, int] = (
        backend.run(circuit, shots=shots, seed_simulator=7).result().get_counts()
    )
    return counts


if __name__ == "__main__":
    print(ghz_counts(20, 1000))
