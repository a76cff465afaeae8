"""Teleportation: mid-circuit measurements, and corrections that depend on their outcomes.

The qubit that Alice sends is RY(2·asin(√0.8))|0>, so Bob reads 1 in eight of ten shots, whatever
Alice measured. The 10,000 shots share one state until the measurements, then split into branches
by outcome.
"""

from math import asin, sqrt

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

import simquay

qubits = QuantumRegister(3, "q")
alice = ClassicalRegister(2, "alice")
bob = ClassicalRegister(1, "bob")
circuit = QuantumCircuit(qubits, alice, bob, name="teleportation")

circuit.ry(2 * asin(sqrt(0.8)), 0)  # what Alice sends
circuit.h(1)  # the pair that Alice and Bob share
circuit.cx(1, 2)

circuit.cx(0, 1)
circuit.h(0)
circuit.measure(0, alice[0])
circuit.measure(1, alice[1])

with circuit.if_test((alice[1], 1)):
    circuit.x(2)
with circuit.if_test((alice[0], 1)):
    circuit.z(2)
circuit.measure(2, bob[0])

backend = simquay.get_backend("numpy")
counts = backend.run(circuit, shots=10_000, seed_simulator=7).result().get_counts()

# An outcome reads "bob alice": Qiskit puts the last register first.
for outcome, count in sorted(counts.items()):
    print(outcome, count)
received = sum(count for outcome, count in counts.items() if outcome.startswith("1"))
print(f"Bob read 1 in {received / 10_000:.1%} of the shots; Alice sent 80.0%")
