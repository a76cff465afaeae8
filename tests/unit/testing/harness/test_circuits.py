"""The circuits of the checks, simulated by Qiskit's own linear algebra."""

from __future__ import annotations

import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Clifford, Statevector

from simquay.testing.harness.circuits import bell, circuit_of, flips, layers, too_wide


def without_measurements(circuit: QuantumCircuit) -> QuantumCircuit:
    bare = circuit.copy_empty_like()
    for instruction in circuit.data:
        if instruction.operation.name != "measure":
            bare.append(instruction)
    return bare


def probabilities(circuit: QuantumCircuit) -> dict[str, float]:
    """Of the outcomes, where qubit ``i`` is measured into bit ``i``."""
    for index, instruction in enumerate(circuit.get_instructions("measure")):
        assert instruction.qubits == (circuit.qubits[index],)
        assert instruction.clbits == (circuit.clbits[index],)
    found = Statevector(without_measurements(circuit)).probabilities_dict()
    return {outcome: float(probability) for outcome, probability in found.items()}


def test_a_circuit_of_steps() -> None:
    made = circuit_of("it", (2, 1), ("rx", 0.5, 1), ("cx", 0, 1), ("measure", 1, 0))
    expected = QuantumCircuit(2, 1, name="it")
    expected.rx(0.5, 1)
    expected.cx(0, 1)
    expected.measure(1, 0)
    assert (made, made.name) == (expected, "it")


def test_flips_have_one_outcome() -> None:
    assert probabilities(flips(3)) == {"111": 1.0}
    assert flips().name == "flips"


def test_a_bell_pair_has_two() -> None:
    assert probabilities(bell()) == pytest.approx({"00": 0.5, "11": 0.5})


@pytest.mark.parametrize("clifford", [False, True])
def test_layers(clifford: bool) -> None:
    circuit = layers(4, 5, clifford)
    assert circuit.count_ops()["cx"] == 15
    assert circuit.count_ops()["h" if clifford else "rx"] == 20
    # Two layers are not undone by the next one: many outcomes stay possible.
    assert len(probabilities(circuit)) > 2


def test_clifford_layers_are_clifford() -> None:
    assert Clifford(without_measurements(layers(4, 5, clifford=True))).num_qubits == 4


def test_too_wide_needs_more_memory_than_there_is() -> None:
    circuit = too_wide()
    assert 16 << circuit.num_qubits > 2**80
    assert circuit.name == "much too wide"
