"""samplomatic: randomized (twirled) circuits as a template and its parameters."""

from __future__ import annotations

import numpy as np
from qiskit import QuantumCircuit
from samplomatic import Twirl, build


def test_twirled_circuits_give_the_counts_of_the_circuit(backend):
    circuit = QuantumCircuit(2, 2)
    with circuit.box([Twirl(dressing="left")]):
        circuit.x(0)
        circuit.cx(0, 1)
    with circuit.box([Twirl(dressing="left")]):
        circuit.measure([0, 1], [0, 1])
    template, samplex = build(circuit)
    sample = samplex.sample(num_randomizations=8)
    values = sample["parameter_values"]
    (flips,) = [sample[name] for name in sample if name.startswith("measurement_flips")]
    bound = [template.assign_parameters(one) for one in values]
    results = backend.run(bound, shots=10).result()
    for index, flip in enumerate(np.asarray(flips).reshape(len(bound), 2)):
        (key,) = results.get_counts(index)
        measured = np.array([int(bit) for bit in reversed(key.replace(" ", ""))])
        assert [*(measured ^ flip)] == [1, 1]
