"""A Bell pair on the available backend with the highest priority."""

from qiskit import QuantumCircuit

import simquay

circuit = QuantumCircuit(2, name="bell")
circuit.h(0)
circuit.cx(0, 1)
circuit.measure_all()

backend = simquay.get_backend()
job = backend.run(circuit, shots=1000, seed_simulator=7)
print(backend.name, job.result().get_counts())
